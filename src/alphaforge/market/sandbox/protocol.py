"""What the sandbox's server asks of a market, simulated or replayed."""

from collections.abc import Mapping
from typing import Protocol

from alphaforge.core.market_hours import MarketHours
from alphaforge.market.sandbox.bars import Bars, Ticks
from alphaforge.market.sandbox.buckets import Buckets
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.listings import Listing


class SandboxMarket(Protocol):
    """A market whose every answer is a function of its arguments; `clock` alone moves.

    Methods may be called from several threads. Instruments are those of `listings`; others raise KeyError. `name` says
    which market it is (small letters, digits, dashes): candles of two must never be taken for those of one.
    """

    name: str
    clock: SandboxClock
    listings: Mapping[str, Listing]

    def earliest(self, instrument: str) -> int:
        """Where the history begins, in epoch seconds."""
        ...

    def hours(self, instrument: str) -> MarketHours:
        """When the instrument trades."""
        ...

    def candles(self, instrument: str, buckets: Buckets, start: int, end: int, now: float) -> Bars:
        """The candles of [start, end), both on bucket borders, as known at `now`: the last may be forming."""
        ...

    def ticks(self, instrument: str, start: float, end: float) -> Ticks:
        """The prices of [start, end)."""
        ...

    def quote(self, instrument: str, moment: float) -> Ticks:
        """The newest price before `moment`: one, or none where there was none for ten days."""
        ...
