"""What may stand between a direction and a signal. All are evaluated; the first failure is the reason."""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.signals.model import Direction, FilterName, FilterResult, Regime
from alphaforge.signals.regime import REGIMES, Codes
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.votes import Mask


@dataclass(frozen=True, slots=True)
class Facts:
    """What the filters judge. Ages and times in seconds, `spread` and `atr` in prices; NaN for an indicator's no value.

    `direction` is the side that leads with enough votes; `exposure` maps each currency of the instrument to its net
    number of open signals before and after the proposal, empty where nothing is proposed.
    """

    age: float
    market_open: bool
    regime: Regime
    direction: Direction | None
    buy: float
    sell: float
    agreement: float
    strength: float
    close: float
    atr: float
    adx: float
    spread: float
    exposure: Mapping[str, tuple[int, int]]
    since_last: float | None

    @property
    def regime_code(self) -> int:
        """The regime's position in REGIMES."""
        return REGIMES.index(self.regime)

    @property
    def led(self) -> bool:
        """Whether there is a direction."""
        return self.direction is not None


@dataclass(frozen=True, slots=True)
class Columns:
    """The same of many candles at their closes, for the filters that ask candles and the clock alone: arrays (n,).

    `regime_code`: positions in `regime.REGIMES`. `direction`: +1 for BUY, -1 for SELL, 0 for none.
    """

    market_open: Mask
    regime_code: Codes
    direction: Codes
    agreement: Floats
    strength: Floats
    close: Floats
    atr: Floats
    adx: Floats
    spread: Floats

    @property
    def age(self) -> float:
        """Seconds since the close."""
        return 0.0

    @property
    def led(self) -> Mask:
        """Whether there is a direction."""
        led: Mask = self.direction != 0
        return led


Number = float | Floats
Truth = bool | Mask
_Passes = Callable[[Facts | Columns, StrategySettings], Truth]


def leads(votes: Number, others: Number, settings: StrategySettings) -> Truth:
    """Whether a side is the direction: it has more weighted votes than the other, and enough."""
    return (votes > others) & (votes >= settings.minimum_votes)


@lru_cache(maxsize=64)
def _traded(untraded: tuple[Regime, ...]) -> Mask:
    """By position in REGIMES, which regimes are traded."""
    return np.array([regime not in untraded for regime in REGIMES])


def _within(measured: Number, least: float, most: float) -> Truth:
    return (measured >= least) & (measured <= most)


def _widest(atr: Number, settings: StrategySettings) -> Number:
    """The widest spread that passes: a share of the stop's distance."""
    return settings.maximum_spread_share * (settings.stop_atr * atr)


PASSES: Final[Mapping[FilterName, _Passes]] = {
    FilterName.STALE_DATA: lambda of, settings: (of.age <= settings.maximum_age) | np.logical_not(of.market_open),
    FilterName.MARKET_CLOSED: lambda of, _: of.market_open,
    FilterName.REGIME: lambda of, settings: _traded(settings.untraded)[of.regime_code],
    FilterName.NO_DIRECTION: lambda of, _: of.led,
    FilterName.AGREEMENT: lambda of, settings: of.agreement >= settings.minimum_agreement,
    FilterName.STRENGTH: lambda of, settings: of.strength >= settings.minimum_strength,
    FilterName.VOLATILITY: lambda of, settings: (
        (of.atr / of.close >= settings.minimum_volatility) & (of.atr / of.close <= settings.maximum_volatility)
    ),
    FilterName.TREND: lambda of, settings: of.adx >= settings.minimum_adx,
    FilterName.SPREAD: lambda of, settings: (of.atr > 0) & (of.spread <= _widest(of.atr, settings)),
}
"""When each filter that asks the candles and the clock alone lets pass; a missing value (NaN) never does.

The same for one candle and for all of a history at once. What is open and when the last signal was, which the
filters after these ask for, is known for one candle at a time only.
"""


