import json
from contextlib import suppress
from dataclasses import fields

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.backtests.setting_texts import (
    ALIASES,
    NAMES,
    parse_setting,
    plain_settings,
    settings_from,
    with_settings,
)
from alphaforge.core.errors import InvalidSetting
from alphaforge.signals.model import Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("min_votes=2.5", ("minimum_votes", 2.5)),
        ("minimum-agreement = 2/3", ("minimum_agreement", 2 / 3)),
        ("minimum_volatility=1e-4", ("minimum_volatility", 1e-4)),
        ("ema_fast=4", ("ema_fast", 4)),
        ("ema_fast=4.0", ("ema_fast", 4)),
        ("max_spread=0.1", ("maximum_spread_share", 0.1)),
        ("multipliers=1+1+1+1+1+1+1+1/2", ("multipliers", (1.0,) * 7 + (0.5,))),
        ("untraded=unknown", ("untraded", (Regime.UNKNOWN,))),
        ("untraded=Transitional+unknown", ("untraded", (Regime.TRANSITIONAL, Regime.UNKNOWN))),
        ("untraded=none", ("untraded", ())),
    ],
)
def test_a_setting_is_read_by_its_name_or_alias_and_its_kind(text: str, expected: tuple[str, object]) -> None:
    name, value = parse_setting(text)
    assert (name, value) == expected
    assert type(value) is type(getattr(DEFAULT_SETTINGS, name))


@pytest.mark.parametrize(
    ("text", "message", "advice"),
    [
        ("min_vots=2", "'min_vots' is no setting", "min_votes"),
        ("zzzz=2", "'zzzz' is no setting", "docs/strategy.md"),
        ("min_votes", "'min_votes' sets nothing", "name=value"),
        ("min_votes=", "is no number", "2/3"),
        ("min_votes=two", "'two' is no number", "2/3"),
        ("min_votes=nan", "is no number", "2/3"),
        ("min_votes=inf", "is no number", "2/3"),
        ("min_votes=1e999999999", "is no number", "2/3"),
        ("min_votes=1/0", "is no number", "2/3"),
        ("ema_fast=4.5", "ema_fast = 4.5 is impossible", "whole number"),
        ("untraded=ranging", "'ranging' is no regime", "ranging_low_volatility"),
    ],
)
def test_what_cannot_be_read_is_refused_with_advice(text: str, message: str, advice: str) -> None:
    with pytest.raises(InvalidSetting, match=message) as refused:
        parse_setting(text)
    assert advice in refused.value.advice


def test_values_out_of_range_and_contradictions_are_refused_by_the_settings_themselves() -> None:
    with pytest.raises(InvalidSetting, match="stop_atr = -1"):
        with_settings(["stop=-1"])
    with pytest.raises(InvalidSetting, match="fast to slow"):
        with_settings(["ema_fast=9"])
    with pytest.raises(InvalidSetting, match="set twice"):
        with_settings(["stop=1", "stop_atr=2"])


def test_every_alias_means_a_setting_and_is_none_itself() -> None:
    assert set(ALIASES.values()) <= set(NAMES)
    assert not set(ALIASES) & set(NAMES)


def test_settings_survive_json() -> None:
    changed = with_settings(["min_votes=2.5", "untraded=none", "weight_m5=0.3", "weight_m15=0.2", "kelly_results=40"])
    plain = json.loads(json.dumps(plain_settings(changed)))
    assert set(plain) == {"minimum_votes", "untraded", "weight_m5", "weight_m15", "kelly_results"}
    assert settings_from(plain) == changed
    assert settings_from(plain).fingerprint() == changed.fingerprint()


@pytest.mark.parametrize("value", [None, True, [1], {"a": 1}, float("nan")])
def test_a_value_of_another_kind_is_refused(value: object) -> None:
    with pytest.raises(InvalidSetting, match="minimum_votes"):
        settings_from({"min_votes": value})


@given(st.sampled_from([field.name for field in fields(StrategySettings)]), st.text(max_size=30))
def test_any_text_is_a_value_or_is_refused_on_purpose(name: str, text: str) -> None:
    with suppress(InvalidSetting):
        with_settings([f"{name}={text}"])
