import math

import numpy as np
import pytest

from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.calibration import calibration, rank_correlation
from statistics_builders import trades_of


def test_buckets_hold_their_lower_edge_and_the_last_one_hundred() -> None:
    found = calibration(trades_of([100, -100, 100, -100, 50]), np.array([0, 9.99, 10, 100, 90]))
    assert [(one.low, one.high, one.trades) for one in found.buckets if one.trades] == [
        (0, 10, 2),
        (10, 20, 1),
        (90, 100, 2),
    ]
    last = found.buckets[-1]
    assert (last.wins, last.losses, last.win_rate.value, last.mean_r.value) == (1, 1, 0.5, -0.25)


def test_an_empty_bucket_says_nothing() -> None:
    empty = calibration(trades_of([1]), np.array([55.0])).buckets[0]
    assert (empty.win_rate.value, empty.win_rate.low, empty.mean_r.value) == (None, None, None)


def test_what_has_no_score_is_in_no_bucket_and_expired_trades_are_neither() -> None:
    found = calibration(trades_of([1, 2, -1], classes=[2, 1, -1]), np.array([55.0, math.nan, 55.0]))
    bucket = found.buckets[5]
    assert (found.known, bucket.trades, bucket.expired, bucket.win_rate.n) == (2, 2, 1, 1)


@pytest.mark.parametrize("scores", [[101.0], [-0.1], [1.0, 2.0]])
def test_scores_that_do_not_fit_are_refused(scores: list[float]) -> None:
    with pytest.raises(InvalidInput, match="scores"):
        calibration(trades_of([1]), np.array(scores))


def test_ranks_correlate_as_by_hand() -> None:
    x = np.array([1, 2, 2, 4, 5, 6, 7, 8, 9, 10], np.float64)
    y = np.array([2, 1, 4, 3, 6, 5, 8, 7, 10, 9], np.float64)
    ranks = np.array([1, 2.5, 2.5, 4, 5, 6, 7, 8, 9, 10])
    found = rank_correlation(x, y)
    assert found.value == pytest.approx(np.corrcoef(ranks, y)[0, 1])
    reach = 1.959964 * math.sqrt((1 + found.value**2 / 2) / 7)
    assert found.low == pytest.approx(math.tanh(math.atanh(found.value) - reach))
    assert found.low < found.value < found.high < 1


def test_few_pairs_or_equal_ones_do_not_correlate() -> None:
    nine = np.arange(9.0)
    assert rank_correlation(nine, nine).value is None
    ten = np.arange(10.0)
    assert rank_correlation(ten, np.ones(10)).value is None
    assert (rank_correlation(ten, ten).value, rank_correlation(ten, -ten).value) == (1, -1)