def exposure_of(
    direction: Direction | None, base: str, quote: str, held: Mapping[str, int]
) -> dict[str, tuple[int, int]]:
    """Net open signals per currency before and after a proposal: a BUY of GBP_USD is GBP +1, USD -1."""
    if direction is None:
        return {}
    sign = 1 if direction is Direction.BUY else -1
    return {
        currency: (held.get(currency, 0), held.get(currency, 0) + change)
        for currency, change in ((base, sign), (quote, -sign))
    }


def evaluate(facts: Facts, settings: StrategySettings) -> tuple[FilterResult, ...]:
    """Every filter's verdict, in the order in which the first failure becomes the reason."""
    return tuple(_FILTERS[name](facts, settings) for name in FilterName)


def _passes(name: FilterName, facts: Facts, settings: StrategySettings) -> bool:
    return bool(PASSES[name](facts, settings))


def first_failure(results: tuple[FilterResult, ...]) -> FilterName | None:
    """The reason why there is no signal, None where every filter passed."""
    return next((result.name for result in results if not result.passed), None)


def _stale_data(facts: Facts, settings: StrategySettings) -> FilterResult:
    limit = settings.maximum_age
    passed = _passes(FilterName.STALE_DATA, facts, settings)
    change = (
        ""
        if passed
        else f"needs a candle that closed at most {limit / 60:g} min ago, "
        f"the last one closed {facts.age / 60:.1f} min ago"
    )
    return FilterResult(FilterName.STALE_DATA, passed, facts.age, limit, change)


def _market_closed(facts: Facts, settings: StrategySettings) -> FilterResult:
    passed = _passes(FilterName.MARKET_CLOSED, facts, settings)
    change = "" if passed else "needs an open market"
    return FilterResult(FilterName.MARKET_CLOSED, passed, None, None, change)


def _regime(facts: Facts, settings: StrategySettings) -> FilterResult:
    passed = _passes(FilterName.REGIME, facts, settings)
    traded = () if passed else (str(regime) for regime in Regime if regime not in settings.untraded)
    change = "" if passed else f"needs another regime than {facts.regime}: {' or '.join(traded)}"
    return FilterResult(FilterName.REGIME, passed, None, None, change)


def _no_direction(facts: Facts, settings: StrategySettings) -> FilterResult:
    most, needed = max(facts.buy, facts.sell), settings.minimum_votes
    passed, change = _passes(FilterName.NO_DIRECTION, facts, settings), ""
    if not passed and facts.buy == facts.sell:
        change = f"needs one side to lead with {needed:.2f} weighted votes, both have {most:.2f}"
    elif not passed:
        leader = Direction.BUY if facts.buy > facts.sell else Direction.SELL
        change = f"needs {needed:.2f} weighted votes, {leader} has {most:.2f}: {needed - most:.2f} more"
    return FilterResult(FilterName.NO_DIRECTION, passed, most, needed, change)


def _agreement(facts: Facts, settings: StrategySettings) -> FilterResult:
    measured, needed = facts.agreement, settings.minimum_agreement
    passed = _passes(FilterName.AGREEMENT, facts, settings)
    change = "" if passed else f"needs {needed:.0%} of the timeframes to lean the same way, {measured:.0%} do"
    return FilterResult(FilterName.AGREEMENT, passed, measured, needed, change)


def _strength(facts: Facts, settings: StrategySettings) -> FilterResult:
    measured, needed = facts.strength, settings.minimum_strength
    passed = _passes(FilterName.STRENGTH, facts, settings)
    change = "" if passed else f"needs strength {needed:.1f}, is {_short_of(measured, needed)}"
    return FilterResult(FilterName.STRENGTH, passed, measured, needed, change)


