"""What every number of the strategy is for, in which unit it counts, and what it is looked at together with."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from alphaforge.backtests.setting_texts import ALIASES, NAMES, plain_value
from alphaforge.signals.settings import DEFAULT_SETTINGS


@dataclass(frozen=True, slots=True)
class Meaning:
    """`group`: what it belongs to; `what`: as docs/strategy.md says it; `unit`: empty for a bare number."""

    group: str
    what: str
    unit: str = ""


_DIRECTION: Final = "Direction"
_FILTERS: Final = "Filters"
_LEVELS: Final = "Stop, target and lifetime"
_SIZE: Final = "Size"
_REGIME: Final = "Regime"
_WEIGHTS: Final = "Timeframes and history"
_INDICATORS: Final = "Indicators"
_VOTERS: Final = "Voters"

MEANINGS: Final = {
    "minimum_votes": Meaning(_DIRECTION, "weighted votes that make a direction", "votes"),
    "leaning": Meaning(_DIRECTION, "votes by which a timeframe must lean to count as agreeing", "votes"),
    "minimum_agreement": Meaning(_FILTERS, "least agreement", "share"),
    "minimum_strength": Meaning(_FILTERS, "least strength", "%"),
    "minimum_adx": Meaning(_FILTERS, "least ADX on M5"),
    "minimum_volatility": Meaning(_FILTERS, "least ATR / close on M5", "share"),
    "maximum_volatility": Meaning(_FILTERS, "most ATR / close on M5", "share"),
    "maximum_spread_share": Meaning(_FILTERS, "most spread, as a share of the stop distance", "share"),
    "exposure_cap": Meaning(_FILTERS, "most open signals net in one currency", "signals"),
    "cooldown": Meaning(_FILTERS, "time between signals on an instrument", "seconds"),
    "maximum_age": Meaning(_FILTERS, "oldest close that is not stale", "seconds"),
    "stop_atr": Meaning(_LEVELS, "stop, in ATR", "ATR"),
    "target_atr": Meaning(_LEVELS, "target, in ATR", "ATR"),
    "lifetime": Meaning(_LEVELS, "time until a signal expires", "seconds"),
    "kelly_share": Meaning(_SIZE, "share of Kelly's fraction that is used", "share"),
    "kelly_confidence": Meaning(_SIZE, "confidence of the Wilson interval", "share"),
    "kelly_results": Meaning(_SIZE, "results that are looked at", "results"),
    "kelly_minimum_results": Meaning(_SIZE, "results before which the default applies", "results"),
    "risk_default": Meaning(_SIZE, "share of equity before there are as many results", "share"),
    "risk_minimum": Meaning(_SIZE, "least share of equity", "share"),
    "risk_maximum": Meaning(_SIZE, "most share of equity", "share"),
    "trending_adx": Meaning(_REGIME, "H1 ADX from which a market trends"),
    "ranging_adx": Meaning(_REGIME, "H1 ADX below which it ranges"),
    "volatility_window": Meaning(_REGIME, "H1 candles among which volatility is ranked", "candles"),
    "high_volatility_percentile": Meaning(_REGIME, "percentile from which volatility is high", "%"),
    "multipliers": Meaning(_REGIME, "multipliers of the regimes, in the order of step 4", "joined by +"),
    "untraded": Meaning(_REGIME, "regimes that are not traded", "joined by +, or none"),
    "weight_m5": Meaning(_WEIGHTS, "weight of the votes on M5", "share"),
    "weight_m15": Meaning(_WEIGHTS, "weight of the votes on M15", "share"),
    "weight_h1": Meaning(_WEIGHTS, "weight of the votes on H1", "share"),
    "window": Meaning(_WEIGHTS, "M5 candles that a decision sees", "candles"),
    "minimum_candles": Meaning(_WEIGHTS, "closed candles needed on every timeframe", "candles"),
    "ema_fast": Meaning(_INDICATORS, "EMA ribbon, fast", "candles"),
    "ema_middle": Meaning(_INDICATORS, "EMA ribbon, middle", "candles"),
    "ema_slow": Meaning(_INDICATORS, "EMA ribbon, slow", "candles"),
    "rsi_period": Meaning(_INDICATORS, "RSI", "candles"),
    "macd_fast": Meaning(_INDICATORS, "MACD, fast average", "candles"),
    "macd_slow": Meaning(_INDICATORS, "MACD, slow average", "candles"),
    "macd_signal": Meaning(_INDICATORS, "MACD, signal line", "candles"),
    "bollinger_period": Meaning(_INDICATORS, "Bollinger bands", "candles"),
    "bollinger_deviations": Meaning(_INDICATORS, "Bollinger bands, population deviations", "deviations"),
    "stochastic_k": Meaning(_INDICATORS, "stochastic, K", "candles"),
    "stochastic_d": Meaning(_INDICATORS, "stochastic, D", "candles"),
    "adx_period": Meaning(_INDICATORS, "ADX, +DI, -DI", "candles"),
    "atr_period": Meaning(_INDICATORS, "ATR", "candles"),
    "volume_period": Meaning(_INDICATORS, "average volume", "candles"),
    "rsi_low": Meaning(_VOTERS, "RSI, oversold"),
    "rsi_middle": Meaning(_VOTERS, "RSI, the middle of a pullback"),
    "rsi_high": Meaning(_VOTERS, "RSI, overbought"),
    "rsi_ranging_low": Meaning(_VOTERS, "RSI, oversold in a range"),
    "rsi_ranging_high": Meaning(_VOTERS, "RSI, overbought in a range"),
    "bollinger_ranging_low": Meaning(_VOTERS, "place in the bands that buys in a range", "share"),
    "bollinger_ranging_high": Meaning(_VOTERS, "place in the bands that sells in a range", "share"),
    "bollinger_pullback": Meaning(_VOTERS, "place in the bands below which an uptrend is bought", "share"),
    "bollinger_rebound": Meaning(_VOTERS, "place in the bands above which a downtrend is sold", "share"),
    "stochastic_low": Meaning(_VOTERS, "stochastic, oversold"),
    "stochastic_high": Meaning(_VOTERS, "stochastic, overbought"),
    "busy_volume": Meaning(_VOTERS, "volume ratio that adds votes", "times the average"),
    "volume_votes": Meaning(_VOTERS, "how many votes it adds", "votes"),
    "voters": Meaning(_VOTERS, "voters on a timeframe", "voters"),
}
"""By name, those that are tried first before those that are hardly ever."""

_SHORT: Final = {name: short for short, name in ALIASES.items()}


def settings_explained() -> Iterator[dict[str, Any]]:
    """Every setting as JSON has it, with its default and the short name that it may be called by (None: none)."""
    for name, one in MEANINGS.items():
        default = plain_value(getattr(DEFAULT_SETTINGS, name))
        yield {
            "name": name,
            "short": _SHORT.get(name),
            "group": one.group,
            "what": one.what,
            "unit": one.unit,
            "default": default,
        }


assert MEANINGS.keys() == set(NAMES), "a setting without a meaning"  # noqa: S101 - a table beside another
