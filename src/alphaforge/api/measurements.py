"""What the routers need to know of the service's own speed, as protocols; see `services`."""

from collections.abc import Sequence
from typing import Protocol

from alphaforge.telemetry.minutes import Minute


class Measurements(Protocol):
    """What the processes of this desk measured of themselves in the last 24 hours."""

    @property
    def processes(self) -> int:
        """How many were heard when `minutes` was asked last, this one included."""
        ...

    async def minutes(self, since: float) -> tuple[Sequence[Minute], str | None]:
        """The minutes that began at `since` (epoch seconds) or later, of every process, those under way included.

        The second value says in plain words why others could not be asked; then there are only this process's.
        """
        ...


class SlowOne(Protocol):
    """A request or a query that took long; see `telemetry.slow`."""

    @property
    def at(self) -> float:
        """When it ended, epoch seconds."""
        ...

    @property
    def kind(self) -> str:
        """`request` or `query`."""
        ...

    @property
    def name(self) -> str:
        """Method and route's pattern, or the method that asked the database."""
        ...

    @property
    def seconds(self) -> float:
        """How long it took."""
        ...

    @property
    def status(self) -> int | None:
        """Of a request."""
        ...

    @property
    def trace(self) -> str | None:
        """The id of its trace, where one was recorded."""
        ...

    @property
    def detail(self) -> str:
        """What more is known; nothing that a client sent."""
        ...


class SlowOnes(Protocol):
    """What took long in this process lately."""

    @property
    def entries(self) -> Sequence[SlowOne]:
        """Oldest first."""
        ...
