from collections.abc import Callable
from dataclasses import asdict
from itertools import pairwise

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alphaforge.backtests.walk_forward import Folds, folds_from, folds_of, parse_length
from alphaforge.core.errors import InvalidInput

DAY = 86_400.0
_DAYS = st.integers(1, 60).map(lambda days: days * DAY)


@given(train=_DAYS, test=_DAYS, more=st.integers(0, 30), anchored=st.booleans(), days=st.integers(2, 400))
def test_tests_never_overlap_and_never_lie_in_what_was_learnt_from(
    train: float, test: float, more: int, days: int, *, anchored: bool
) -> None:
    folds = Folds(train, test, test + more * DAY, anchored=anchored)
    end = days * DAY
    assume(train + test <= end)
    cut = folds_of(0, end, folds)
    for fold in cut:
        assert fold.train_end == fold.test_start
        assert fold.train_end - fold.train_start == (train + fold.number * folds.stride if anchored else train)
        assert fold.test_end - fold.test_start == test
    assert all(before.test_end <= after.test_start for before, after in pairwise(cut))
    assert end - folds.stride < cut[-1].test_end <= end


def test_without_a_step_tests_follow_each_other() -> None:
    cut = folds_of(0, 100 * DAY, Folds(40 * DAY, 20 * DAY))
    assert [(fold.test_start / DAY, fold.test_end / DAY) for fold in cut] == [(40, 60), (60, 80), (80, 100)]


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Folds(0, DAY), "impossible"),
        (lambda: Folds(DAY, float("nan")), "nan s to be judged on"),
        (lambda: Folds(9 * DAY, 5 * DAY, 4 * DAY), "same days twice"),
        (lambda: folds_of(0, 50 * DAY, Folds(40 * DAY, 20 * DAY)), "A period of 50 days has no room for 40"),
        (lambda: folds_from({"train": "90d"}), "a length to be judged on"),
        (lambda: parse_length("2 months"), "is no length"),
    ],
)
def test_folds_that_cannot_be_meant_are_refused(make: Callable[[], object], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        make()


def test_lengths_are_days_or_weeks() -> None:
    assert parse_length("90d") == 90 * DAY
    assert parse_length("12 weeks") == 84 * DAY
    folds = Folds(90 * DAY, 30 * DAY, anchored=True)
    assert folds_from({"train": "90d", "test": "30 days", "anchored": True}) == folds == folds_from(asdict(folds))
