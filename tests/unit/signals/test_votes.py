"""Each voter by hand. Indicators are silent unless a case says otherwise."""

from dataclasses import fields
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.signals.model import Regime
from alphaforge.signals.regime import RANGING, REGIMES, classify, trends
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.signals.timeframe import NAMES, Indicators
from alphaforge.signals.votes import Votes, cast_votes

UP, DOWN, OTHER = 1, -1, 0
SILENT = {
    "ema_fast": 1.0,
    "ema_middle": 1.0,
    "ema_slow": 1.0,
    "rsi": 60.0,
    "macd": 0.0,
    "macd_signal": 0.0,
    "close": 1.0,
    "bollinger_lower": 0.9,
    "bollinger_upper": 1.1,
    "bollinger_position": 0.5,
    "stochastic_k": 50.0,
    "stochastic_d": 50.0,
    "stochastic_cross": 0.0,
    "volume_ratio": 1.0,
    "adx": 30.0,
    "plus_di": 20.0,
    "minus_di": 10.0,
    "atr": 0.001,
}
BUYING = {"ema_fast": 3.0, "ema_middle": 2.0, "macd": 1.0}


def indicators(**values: float) -> Indicators:
    return Indicators(**{name: np.array([(SILENT | values)[name]]) for name in NAMES})


def votes(trend: int = OTHER, **values: float) -> dict[str, Any]:
    cast = cast_votes(indicators(**values), np.array([trend], np.int8), DEFAULT_SETTINGS)
    return {field.name: getattr(cast, field.name).item() for field in fields(Votes)}


@pytest.mark.parametrize(
    ("averages", "vote"),
    [((3, 2, 1), 1), ((1, 2, 3), -1), ((3, 1, 2), 0), ((2, 2, 1), 0), ((3, 2, 2), 0), ((2, 3, 1), 0)],
)
def test_the_ribbon_votes_when_its_averages_are_in_order(averages: tuple[float, float, float], vote: int) -> None:
    fast, middle, slow = averages
    assert votes(ema_fast=fast, ema_middle=middle, ema_slow=slow)["ema_ribbon"] == vote


@pytest.mark.parametrize(
    ("trend", "rsi", "vote"),
    [
        (RANGING, 19.9, 1), (RANGING, 20.0, 0), (RANGING, 80.0, 0), (RANGING, 80.1, -1), (RANGING, 29.0, 0),
        (UP, 29.9, 0), (UP, 30.0, 1), (UP, 50.0, 1), (UP, 50.1, 0), (UP, 95.0, 0), (UP, 5.0, 0),
        (DOWN, 49.9, 0), (DOWN, 50.0, -1), (DOWN, 70.0, -1), (DOWN, 70.1, 0), (DOWN, 5.0, 0), (DOWN, 95.0, 0),
        (OTHER, 29.9, 1), (OTHER, 30.0, 0), (OTHER, 70.0, 0), (OTHER, 70.1, -1), (OTHER, 40.0, 0),
    ],
)  # fmt: skip
def test_rsi_votes_by_the_trend(trend: int, rsi: float, vote: int) -> None:
    assert votes(trend, rsi=rsi)["rsi"] == vote


@pytest.mark.parametrize(("line", "vote"), [(0.1, 1), (-0.1, -1), (0.0, 0)])
def test_macd_votes_by_its_signal(line: float, vote: int) -> None:
    assert votes(macd=line)["macd"] == vote


@pytest.mark.parametrize(
    ("trend", "position", "vote"),
    [
        (RANGING, 0.19, 1), (RANGING, 0.2, 0), (RANGING, 0.8, 0), (RANGING, 0.81, -1),
        (UP, 0.29, 1), (UP, 0.3, 0), (UP, 0.95, 0),
        (DOWN, 0.71, -1), (DOWN, 0.7, 0), (DOWN, 0.05, 0),
        (OTHER, 0.01, 0), (OTHER, 0.99, 0),
    ],
)  # fmt: skip
def test_bollinger_votes_by_the_trend(trend: int, position: float, vote: int) -> None:
    assert votes(trend, bollinger_position=position)["bollinger"] == vote


@pytest.mark.parametrize(
    ("trend", "close", "position", "vote"),
    [(UP, 1.11, 1.05, 1), (UP, 1.1, 1.0, 0), (DOWN, 0.89, -0.05, -1), (DOWN, 0.9, 0.0, 0), (RANGING, 1.11, 1.05, -1)],
)
def test_a_breakout_votes_with_the_trend(trend: int, close: float, position: float, vote: int) -> None:
    assert votes(trend, close=close, bollinger_position=position)["bollinger"] == vote


