from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.backtests.evidence import ENOUGH, Measured, Verdict, ratio, sentence, verdict

EDGE = Measured(
    trades=612,
    days=180,
    profit_factor=1.31,
    interval=(1.12, 1.55),
    random_share=0.01,
    p=3 / 201,
    sharpe=0.97,
    without_spread=(1.3, 1.8),
)


ABOVE = "612 trades, profit factor 1.31 (95 % interval 1.12 to 1.55) lies above 1"
AROUND = "612 trades, profit factor 0.94 (95 % interval 0.82 to 1.08) includes 1"
SPREAD = "What edge there is without costs does not survive the spread."
UNSEEN = "It must still show itself on prices that nobody has looked at."
LOST = {"profit_factor": 0.8, "interval": (0.7, 0.95), "without_spread": (0.9, 1.1)}
EVEN = {"profit_factor": 0.94, "interval": (0.82, 1.08), "without_spread": (0.9, 1.2)}


@pytest.mark.parametrize(
    ("changes", "expected", "said"),
    [
        ({"trades": 0, "interval": None}, Verdict.TOO_FEW, "No trades: nothing to judge."),
        ({"trades": 12}, Verdict.TOO_FEW, "Too few trades to say anything: 12."),
        (
            {**EVEN, "random_share": 0.34},
            Verdict.NONE,
            f"No edge shown: {AROUND}; 34 % of random entries did at least as well.",
        ),
        (
            {**EVEN, "random_share": None, "without_spread": (1.01, 1.2)},
            Verdict.NONE,
            f"No edge shown: {AROUND}. {SPREAD}",
        ),
        (
            {**LOST, "without_spread": (1.01, 1.2)},
            Verdict.LOSING,
            f"Losing: 612 trades, profit factor 0.80 (95 % interval 0.70 to 0.95) lies below 1. {SPREAD}",
        ),
        (
            {**LOST, "interval": (0.7, 0.999)},
            Verdict.LOSING,
            "Losing: 612 trades, profit factor 0.80 (95 % interval 0.70 to 0.999) lies below 1.",
        ),
        (
            {},
            Verdict.SUGGESTED,
            f"An edge is suggested, not proven: {ABOVE}, only 1 % of random entries did as well. {UNSEEN}",
        ),
        (
            {"tried": 200, "random_share": 0.0},
            Verdict.SUGGESTED,
            (
                f"An edge is suggested, not proven: {ABOVE}, no random entries did as well, and its Sharpe ratio is "
                f"above the luckiest of 200 settings with a probability of 97 %. {UNSEEN}"
            ),
        ),
        (
            {"p": 0.05, "random_share": 0.045},
            Verdict.NONE,
            f"No edge shown: {ABOVE}, but 4 % of random entries did at least as well.",
        ),
        (
            {"sharpe": 0.95, "tried": 50, "trades": 99},
            Verdict.NONE,
            (
                f"No edge shown: {ABOVE.replace('612', '99')}, but 99 trades are fewer than the 100 that it takes and "
                "its Sharpe ratio is above the luckiest of 50 settings with a probability of 95 % only."
            ),
        ),
        (
            {"sharpe": None, "p": None, "random_share": None},
            Verdict.NONE,
            f"No edge shown: {ABOVE}, but no random entries were held against it and its Sharpe ratio is not known.",
        ),
        (
            {"trades": 40, "profit_factor": None, "interval": None},
            Verdict.NONE,
            "No edge shown: 40 trades without a loss have no profit factor to judge.",
        ),
        (
            {"trades": 173, "days": 11, "interval": None},
            Verdict.TOO_FEW,
            "Too few trading days to say anything: 173 trades on 11 of them.",
        ),
        (
            {"interval": None},
            Verdict.NONE,
            "No edge shown: hardly any of 180 trading days lost, so the profit factor has no interval.",
        ),
        (
            {"trades": 12, "simulated": True},
            Verdict.TOO_FEW,
            "On invented prices, which say nothing of a market: too few trades to say anything: 12.",
        ),
    ],
    ids=str,
)
def test_the_sentence_says_what_the_figures_support(changes: dict[str, Any], expected: Verdict, said: str) -> None:
    measured = replace(EDGE, **changes)
    assert verdict(measured) is expected
    assert sentence(measured) == said


_SHARES = st.none() | st.floats(0, 1)
_INTERVALS = st.none() | st.tuples(st.floats(0, 5), st.floats(0, 5)).map(sorted).map(tuple)


@given(
    st.builds(
        Measured,
        trades=st.integers(0, 300),
        profit_factor=st.none() | st.floats(0, 5),
        interval=_INTERVALS,
        random_share=_SHARES,
        p=_SHARES,
        sharpe=_SHARES,
        tried=st.integers(1, 2_000),
        without_spread=_INTERVALS,
        simulated=st.booleans(),
    )
)
def test_an_edge_is_only_ever_suggested_where_everything_speaks_for_it(measured: Measured) -> None:
    said = sentence(measured)
    assert said.count(". ") <= 1
    assert ("edge is suggested" in said) == (verdict(measured) is Verdict.SUGGESTED)
    if verdict(measured) is Verdict.SUGGESTED:
        assert measured.trades >= ENOUGH
        assert measured.interval is not None
        assert measured.interval[0] > 1
        assert measured.p is not None
        assert measured.p < 0.05
        assert measured.sharpe is not None
        assert measured.sharpe > 0.95


@pytest.mark.parametrize(("value", "text"), [(1.0, "1.00"), (1.0004, "1.0004"), (0.996, "0.996"), (0.5, "0.50")])
def test_a_ratio_never_looks_like_1_unless_it_is(value: float, text: str) -> None:
    assert ratio(value) == text
