"""Stops asking a market that keeps failing, and says when it will ask again."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from alphaforge.core.errors import MarketUnavailable


class CircuitOpen(MarketUnavailable):
    """Not asked at all: the market has failed too often. `retry_in` seconds remain."""

    def __init__(self, message: str, *, retry_in: float, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.retry_in = retry_in


class CircuitState(StrEnum):
    """Closed lets everything pass, open nothing, half-open a single probe."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


@dataclass(frozen=True, slots=True)
class BreakerSettings:
    """Opens after `threshold` failures in a row, for `pause` seconds, doubled after each failed probe."""

    threshold: int = 8
    pause: float = 5.0
    longest_pause: float = 10.0
    jitter: float = 0.1


class CircuitBreaker:
    """Counts failures in a row. Who asks calls `admit` first and then exactly one of the three outcomes."""

    def __init__(
        self,
        settings: BreakerSettings = BreakerSettings(),
        *,
        now: Callable[[], float] = time.monotonic,
        random: Random | None = None,
    ) -> None:
        self._settings = settings
        self._now = now
        self._random = random or Random()  # noqa: S311 - jitter, not cryptography
        self._failures = 0
        self._pause = settings.pause
        self._open_until: float | None = None
        self._probing = False
        self._reason = ""

    @property
    def state(self) -> CircuitState:
        """Whether requests pass."""
        if self._open_until is None:
            return CircuitState.CLOSED
        return CircuitState.HALF_OPEN if self._probing or self.retry_in == 0 else CircuitState.OPEN

    @property
    def retry_in(self) -> float:
        """Seconds until the market will be asked again; 0 where it would be now."""
        return 0.0 if self._open_until is None else max(0.0, self._open_until - self._now())

    def admit(self) -> None:
        """Let a request pass, or raise CircuitOpen."""
        if self._open_until is None:
            return
        if self._probing or self.retry_in > 0:
            wait = self.retry_in
            message = f"{self._reason}; " + (
                f"it will be asked again in {wait:.0f} s" if wait else "it is being asked whether it is back"
            )
            raise CircuitOpen(message, retry_in=wait, advice="Nothing to do here: the market is asked again by itself.")
        self._probing = True

    def succeeded(self) -> None:
        """The market answered."""
        self._failures, self._open_until, self._probing = 0, None, False
        self._pause = self._settings.pause

    def failed(self, reason: str) -> None:
        """The market failed, for a `reason` in plain words."""
        self._failures += 1
        self._reason = reason
        if self._probing:
            self._probing = False
            self._pause = min(self._settings.longest_pause, self._pause * 2)
        elif self._failures < self._settings.threshold or self._open_until is not None:
            return  # failures of requests that were under way when it opened prove nothing new
        jitter = 1 + self._random.uniform(-self._settings.jitter, self._settings.jitter)
        self._open_until = self._now() + self._pause * jitter

    def abandoned(self) -> None:
        """Nobody waited for the answer: nothing was learned."""
        self._probing = False
