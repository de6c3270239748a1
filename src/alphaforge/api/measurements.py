"""What the routers need to know of the service's own speed, as a protocol; see `services`."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from alphaforge.telemetry.figures import Snapshot, Values
from alphaforge.telemetry.minutes import Minute

Section = Callable[[], Mapping[str, Values]]
"""Answers figures by the names of their families."""


@dataclass(frozen=True, slots=True)
class Measured:
    """Figures of this moment, of every process that shares the desk; `processes` are named, this one first.

    `problem`: in plain words what could not be asked. `is_whole`: whether that is none of the other processes; else
    what is known of them is what they had said before.
    """

    figures: Snapshot
    processes: Sequence[str]
    problem: str | None = None
    is_whole: bool = True


class Measurements(Protocol):
    """What the processes of this desk measure of themselves."""

    @property
    def processes(self) -> int:
        """How many were heard when `minutes` was asked last, this one included."""
        ...

    async def look(self) -> Measured:
        """All figures as they are now."""
        ...

    async def minutes(self, since: float) -> tuple[Sequence[Minute], str | None]:
        """The minutes that began at `since` (epoch seconds) or later, each of all processes as one, oldest first.

        The second value says in plain words why others could not be asked; then there are only this process's.
        """
        ...
