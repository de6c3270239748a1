"""Each filter by hand, on both sides of its threshold; then their order."""

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import pytest

from alphaforge.signals.filters import Facts, evaluate, exposure_of, first_failure
from alphaforge.signals.model import Direction, FilterName, FilterResult, Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS

PASSING = Facts(
    age=3.0,
    market_open=True,
    regime=Regime.TRENDING_UP_LOW,
    direction=Direction.BUY,
    buy=2.5,
    sell=0.5,
    agreement=1.0,
    strength=41.7,
    close=1.25,
    atr=0.001,
    adx=30.0,
    spread=0.0001,
    exposure={"GBP": (0, 1), "USD": (0, -1)},
    since_last=None,
)
NO_DIRECTION: dict[str, Any] = {"direction": None, "buy": 1.9, "exposure": {}}
FAILING: dict[FilterName, tuple[dict[str, Any], str]] = {
    FilterName.STALE_DATA: (
        {"age": 601.0},
        "needs a candle that closed at most 10 min ago, the last one closed 10.0 min ago",
    ),
    FilterName.MARKET_CLOSED: ({"market_open": False}, "needs an open market"),
    FilterName.REGIME: (
        {"regime": Regime.RANGING_HIGH},
        (
            "needs another regime than ranging_high_volatility: trending_up_high_volatility "
            "or trending_up_low_volatility or trending_down_high_volatility or trending_down_low_volatility "
            "or ranging_low_volatility or transitional"
        ),
    ),
    FilterName.NO_DIRECTION: (NO_DIRECTION, "needs 2.00 weighted votes, BUY has 1.90: 0.10 more"),
    FilterName.AGREEMENT: ({"agreement": 1 / 3}, "needs 67% of the timeframes to lean the same way, 33% do"),
    FilterName.STRENGTH: ({"strength": 14.2}, "needs strength 15.0, is 14.2"),
    FilterName.VOLATILITY: ({"atr": 0.000187, "spread": 0.00001}, "needs ATR / close of at least 0.02%, is 0.0150%"),
    FilterName.TREND: ({"adx": 18.2}, "needs ADX 25.0, is 18.2"),
    FilterName.SPREAD: (
        {"spread": 0.0006},
        "needs a spread of at most 0.000375 (25% of the stop distance), is 0.0006 (40%)",
    ),
    FilterName.EXPOSURE: (
        {"exposure": {"GBP": (0, 1), "USD": (-2, -3)}},
        "needs 1 fewer open and short USD: with this one there would be 3, allowed are 2",
    ),
    FilterName.COOLDOWN: (
        {"since_last": 1_500.0},
        "needs 60 min since the last signal, it was 25 min ago: 35 min more",
    ),
}


def verdicts(**changes: Any) -> dict[FilterName, FilterResult]:
    return {result.name: result for result in evaluate(replace(PASSING, **changes), DEFAULT_SETTINGS)}


def failed(**changes: Any) -> list[FilterName]:
    return [name for name, result in verdicts(**changes).items() if not result.passed]


def test_every_filter_is_evaluated_in_the_order_of_reasons() -> None:
    results = evaluate(PASSING, DEFAULT_SETTINGS)
    assert tuple(result.name for result in results) == tuple(FilterName)
    assert first_failure(results) is None
    assert {result.change for result in results} == {""}


@pytest.mark.parametrize("name", FILTERS := list(FAILING))
def test_a_failing_filter_is_alone_the_reason_and_says_what_would_pass(name: FilterName) -> None:
    changes, words = FAILING[name]
    assert failed(**changes) == [name]
    assert verdicts(**changes)[name].change == words


@pytest.mark.parametrize(("first", "second"), list(combinations(FILTERS, 2)))
def test_of_two_failures_the_first_in_order_is_the_reason(first: FilterName, second: FilterName) -> None:
    changes = FAILING[first][0] | FAILING[second][0]
    if {first, second} == {FilterName.STALE_DATA, FilterName.MARKET_CLOSED}:
        assert failed(**changes) == [FilterName.MARKET_CLOSED]  # a closed market cannot be stale
    elif {first, second} == {FilterName.NO_DIRECTION, FilterName.EXPOSURE}:
        changes["exposure"] = {}
        assert failed(**changes) == [FilterName.NO_DIRECTION]  # without a proposal nothing is exposed
    else:
        assert failed(**changes) == [first, second]
        assert first_failure(tuple(verdicts(**changes).values())) is first