def _volatility(facts: Facts, settings: StrategySettings) -> FilterResult:
    if math.isnan(facts.atr):
        change = "needs an ATR, there is none"
        return FilterResult(FilterName.VOLATILITY, passed=False, measured=None, threshold=None, change=change)
    measured = facts.atr / facts.close
    too_much = measured > settings.maximum_volatility
    limit = settings.maximum_volatility if too_much else settings.minimum_volatility
    passed = _passes(FilterName.VOLATILITY, facts, settings)
    side = "at most" if too_much else "at least"
    change = "" if passed else f"needs ATR / close of {side} {limit:.2%}, is {measured:.4%}"
    return FilterResult(FilterName.VOLATILITY, passed, measured, limit, change)


def _trend(facts: Facts, settings: StrategySettings) -> FilterResult:
    measured, needed = facts.adx, settings.minimum_adx
    if math.isnan(measured):
        change = f"needs ADX {needed:.1f}, there is none"
        return FilterResult(FilterName.TREND, passed=False, measured=None, threshold=needed, change=change)
    passed = _passes(FilterName.TREND, facts, settings)
    change = "" if passed else f"needs ADX {needed:.1f}, is {_short_of(measured, needed)}"
    return FilterResult(FilterName.TREND, passed, measured, needed, change)


def _spread(facts: Facts, settings: StrategySettings) -> FilterResult:
    if not facts.atr > 0:
        change = "needs a stop distance to hold the spread against, there is none"
        return FilterResult(FilterName.SPREAD, passed=False, measured=facts.spread, threshold=None, change=change)
    passed, limit = _passes(FilterName.SPREAD, facts, settings), float(_widest(facts.atr, settings))
    change = (
        ""
        if passed
        else f"needs a spread of at most {limit:.6g} ({settings.maximum_spread_share:.0%} of the stop distance), "
        f"is {facts.spread:.6g} ({facts.spread / (settings.stop_atr * facts.atr):.0%})"
    )
    return FilterResult(FilterName.SPREAD, passed, facts.spread, limit, change)


def _exposure(facts: Facts, settings: StrategySettings) -> FilterResult:
    """Only a proposal that takes a currency further from zero can fail; closing a net position never does."""
    cap = settings.exposure_cap
    worst, net = "", 0
    for currency, (before, after) in facts.exposure.items():
        if abs(after) > max(abs(before), abs(net)):
            worst, net = currency, after
    passed = abs(net) <= cap
    change = (
        ""
        if passed
        else f"needs {abs(net) - cap} fewer open and {'long' if net > 0 else 'short'} {worst}: "
        f"with this one there would be {abs(net)}, allowed are {cap}"
    )
    return FilterResult(FilterName.EXPOSURE, passed, float(abs(net)) if worst else None, float(cap), change)


def _cooldown(facts: Facts, settings: StrategySettings) -> FilterResult:
    measured, needed = facts.since_last, settings.cooldown
    passed = measured is None or measured >= needed
    change = (
        ""
        if passed or measured is None
        else f"needs {needed / 60:g} min since the last signal, it was {measured / 60:g} min ago: "
        f"{(needed - measured) / 60:g} min more"
    )
    return FilterResult(FilterName.COOLDOWN, passed, measured, needed, change)


def _short_of(value: float, threshold: float) -> str:
    """A number with one decimal, or with as many more as it takes not to look like the threshold."""
    for digits in range(1, 12):
        text = f"{value:.{digits}f}"
        if float(text) < threshold:
            return text
    return repr(value)


_FILTERS: Final[Mapping[FilterName, Callable[[Facts, StrategySettings], FilterResult]]] = {
    FilterName.STALE_DATA: _stale_data,
    FilterName.MARKET_CLOSED: _market_closed,
    FilterName.REGIME: _regime,
    FilterName.NO_DIRECTION: _no_direction,
    FilterName.AGREEMENT: _agreement,
    FilterName.STRENGTH: _strength,
    FilterName.VOLATILITY: _volatility,
    FilterName.TREND: _trend,
    FilterName.SPREAD: _spread,
    FilterName.EXPOSURE: _exposure,
    FilterName.COOLDOWN: _cooldown,
}
