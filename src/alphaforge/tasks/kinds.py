"""What a job can be, and what whoever runs one is told and may say."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from alphaforge.core.errors import AlphaForgeError
from alphaforge.storage.jobs import Job


def _always() -> bool:
    return True


class GiveUp(AlphaForgeError):
    """This job cannot succeed, however often it is tried; the message says why, and `result` more, as JSON has it."""

    def __init__(self, message: str, *, result: object = None) -> None:
        super().__init__(message)
        self.result = result


@dataclass(slots=True)
class Running:
    """A job under way. What `progress` is told is stored every few seconds."""

    job: Job
    told: float | None = field(default=None)

    def progress(self, fraction: float) -> None:
        """Say how much is done, from 0 to 1."""
        self.told = min(1.0, max(0.0, fraction))


@dataclass(frozen=True, slots=True)
class TaskKind:
    """A kind of job: how it is run, and what is done when it fails.

    `run` answers the result, as JSON takes it; what it raises counts as a failure, after which the job is tried again
    in the next of `pauses` (seconds; the last one repeats), `attempts` times in all. It may be run again though it had
    succeeded (its process may have died before it could say so): it must not matter. `pool`: kinds of one pool share
    its places; a slow receiver of alerts must not hold up a scan. `places`: so many the pool has at least;
    `most`: at most, for work that takes a core. `timeout` in seconds. A process takes jobs of a kind while it
    `is_ready` for them.
    """

    name: str
    run: Callable[[Running], Awaitable[object]]
    pool: str = "work"
    timeout: float = 3_600.0
    attempts: int = 3
    pauses: tuple[float, ...] = (2.0, 10.0, 60.0)
    is_ready: Callable[[], bool] = _always
    places: int = 0
    most: int | None = None

    def pause_after(self, attempts: int) -> float | None:
        """Seconds until the next attempt after so many; None where there is none."""
        if attempts >= self.attempts:
            return None
        return self.pauses[min(attempts, len(self.pauses)) - 1]