@pytest.mark.parametrize(
    ("name", "changes", "passes"),
    [
        (FilterName.STALE_DATA, {"age": 600.0}, True),
        (FilterName.STALE_DATA, {"age": 600.1}, False),
        (FilterName.STALE_DATA, {"age": 9_999.0, "market_open": False}, True),
        (FilterName.REGIME, {"regime": Regime.UNKNOWN}, False),
        (FilterName.REGIME, {"regime": Regime.RANGING_LOW}, True),
        (FilterName.REGIME, {"regime": Regime.TRANSITIONAL}, True),
        (FilterName.AGREEMENT, {"agreement": 2 / 3}, True),
        (FilterName.STRENGTH, {"strength": 15.0}, True),
        (FilterName.STRENGTH, {"strength": 14.999999}, False),
        (FilterName.VOLATILITY, {"close": 5.0, "atr": 0.001}, True),
        (FilterName.VOLATILITY, {"close": 5.01, "atr": 0.001}, False),
        (FilterName.VOLATILITY, {"close": 1.0, "atr": 0.01}, True),
        (FilterName.VOLATILITY, {"close": 0.99, "atr": 0.01}, False),
        (FilterName.VOLATILITY, {"atr": math.nan}, False),
        (FilterName.TREND, {"adx": 25.0}, True),
        (FilterName.TREND, {"adx": 24.999}, False),
        (FilterName.TREND, {"adx": math.nan}, False),
        (FilterName.SPREAD, {"spread": 0.000375}, True),
        (FilterName.SPREAD, {"spread": 0.000376}, False),
        (FilterName.SPREAD, {"atr": 0.0}, False),
        (FilterName.EXPOSURE, {"exposure": {"GBP": (1, 2), "USD": (-1, -2)}}, True),
        (FilterName.EXPOSURE, {"exposure": {"GBP": (2, 3), "USD": (5, 4)}}, False),
        (FilterName.EXPOSURE, {"exposure": {"GBP": (-5, -4), "USD": (5, 4)}}, True),
        (FilterName.COOLDOWN, {"since_last": 3_600.0}, True),
        (FilterName.COOLDOWN, {"since_last": 3_599.0}, False),
        (FilterName.COOLDOWN, {"since_last": 0.0}, False),
        (FilterName.COOLDOWN, {"since_last": -300.0}, False),
    ],
    ids=str,
)
def test_thresholds_on_both_sides(name: FilterName, changes: dict[str, Any], passes: bool) -> None:  # noqa: FBT001 - a table
    result = verdicts(**changes)[name]
    assert result.passed is passes
    assert bool(result.change) is not passes


def test_a_number_just_below_its_threshold_does_not_read_like_it() -> None:
    assert verdicts(adx=24.999)[FilterName.TREND].change == "needs ADX 25.0, is 24.999"


def test_too_much_volatility_says_at_most() -> None:
    result = verdicts(close=0.08, atr=0.001)[FilterName.VOLATILITY]
    assert (result.measured, result.threshold) == (0.0125, 0.01)
    assert result.change == "needs ATR / close of at most 1.00%, is 1.2500%"


def test_a_tie_says_that_neither_side_leads() -> None:
    result = verdicts(direction=None, buy=2.5, sell=2.5, exposure={})[FilterName.NO_DIRECTION]
    assert result.change == "needs one side to lead with 2.00 weighted votes, both have 2.50"


def test_a_buy_takes_the_base_and_a_sell_the_quote() -> None:
    held = {"USD": -1, "GBP": 2}
    assert exposure_of(Direction.BUY, "GBP", "USD", held) == {"GBP": (2, 3), "USD": (-1, -2)}
    assert exposure_of(Direction.SELL, "USD", "JPY", held) == {"USD": (-1, -2), "JPY": (0, 1)}
    assert exposure_of(None, "GBP", "USD", held) == {}


def test_the_exposure_that_is_measured_is_the_largest_that_grows() -> None:
    result = verdicts(exposure={"GBP": (3, 4), "USD": (-7, -8)})[FilterName.EXPOSURE]
    assert (result.measured, result.threshold) == (8.0, 2.0)
    shrinking = verdicts(exposure={"GBP": (0, 1), "USD": (-8, -7)})[FilterName.EXPOSURE]
    assert shrinking.measured == 1.0
