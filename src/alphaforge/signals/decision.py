"""The decision on one closed M5 candle: a pure function of closed candles and of what the desk holds."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from alphaforge.core.errors import InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import rfc3339
from alphaforge.signals.analysis import SPREAD_DIGITS, Analysis
from alphaforge.signals.filters import Facts, evaluate, exposure_of, first_failure, leads
from alphaforge.signals.levels import levels
from alphaforge.signals.model import Decision, Direction, Levels
from alphaforge.signals.settings import STRATEGY, StrategySettings
from alphaforge.signals.sizing import kelly_fraction


@dataclass(frozen=True, slots=True)
class Context:
    """What is not in the candles, by value.

    `as_of`: the market's time of the decision, epoch seconds. `exposure`: net open signals by currency before it, a BUY
    of GBP_USD being GBP +1 and USD -1. `last_signal_at`: the close of the newest signal's candle on this instrument,
    epoch seconds. `r_multiples`: of the instrument's last 50 results, oldest first.
    """

    as_of: float
    market_open: bool
    exposure: Mapping[str, int]
    last_signal_at: float | None
    r_multiples: Sequence[float]
    instrument: Instrument


def decide(analysis: Analysis, row: int, context: Context) -> Decision:
    """The decision on the candle in the series' row `row` (negative: from the end).

    Raises NoData while there are too few candles, InvalidInput for a row that was not analysed, for an instrument
    that is not the series', and for a price too small for the instrument's display precision.
    """
    at = analysis.index(row)
    series, settings = analysis.series, analysis.settings
    if context.instrument.name != series.instrument:
        raise InvalidInput(f"Candles of {series.instrument} cannot decide for {context.instrument.name}")
    position = analysis.first + at
    if not analysis.timeframes:
        raise InvalidInput(f"The analysis of {series.instrument} was kept without its timeframes: it decides nothing")
    candle_time = int(series.time[position])
    if not analysis.warm[at]:
        raise _warming_up(analysis, at, candle_time)
    facts = _facts(analysis, at, context)
    filters = evaluate(facts, settings)
    proposed, reason = _levels(analysis, position, facts, context.instrument), first_failure(filters)
    if reason is None and proposed is None:
        raise InvalidInput(f"{series.instrument} at {facts.close} has no room for a stop and a target")
    return Decision(
        strategy=STRATEGY,
        instrument=series.instrument,
        candle_time=candle_time,
        as_of=round(context.as_of, 6),  # as much as its text keeps
        direction=facts.direction,
        reason=reason,
        regime=facts.regime,
        buy_votes=facts.buy,
        sell_votes=facts.sell,
        strength=facts.strength,
        agreement=facts.agreement,
        confidence=facts.strength * (0.5 + 0.5 * facts.agreement),
        close=facts.close,
        atr=_known(facts.atr),
        adx=_known(facts.adx),
        spread=facts.spread,
        levels=proposed,
        risk_fraction=kelly_fraction(context.r_multiples, facts.regime, settings),
        timeframes=tuple(frame.votes_of(at) for frame in analysis.timeframes),
        filters=filters,
        candle_hash=analysis.receipts.at(position),
        settings_hash=analysis.fingerprint,
    )


def _warming_up(analysis: Analysis, at: int, candle_time: int) -> NoData:
    """Which timeframe lacks how many candles."""
    needed = analysis.settings.minimum_candles
    closed = {str(frame.granularity): frame.closed(at) for frame in analysis.timeframes}
    lacking = ", ".join(f"{name} has {count}" for name, count in closed.items() if count < needed)
    return NoData(
        f"warming_up: {analysis.series.instrument} at {rfc3339(candle_time)} needs {needed} closed candles on every "
        f"timeframe, {lacking}",
        advice="It ends by itself as soon as enough candles are loaded.",
    )


def _facts(analysis: Analysis, at: int, context: Context) -> Facts:
    """What the filters judge at the arrays' place `at`."""
    settings, instrument = analysis.settings, context.instrument
    buy, sell = float(analysis.buy[at]), float(analysis.sell[at])
    direction = _direction(buy, sell, settings)
    closed_at = int(analysis.series.time[analysis.first + at]) + Granularity.M5.seconds
    last = context.last_signal_at
    return Facts(
        age=round(context.as_of - closed_at, 6),
        market_open=context.market_open,
        regime=analysis.regime_at(analysis.first + at),
        direction=direction,
        buy=buy,
        sell=sell,
        agreement=float(analysis.agreement[at]),
        strength=float(analysis.strength[at]),
        close=float(analysis.close[at]),
        atr=float(analysis.atr[at]),
        adx=float(analysis.adx[at]),
        spread=round(float(analysis.spread[at]), SPREAD_DIGITS),
        exposure=exposure_of(direction, instrument.base, instrument.quote, context.exposure),
        since_last=None if last is None else float(closed_at - last),
    )


def _levels(analysis: Analysis, position: int, facts: Facts, instrument: Instrument) -> Levels | None:
    """The trade that the leading side would make."""
    if facts.direction is None:
        return None
    series = analysis.series
    quote = (float(series.bid.close[position]), float(series.ask.close[position]))
    return levels(facts.direction, quote, facts.atr, instrument, analysis.settings)


def _direction(buy: float, sell: float, settings: StrategySettings) -> Direction | None:
    """The side that leads, if one does."""
    if leads(buy, sell, settings):
        return Direction.BUY
    return Direction.SELL if leads(sell, buy, settings) else None


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
