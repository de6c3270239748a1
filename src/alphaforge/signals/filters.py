"""What may stand between a direction and a signal. All are evaluated; the first failure is the reason."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from alphaforge.signals.model import Direction, FilterName, FilterResult, Regime
from alphaforge.signals.settings import StrategySettings


@dataclass(frozen=True, slots=True)
class Facts:
    """What the filters judge. Ages and times in seconds, `spread` and `atr` in prices, both None without a value.

    `leaders` is the sides that lead before the minimum of votes is asked; `exposure` maps each currency of the
    instrument to its net number of open signals before and after the proposal, empty where nothing is proposed.
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
    atr: float | None
    adx: float | None
    spread: float
    exposure: Mapping[str, tuple[int, int]]
    since_last: float | None


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


def first_failure(results: tuple[FilterResult, ...]) -> FilterName | None:
    """The reason why there is no signal, None where every filter passed."""
    return next((result.name for result in results if not result.passed), None)


def _result(
    name: FilterName, *, passed: bool, measured: float | None = None, threshold: float | None = None, change: str
) -> FilterResult:
    return FilterResult(name, passed, measured, threshold, "" if passed else change)


def _stale_data(facts: Facts, settings: StrategySettings) -> FilterResult:
    return _result(
        FilterName.STALE_DATA,
        passed=not facts.market_open or facts.age <= settings.maximum_age,
        measured=facts.age,
        threshold=settings.maximum_age,
        change=f"needs a candle that closed at most {settings.maximum_age / 60:g} min ago, "
        f"the last one closed {facts.age / 60:.1f} min ago",
    )


def _market_closed(facts: Facts, _settings: StrategySettings) -> FilterResult:
    return _result(FilterName.MARKET_CLOSED, passed=facts.market_open, change="needs an open market")


def _regime(facts: Facts, settings: StrategySettings) -> FilterResult:
    traded = [str(regime) for regime in Regime if regime not in settings.untraded]
    return _result(
        FilterName.REGIME,
        passed=facts.regime not in settings.untraded,
        change=f"needs another regime than {facts.regime}: one of {', '.join(traded)}",
    )


def _no_direction(facts: Facts, settings: StrategySettings) -> FilterResult:
    most = max(facts.buy, facts.sell)
    missing = settings.minimum_votes - most
    if facts.buy == facts.sell:
        change = f"needs one side to lead with {settings.minimum_votes:.2f} weighted votes, both have {most:.2f}"
    else:
        leader = Direction.BUY if facts.buy > facts.sell else Direction.SELL
        change = f"needs {settings.minimum_votes:.2f} weighted votes, {leader} has {most:.2f}: {missing:.2f} more"
    return _result(
        FilterName.NO_DIRECTION,
        passed=facts.direction is not None,
        measured=most,
        threshold=settings.minimum_votes,
        change=change,
    )


def _agreement(facts: Facts, settings: StrategySettings) -> FilterResult:
    return _result(
        FilterName.AGREEMENT,
        passed=facts.agreement >= settings.minimum_agreement,
        measured=facts.agreement,
        threshold=settings.minimum_agreement,
        change=f"needs {settings.minimum_agreement:.0%} of the timeframes to lean the same way, "
        f"{facts.agreement:.0%} do",
    )


def _strength(facts: Facts, settings: StrategySettings) -> FilterResult:
    return _result(
        FilterName.STRENGTH,
        passed=facts.strength >= settings.minimum_strength,
        measured=facts.strength,
        threshold=settings.minimum_strength,
        change=f"needs strength {settings.minimum_strength:.1f}, is {facts.strength:.1f}",
    )


def _volatility(facts: Facts, settings: StrategySettings) -> FilterResult:
    low, high = settings.minimum_volatility, settings.maximum_volatility
    share = None if facts.atr is None else facts.atr / facts.close
    if share is None:
        return _result(FilterName.VOLATILITY, passed=False, threshold=low, change="needs an ATR, there is none")
    crossed = high if share > high else low
    limit = "at most" if share > high else "at least"
    return _result(
        FilterName.VOLATILITY,
        passed=low <= share <= high,
        measured=share,
        threshold=crossed,
        change=f"needs ATR / close of {limit} {crossed:.3%}, is {share:.4%}",
    )


def _trend(facts: Facts, settings: StrategySettings) -> FilterResult:
    measured = "is not known" if facts.adx is None else f"is {_short_of(facts.adx, settings.minimum_adx)}"
    return _result(
        FilterName.TREND,
        passed=facts.adx is not None and facts.adx >= settings.minimum_adx,
        measured=facts.adx,
        threshold=settings.minimum_adx,
        change=f"needs ADX {settings.minimum_adx:.1f}, {measured}",
    )


def _spread(facts: Facts, settings: StrategySettings) -> FilterResult:
    if not facts.atr:
        change = "needs a stop distance to measure the spread against, there is none"
        return _result(FilterName.SPREAD, passed=False, measured=facts.spread, change=change)
    distance = settings.stop_atr * facts.atr
    limit = settings.maximum_spread_share * distance
    return _result(
        FilterName.SPREAD,
        passed=facts.spread <= limit,
        measured=facts.spread,
        threshold=limit,
        change=f"needs a spread of at most {limit:.6g} ({settings.maximum_spread_share:.0%} of the stop distance), "
        f"is {facts.spread:.6g} ({facts.spread / distance:.0%})",
    )


def _exposure(facts: Facts, settings: StrategySettings) -> FilterResult:
    """Only a proposal that takes a currency further from zero can fail; closing a net position never does."""
    growing = {name: after for name, (before, after) in facts.exposure.items() if abs(after) > abs(before)}
    worst = max(growing, key=lambda name: abs(growing[name]), default=None)
    if worst is None:
        return _result(FilterName.EXPOSURE, passed=True, threshold=float(settings.exposure_cap), change="")
    net = growing[worst]
    held = "long" if net > 0 else "short"
    surplus = abs(net) - settings.exposure_cap
    return _result(
        FilterName.EXPOSURE,
        passed=surplus <= 0,
        measured=float(abs(net)),
        threshold=float(settings.exposure_cap),
        change=f"needs {surplus} fewer open and {held} {worst}: with this one there would be {abs(net)}, "
        f"allowed are {settings.exposure_cap}",
    )


def _cooldown(facts: Facts, settings: StrategySettings) -> FilterResult:
    if facts.since_last is None:
        return _result(FilterName.COOLDOWN, passed=True, threshold=settings.cooldown, change="")
    return _result(
        FilterName.COOLDOWN,
        passed=facts.since_last >= settings.cooldown,
        measured=facts.since_last,
        threshold=settings.cooldown,
        change=f"needs {settings.cooldown / 60:g} min since the last signal, it was {facts.since_last / 60:g} min ago: "
        f"{(settings.cooldown - facts.since_last) / 60:g} min more",
    )


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
