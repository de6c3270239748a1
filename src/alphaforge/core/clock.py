"""Time as an argument: what the market's clock says, and how long a thing took.

The market's clock is the broker's. A server whose own clock is wrong, jumps, or watches a replayed market
still asks for the right candles, because it goes by the times that the broker's answers carry.
"""

import time
from dataclasses import dataclass, field
from typing import Protocol

from alphaforge.core.granularity import Granularity

CLOCK_DOUBT = 0.1
"""Real seconds by which the market's clock, as known here, may be ahead of the broker's."""


class Clock(Protocol):
    """What the market's time is."""

    def now(self) -> float:
        """The market's time in epoch seconds."""
        ...

    @property
    def speed(self) -> float:
        """Market seconds that pass in a second; 1 but in a replay."""
        ...


def lag(clock: Clock, moment: float) -> float:
    """How many real seconds ago the market's `moment` was, never below zero."""
    return max(0.0, clock.now() - moment) / clock.speed


def newest_close(clock: Clock, granularity: Granularity, ago: float = 0.0) -> int:
    """The end of the newest candle that had surely ended at the broker too, `ago` real seconds ago; epoch seconds."""
    return granularity.floor(clock.now() - (CLOCK_DOUBT + ago) * clock.speed)


@dataclass(slots=True)
class SystemClock:
    """The machine's clock."""

    speed: float = 1.0

    def now(self) -> float:
        """The machine's time in epoch seconds."""
        return time.time()


@dataclass(slots=True)
class MarketClock:
    """A clock set by the broker's answers; until the first one, the machine's."""

    speed: float = 1.0
    _market: float = field(default_factory=time.time)
    _monotonic: float = field(default_factory=time.monotonic)
    observed: bool = False

    def now(self) -> float:
        """The market's time in epoch seconds."""
        return self._market + (time.monotonic() - self._monotonic) * self.speed

    def observe(self, market: float, speed: float = 1.0) -> None:
        """Set the clock: an answer that arrived just now says that it is `market` (epoch seconds)."""
        self._market, self._monotonic, self.speed, self.observed = market, time.monotonic(), speed, True

    @property
    def skew(self) -> float:
        """How many seconds the machine's clock is ahead of the market's."""
        return time.time() - self.now()
