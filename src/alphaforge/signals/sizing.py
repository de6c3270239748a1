"""How much of the equity a trade may risk: Kelly's fraction, taken with two pinches of salt."""

from collections.abc import Sequence
from dataclasses import dataclass

from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.statistics.intervals import wilson_lower_bound


@dataclass(frozen=True, slots=True)
class KellyStatistics:
    """What the last results say. Averages in R, `win_rate` and `recommended_risk` as fractions.

    `win_rate` counts results above zero among all; `avg_loss` is positive. A value that the results do not have yet
    is 0; `win_loss_ratio` is None where there are wins and no losses.
    """

    win_rate: float
    avg_win: float
    avg_loss: float
    win_loss_ratio: float | None
    recommended_risk: float
    trade_count: int


def kelly_fraction(
    r_multiples: Sequence[float], regime: Regime, settings: StrategySettings = DEFAULT_SETTINGS
) -> float:
    """The fraction of equity to risk, from the newest 50 results (R-multiples, oldest first) and the regime.

    f = p - (1 - p) / b, J. L. Kelly 1956, with p the lower Wilson bound of the share of results above zero, and
    b the average win by the average loss. A quarter of f times the regime's multiplier, kept between floor and
    ceiling. A result of exactly zero is no win and no loss, but counts in the share. Without a loss, f = p; without
    a win, the floor. Before 20 results the default, whatever the regime.
    """
    results = list(r_multiples)[-settings.kelly_results :]
    if len(results) < settings.kelly_minimum_results:
        return settings.risk_default
    wins, losses = _sides(results)
    fraction = wilson_lower_bound(len(wins), len(results), settings.kelly_confidence)
    if not wins:
        return settings.risk_minimum
    if losses:
        fraction -= (1 - fraction) * _mean(losses) / _mean(wins)
    sized = fraction * settings.kelly_share * settings.multiplier(regime)
    return min(max(sized, settings.risk_minimum), settings.risk_maximum)


def kelly_statistics(
    r_multiples: Sequence[float],
    regime: Regime = Regime.TRENDING_UP_LOW,
    settings: StrategySettings = DEFAULT_SETTINGS,
) -> KellyStatistics:
    """What the newest 50 results say, and the risk that follows from them in `regime`."""
    results = list(r_multiples)[-settings.kelly_results :]
    wins, losses = _sides(results)
    won, lost = _mean(wins), _mean(losses)
    return KellyStatistics(
        win_rate=len(wins) / len(results) if results else 0.0,
        avg_win=won,
        avg_loss=lost,
        win_loss_ratio=won / lost if lost else (None if wins else 0.0),
        recommended_risk=kelly_fraction(results, regime, settings),
        trade_count=len(results),
    )


def _sides(results: Sequence[float]) -> tuple[list[float], list[float]]:
    """The wins and, as positive numbers, the losses."""
    return [r for r in results if r > 0], [-r for r in results if r < 0]


def _mean(values: Sequence[float]) -> float:
    return sum(values) / len(values) if values else 0.0
