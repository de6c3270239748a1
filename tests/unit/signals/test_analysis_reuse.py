"""An analysis serves every setting that is asked only when it is decided, and no other."""

from dataclasses import fields, replace
from typing import Any

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.signals.analysis import Analysis, analyse, analyse_last, same_analysis
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

DECIDED: dict[str, Any] = {
    "multipliers": (1.0,) * len(Regime),
    "untraded": (Regime.TRANSITIONAL, Regime.RANGING_LOW),
    "minimum_votes": 0.7,
    "maximum_age": 60.0,
    "minimum_agreement": 0.3,
    "minimum_strength": 30.0,
    "minimum_volatility": 0.0004,
    "maximum_volatility": 0.001,
    "minimum_adx": 35.0,
    "maximum_spread_share": 0.1,
    "exposure_cap": 1,
    "cooldown": 60.0,
    "stop_atr": 1.0,
    "target_atr": 2.0,
    "lifetime": 3_600,
    "kelly_share": 0.5,
    "kelly_confidence": 0.5,
    "kelly_results": 30,
    "kelly_minimum_results": 5,
    "risk_default": 0.01,
    "risk_minimum": 0.001,
    "risk_maximum": 0.1,
}
"""Every setting that an analysis does not depend on, with another value than its default."""


def decisions(analysis: Analysis) -> list[Any]:
    series = analysis.series
    instrument, results = FALLBACK_INSTRUMENTS[series.instrument], (2.0, -1.0, 2.0) * 12
    return [
        decide(
            analysis,
            row,
            Context(float(series.time[row] + 330), True, {"USD": 1}, series.time[row] - 900.0, results, instrument),
        )
        for row in range(-100, 0)
    ]


@pytest.mark.parametrize("name", DECIDED)
def test_an_analysis_under_other_settings_decides_like_a_fresh_one(
    name: str, histories: dict[str, CandleSeries]
) -> None:
    series = histories["XAU_USD"]
    settings = replace(DEFAULT_SETTINGS, **{name: DECIDED[name]})
    assert same_analysis(DEFAULT_SETTINGS, settings)
    fresh, again = analyse_last(series, settings, 100), analyse_last(series, rows=100).under(settings)
    assert again.settings == settings
    assert decisions(again) == decisions(fresh)


def another(name: str, value: Any) -> StrategySettings:
    """The defaults with one number changed, and with it those that must agree with it."""
    together: dict[str, Any] = {
        "weight_m5": {"weight_m15": 0.2, "weight_m5": 0.3},
        "weight_m15": {"weight_m15": 0.2, "weight_m5": 0.3},
        "weight_h1": {"weight_h1": 0.4, "weight_m15": 0.4},
        "ema_middle": {"ema_middle": 9},
    }
    changed = value + 1 if isinstance(value, int) else value * 1.01
    if name in {"ema_fast", "volatility_window"}:
        changed = value - 1
    return replace(DEFAULT_SETTINGS, **together.get(name, {name: changed}))


@pytest.mark.parametrize("name", sorted({one.name for one in fields(StrategySettings)} - set(DECIDED)))
def test_an_analysis_is_not_taken_for_that_of_settings_it_depends_on(name: str, analyses: dict[str, Analysis]) -> None:
    settings = another(name, getattr(DEFAULT_SETTINGS, name))
    assert not same_analysis(DEFAULT_SETTINGS, settings)
    with pytest.raises(InvalidInput, match=rf"GBP_USD was analysed by other settings: .*{name}"):
        analyses["GBP_USD"].under(settings)


def test_an_analysis_shares_its_columns_with_what_is_made_of_it(histories: dict[str, CandleSeries]) -> None:
    whole = analyse(histories["GBP_USD"].last(2_000))
    again = whole.under(replace(DEFAULT_SETTINGS, minimum_votes=3.0))
    assert again.buy is whole.buy
    assert again.fingerprint != whole.fingerprint


def test_an_analysis_kept_without_its_timeframes_keeps_its_rows_and_refuses_to_decide(
    histories: dict[str, CandleSeries],
) -> None:
    whole = analyse_last(histories["XAU_USD"], rows=100)
    kept = whole.without_frames()
    assert (kept.strength == whole.strength).all()
    with pytest.raises(InvalidInput, match="without its timeframes"):
        decisions(kept)
