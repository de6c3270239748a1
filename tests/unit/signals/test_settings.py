import math
from dataclasses import fields, replace
from typing import Any

import pytest

from alphaforge.core.errors import InvalidSetting
from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

FINGERPRINT = "467a883e366eb924"


def test_the_fingerprint_is_the_one_that_stored_signals_carry() -> None:
    """Where this fails, a number of voting-v3 was changed: that is a new strategy, give it a new name."""
    assert DEFAULT_SETTINGS.fingerprint() == FINGERPRINT
    assert StrategySettings().fingerprint() == FINGERPRINT


OTHER = {
    "window": 14_000,
    "minimum_candles": 1_001,
    "multipliers": (0.9, 1.2, 0.9, 1.2, 0.5, 0.8, 0.6, 0.4),
    "untraded": (Regime.UNKNOWN,),
    "weight_m5": {"weight_m5": 0.3, "weight_m15": 0.2},
    "weight_m15": {"weight_m15": 0.4, "weight_h1": 0.4},
    "weight_h1": {"weight_h1": 0.4, "weight_m5": 0.3},
}


@pytest.mark.parametrize("name", [field.name for field in fields(StrategySettings)])
def test_any_other_number_gives_another_fingerprint(name: str) -> None:
    value = getattr(DEFAULT_SETTINGS, name)
    other: Any = OTHER.get(name, value + 1 if isinstance(value, int) else None)
    changes = other if isinstance(other, dict) else {name: value * 1.01 if other is None else other}
    assert replace(DEFAULT_SETTINGS, **changes).fingerprint() != FINGERPRINT


@pytest.mark.parametrize(
    "changes",
    [
        {"weight_m5": 0.5},
        {"minimum_votes": math.nan},
        {"minimum_adx": -1.0},
        {"cooldown": math.inf},
        {"ema_fast": 0},
        {"ema_fast": 8},
        {"macd_fast": 13},
        {"multipliers": (1.0,)},
        {"multipliers": (0.9, 1.2, 0.9, 1.2, 0.5, 0.8, 0.6, -0.5)},
        {"ranging_adx": 26.0},
        {"minimum_volatility": 0.02},
        {"maximum_volatility": 0.5},
        {"risk_minimum": 0.05},
        {"risk_maximum": 1.0},
        {"kelly_confidence": 1.0},
        {"volatility_window": 1_001},
        {"stop_atr": 0.0},
        {"lifetime": 0},
    ],
    ids=str,
)
def test_numbers_that_cannot_be_meant_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidSetting):
        replace(DEFAULT_SETTINGS, **changes)


def test_each_regime_has_its_multiplier() -> None:
    assert [DEFAULT_SETTINGS.multiplier(regime) for regime in Regime] == [0.9, 1.2, 0.9, 1.2, 0.5, 0.8, 0.6, 0.5]