@pytest.mark.parametrize(
    ("k", "cross", "vote"),
    [(19.9, 1, 1), (20.0, 1, 0), (19.9, 0, 0), (19.9, -1, 0), (80.1, -1, -1), (80.0, -1, 0), (80.1, 1, 0)],
)
def test_the_stochastic_votes_on_crossings_at_its_ends(k: float, cross: float, vote: int) -> None:
    assert votes(stochastic_k=k, stochastic_cross=cross)["stochastic"] == vote


def test_volume_adds_half_a_vote_to_the_side_that_leads() -> None:
    busy = votes(volume_ratio=1.21, **BUYING)
    assert (busy["volume"], busy["buy"], busy["sell"]) == (0.5, 2.5, 0.0)
    quiet = votes(volume_ratio=1.2, **BUYING)
    assert (quiet["volume"], quiet["buy"], quiet["sell"]) == (0.0, 2.0, 0.0)
    selling = votes(volume_ratio=9.0, macd=-1.0)
    assert (selling["volume"], selling["buy"], selling["sell"]) == (-0.5, 0.0, 1.0 + 0.5)
    tied = votes(volume_ratio=9.0, macd=-1.0, ema_fast=3.0, ema_middle=2.0)
    assert (tied["volume"], tied["buy"], tied["sell"]) == (0.0, 1.0, 1.0)


@pytest.mark.parametrize("trend", [UP, DOWN, OTHER, RANGING])
def test_missing_values_are_silent(trend: int) -> None:
    silent = votes(trend, **dict.fromkeys(NAMES, float("nan")))
    assert set(silent.values()) == {0}


def test_bands_without_width_are_silent_even_beyond_them() -> None:
    assert votes(UP, close=2.0, bollinger_upper=1.0, bollinger_position=float("nan"))["bollinger"] == 0
    assert votes(DOWN, close=0.5, bollinger_lower=1.0, bollinger_position=float("nan"))["bollinger"] == 0


@given(
    st.sampled_from([UP, DOWN, OTHER, RANGING]),
    st.fixed_dictionaries({name: st.floats(-200, 200) for name in NAMES}),
)
def test_the_sides_are_the_sums_of_the_voters(trend: int, values: dict[str, float]) -> None:
    cast = votes(trend, **values)
    voters = [cast[name] for name in ("ema_ribbon", "rsi", "macd", "bollinger", "stochastic", "volume")]
    assert cast["buy"] == sum(vote for vote in voters if vote > 0)
    assert cast["sell"] == -sum(vote for vote in voters if vote < 0)
    assert all(vote in {-1, 0, 1} for vote in voters[:5])


def regime(rank: float = 50.0, **values: float) -> Regime:
    return REGIMES[int(classify(indicators(**values), np.array([rank]), DEFAULT_SETTINGS)[0])]


@pytest.mark.parametrize(
    ("adx", "plus", "rank", "expected"),
    [
        (25.0, 20.0, 70.0, Regime.TRENDING_UP_HIGH),
        (25.0, 20.0, 69.8, Regime.TRENDING_UP_LOW),
        (40.0, 5.0, 70.0, Regime.TRENDING_DOWN_HIGH),
        (40.0, 5.0, 1.0, Regime.TRENDING_DOWN_LOW),
        (19.99, 20.0, 70.0, Regime.RANGING_HIGH),
        (19.99, 5.0, 69.8, Regime.RANGING_LOW),
        (20.0, 20.0, 99.0, Regime.TRANSITIONAL),
        (24.99, 5.0, 1.0, Regime.TRANSITIONAL),
        (30.0, 10.0, 50.0, Regime.TRANSITIONAL),  # both sides are equal: no direction to trend in
        (float("nan"), 20.0, 50.0, Regime.UNKNOWN),
        (30.0, float("nan"), 90.0, Regime.UNKNOWN),
        (10.0, 20.0, float("nan"), Regime.UNKNOWN),
    ],
)
def test_the_regime_by_hand(adx: float, plus: float, rank: float, expected: Regime) -> None:
    assert regime(rank, adx=adx, plus_di=plus, minus_di=10.0) is expected


def test_voters_are_told_the_trend_of_each_regime() -> None:
    codes = np.arange(len(REGIMES), dtype=np.int8)
    assert trends(codes).tolist() == [1, 1, -1, -1, RANGING, RANGING, 0, 0]
