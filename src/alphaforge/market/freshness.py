"""How old a price is, and whether that is too old: one rule for answers, events and alarms."""

from dataclasses import dataclass

from alphaforge.core.clock import Clock, lag
from alphaforge.core.market_hours import MarketHours
from alphaforge.market.source import Quote

STALE_AFTER = 15.0
"""Seconds. OANDA sends a price at least every few seconds while it trades."""


@dataclass(frozen=True, slots=True)
class Freshness:
    """`age`: real seconds since the price was made. `stale`: too old for a market that is open."""

    age: float
    stale: bool


def freshness(quote: Quote, clock: Clock, hours: MarketHours) -> Freshness:
    """How fresh a quote is now. The last price of a closed market is old and not stale: there is no newer one."""
    age = lag(clock, quote.time)
    return Freshness(age, stale=age > STALE_AFTER and hours.is_open(clock.now()))
