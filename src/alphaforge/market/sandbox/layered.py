"""What simulated and replayed markets share: every candle and quote is made of the same prices."""

from abc import ABC, abstractmethod
from collections.abc import Mapping

from alphaforge.core.market_hours import MarketHours, hours_of
from alphaforge.market.sandbox.bars import NO_TICKS, Bars, Ticks, bars_of, chained, gathered
from alphaforge.market.sandbox.buckets import Buckets
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.listings import Listing

_M5, _S5 = 300, 5
_DAY = 86_400
_TEN_DAYS = 10 * _DAY


class LayeredMarket(ABC):
    """Three layers, each made of the one before: prices, candles of five seconds, candles of five minutes.

    A market gives the layers for whole pasts; this class cuts them off at the present and adds them up.
    """

    def __init__(self, name: str, listings: Mapping[str, Listing], clock: SandboxClock) -> None:
        self.name = name
        self.listings = listings
        self.clock = clock

    @abstractmethod
    def earliest(self, instrument: str) -> int:
        """Where the history begins, in epoch seconds."""

    @abstractmethod
    def minutes5(self, instrument: str, start: int, end: int) -> Bars:
        """The candles of five minutes that start in [start, end), whatever the time is now."""

    @abstractmethod
    def seconds5(self, instrument: str, start: int, end: int) -> Bars:
        """The candles of five seconds that start in [start, end), whatever the time is now."""

    @abstractmethod
    def ticks(self, instrument: str, start: float, end: float) -> Ticks:
        """The prices of [start, end)."""

    def hours(self, instrument: str) -> MarketHours:
        """When the instrument trades."""
        return hours_of(instrument)

    def candles(self, instrument: str, buckets: Buckets, start: int, end: int, now: float) -> Bars:
        """The candles of [start, end), both on bucket borders, as known at `now`: the last may be forming."""
        parts = []
        layer, step = (self.minutes5, _M5) if buckets.seconds % _M5 == 0 else (self.seconds5, _S5)
        present = int(now // step) * step
        parts.append(layer(instrument, start, min(end, present)))
        if end > present:
            moment = int(now // _S5) * _S5
            parts.append(self.seconds5(instrument, max(start, present), moment))
            parts.append(bars_of(self.ticks(instrument, max(start, moment), now), _S5))
        bars = chained(parts)
        return gathered(bars, buckets.starts_of(bars.time))

    def quote(self, instrument: str, moment: float) -> Ticks:
        """The newest price before `moment`: one, or none where there was none for ten days."""
        slot = int(moment // _S5) * _S5
        newest = self.ticks(instrument, slot, moment)
        if not len(newest):
            start = self._last_start(instrument, slot)
            newest = NO_TICKS if start is None else self.ticks(instrument, start, start + _S5)
        return Ticks(newest.time[-1:], newest.prices[:, -1:])

    def _last_start(self, instrument: str, slot: int) -> int | None:
        """The start of the last candle of five seconds that ended by `slot`: minutes, hours or days before."""
        border = slot // _M5 * _M5
        recent = self.seconds5(instrument, border, slot)
        midnight = border // _DAY * _DAY
        for start in range(midnight, midnight - _TEN_DAYS, -_DAY):
            if len(recent):
                return int(recent.time[-1])
            longer = self.minutes5(instrument, start, min(start + _DAY, border))
            if len(longer):
                recent = self.seconds5(instrument, last := int(longer.time[-1]), last + _M5)
        return int(recent.time[-1]) if len(recent) else None
