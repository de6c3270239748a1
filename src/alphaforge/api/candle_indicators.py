"""Indicators beside candles: the values that decisions are made from."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.timeframe import bars, indicators


@dataclass(frozen=True, slots=True)
class _Kind:
    """How an indicator is called, and the strategy's own marks on its scale."""

    label: str
    marks: tuple[float, ...] = ()


def _kinds(of: StrategySettings) -> dict[str, _Kind]:
    """Every indicator that is served, with its periods in its label."""
    bands = f"{of.bollinger_period}, {of.bollinger_deviations:g}"
    averages = f"MACD {of.macd_fast}, {of.macd_slow}"
    return {
        "ema_fast": _Kind(f"EMA {of.ema_fast}"),
        "ema_middle": _Kind(f"EMA {of.ema_middle}"),
        "ema_slow": _Kind(f"EMA {of.ema_slow}"),
        "bollinger_lower": _Kind(f"Lower band {bands}"),
        "bollinger_upper": _Kind(f"Upper band {bands}"),
        "rsi": _Kind(f"RSI {of.rsi_period}", (of.rsi_low, of.rsi_high)),
        "macd": _Kind(averages, (0.0,)),
        "macd_signal": _Kind(f"Signal {of.macd_signal}", (0.0,)),
        "adx": _Kind(f"ADX {of.adx_period}", (of.minimum_adx,)),
        "plus_di": _Kind(f"+DI {of.adx_period}"),
        "minus_di": _Kind(f"-DI {of.adx_period}"),
        "atr": _Kind(f"ATR {of.atr_period}"),
        "stochastic_k": _Kind(f"Stochastic K {of.stochastic_k}", (of.stochastic_low, of.stochastic_high)),
        "stochastic_d": _Kind(f"Stochastic D {of.stochastic_d}", (of.stochastic_low, of.stochastic_high)),
        "volume_ratio": _Kind(f"Volume ratio {of.volume_period}"),
    }


NAMES = tuple(_kinds(StrategySettings()))


def indicator_names(text: str | None) -> tuple[str, ...]:
    """The indicators named in a list, each once; raises InvalidInput naming those there are."""
    words = dict.fromkeys(word.strip().lower() for word in (text or "").split(",") if word.strip())
    if not words.keys() <= set(NAMES):
        message = f"indicators takes {', '.join(NAMES)}, separated by commas"
        raise InvalidInput(message)
    return tuple(words)


def indicator_bodies(
    names: Sequence[str], known: CandleSeries, first: int, settings: StrategySettings
) -> dict[str, dict[str, object]]:
    """By name the label, the marks and the values of the candles from `first` on, null where there is none.

    `known`: these candles and as many before them as they need to be the same wherever the series begins.
    """
    if not names:
        return {}
    kinds, count = _kinds(settings), len(known) - first
    columns: dict[str, list[float | None]] = {name: [] for name in names}
    if count:
        found = indicators([(bars(known), first)], settings)[0].at(np.arange(-count, 0))
        for name in names:
            values: list[float] = getattr(found, name).tolist()
            columns[name] = [None if math.isnan(value) else value for value in values]
    return {
        name: {"label": kinds[name].label, "marks": list(kinds[name].marks), "values": columns[name]} for name in names
    }
