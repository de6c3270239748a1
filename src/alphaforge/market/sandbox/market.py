"""A market that never was: prices made from a seed, the same in every process and at every time of asking."""

from collections.abc import Sequence

import numpy as np

from alphaforge.market.sandbox.bars import NO_TICKS, Bars, Ticks, chained, ticks_of
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.layered import LayeredMarket
from alphaforge.market.sandbox.listings import USUAL_INSTRUMENTS, listings_of
from alphaforge.market.sandbox.path import Strip, simulated_day
from alphaforge.market.sandbox.recent import Recent
from alphaforge.market.sandbox.sessions import DAY

HISTORY_BEGINS = 946_857_600  # 2000-01-03T00:00:00Z, a Monday
_DAYS_OF_M5 = 256  # three pages of 5,000 M5 candles of each of three instruments, about 3 MB
_SPARE_STRIPS = 2
DAYS_BETWEEN_PAGES = 16
"""For each instrument, where a page is hardly asked for twice: a few days for the next page, and today."""


class SimulatedMarket(LayeredMarket):
    """Invented prices of any instruments, a function of (seed, instrument, time). Names are taken in any spelling.

    It keeps at most `days` days of M5 candles (17 KB each) and, for each instrument, a day of S5 candles (400 KB).
    """

    def __init__(
        self,
        seed: int = 1,
        instruments: Sequence[str] = USUAL_INSTRUMENTS,
        clock: SandboxClock | None = None,
        *,
        days: int = _DAYS_OF_M5,
    ) -> None:
        super().__init__(f"seed-{seed}", listings_of(instruments), clock or SandboxClock())
        self.seed = seed
        self._strips: Recent[tuple[str, int], Strip] = Recent(len(self.listings) + _SPARE_STRIPS)
        self._days: Recent[tuple[str, int], Bars] = Recent(days)

    def earliest(self, instrument: str) -> int:
        """Where the history begins: in the first week of 2000."""
        del instrument  # all begin together
        return HISTORY_BEGINS

    def minutes5(self, instrument: str, start: int, end: int) -> Bars:
        """The candles of five minutes that start in [start, end)."""
        days = range(max(start, HISTORY_BEGINS) // DAY, -(-end // DAY))
        parts = [self._day(instrument, day).between(start, end) for day in reversed(days)]
        return chained(parts[::-1])  # the oldest day was made last: the page before this one begins with it

    def seconds5(self, instrument: str, start: int, end: int) -> Bars:
        """The candles of five seconds that start in [start, end)."""
        days = range(max(start, HISTORY_BEGINS) // DAY, -(-end // DAY))
        return chained([self._strip(instrument, day).bars(start, end) for day in days])

    def ticks(self, instrument: str, start: float, end: float) -> Ticks:
        """The prices of [start, end)."""
        bars = self.seconds5(instrument, int(start // 5) * 5, int(end // 5) * 5 + 5)
        if not len(bars):
            return NO_TICKS
        parts = [
            ticks_of(bars.prices[:, row], int(bars.volume[row]), int(bars.time[row]), 5) for row in range(len(bars))
        ]
        ticks = Ticks(np.concatenate([part.time for part in parts]), np.hstack([part.prices for part in parts]))
        return ticks.between(start, end)

    def _strip(self, instrument: str, day: int) -> Strip:
        return self._strips.get((instrument, day), lambda: self._made(instrument, day))

    def _day(self, instrument: str, day: int) -> Bars:
        def added_up() -> Bars:
            strip = self._strips.peek((instrument, day)) or self._made(instrument, day)
            return strip.added_up()

        return self._days.get((instrument, day), added_up)

    def _made(self, instrument: str, day: int) -> Strip:
        return simulated_day(self.seed, self.listings[instrument], self.hours(instrument), day)
