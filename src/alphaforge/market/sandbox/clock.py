"""The broker's clock: it can start anywhere, run faster than the world, and be set forward."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field

from alphaforge.core.errors import InvalidInput


def steady_seconds() -> float:
    """Seconds since some fixed moment: never set by anyone, and running on while the machine sleeps where it can."""
    boot_time: int | None = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if boot_time is None else time.clock_gettime(boot_time)


@dataclass(slots=True)
class SandboxClock:
    """Market time in epoch seconds, from `start` (default: now) at `speed` market seconds a second; 0 stands still."""

    start: float = field(default_factory=time.time)
    speed: float = 1.0
    steady: Callable[[], float] = steady_seconds
    _since: float = field(init=False)

    def __post_init__(self) -> None:
        if not 0 <= self.speed <= 1e6:  # noqa: PLR2004 - a week in less than a second is no market any more
            message = f"A market cannot run at {self.speed} times real time"
            raise InvalidInput(message, advice="Give a speed between 0 and 1,000,000.")
        self._since = self.steady()

    def now(self) -> float:
        """The market's time in epoch seconds."""
        return self.start + (self.steady() - self._since) * self.speed

    def run_at(self, speed: float) -> None:
        """Go on from the present moment at another speed."""
        running = SandboxClock(self.now(), speed, self.steady)
        self.start, self.speed, self._since = running.start, running.speed, running._since

    def advance_to(self, moment: float) -> None:
        """Jump forward to `moment` (epoch seconds); a broker's time never goes back (InvalidInput)."""
        now = self.now()
        if not now <= moment < 4e9:  # noqa: PLR2004 - the year 2096, where 32 bits of seconds end
            message = f"The market's clock says {now:.3f} and cannot be set to {moment}"
            raise InvalidInput(message, advice="A market's clock can only be set forward.")
        self.start, self._since = moment, self.steady()

    def advance_by(self, seconds: float) -> None:
        """Jump forward by `seconds`, which may be none (InvalidInput where that is no moment of a market)."""
        if seconds:
            self.advance_to(self.now() + seconds)
