"""Counting within any minute by two fixed ones: what was spent before still weighs as far as it may still matter.

The estimate is exact where the minute before was spent evenly; spent at its very end, it weighs too little. So nobody
gets more than the limit within a minute of the clock, nor, at the worst, twice the limit within any sixty seconds.
"""

from dataclasses import dataclass
from math import ceil

WINDOW = 60.0
"""Seconds."""

_ROUNDING = 0.001
"""Seconds by which the clock's last digits may deceive."""


def window_of(now: float) -> tuple[int, float]:
    """The number of the window at `now` (epoch seconds), and the share of it that has gone."""
    windows = now / WINDOW
    number = int(windows)
    return number, windows - number


@dataclass(frozen=True, slots=True)
class Counts:
    """What one client spent in this window and in the one before; `gone` is the share of this window that has."""

    current: int
    before: int
    gone: float

    @property
    def spent(self) -> float:
        """Of the limit, at this moment."""
        return self.current + self.before * (1.0 - self.gone)

    def left(self, limit: int) -> int | None:
        """How many remain once another is taken; None where there is no other."""
        left = limit - self.spent - 1
        return None if left < 0 else int(left)

    def wait(self, limit: int) -> int:
        """Full seconds, at least one, until another is to be had if nobody takes any."""
        free = limit - 1
        if self.current <= free and self.before:  # it comes while the window before loses its weight
            share = max(self.gone, 1.0 - (free - self.current) / self.before) - self.gone
        elif self.current <= free:
            share = 0.0
        else:  # this window is used up; in the next one it loses its weight in turn
            share = 1.0 - self.gone + 1.0 - free / self.current
        return max(1, ceil(share * WINDOW + _ROUNDING))
