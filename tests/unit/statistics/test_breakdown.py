import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.breakdown import by, by_codes, by_several
from alphaforge.statistics.calendar import SESSIONS, sessions
from alphaforge.statistics.figures import statistics_of
from statistics_builders import seeded, trades_of


def test_groups_are_sorted_and_trades_without_a_key_come_last() -> None:
    groups = by(trades_of([1, 2, -1, 4]), ["b", None, "a", "b"])
    assert [(group.key, group.figures.trades, group.figures.net) for group in groups] == [
        ("a", 1, -1),
        ("b", 2, 5),
        (None, 1, 2),
    ]


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_a_group_has_the_figures_of_its_trades_alone(seed: int) -> None:
    trades = seeded(200, 90, seed)
    codes = sessions(trades.opened)
    groups = by_codes(trades, codes, SESSIONS)
    assert groups == by_codes(trades, codes.astype(np.int64), SESSIONS)
    for group in groups:
        whole = statistics_of(trades.where(codes == SESSIONS.index(group.key)))
        part = group.figures
        assert (part.trades, part.wins, part.losses) == (whole.counts.trades, whole.counts.wins, whole.counts.losses)
        assert (part.breakevens, part.expired) == (whole.counts.breakevens, whole.counts.expired)
        assert (part.win_rate, part.net, part.pips) == (whole.rates.win_rate, whole.money.net, whole.pips.total)
        assert (part.expectancy, part.expectancy_r) == (whole.money.expectancy, whole.r.expectancy)
        assert (part.profit_factor, part.no_losses) == (whole.money.profit_factor, whole.money.no_losses)
        assert part.mean_seconds == whole.holding.mean_seconds
    assert sum(group.figures.trades for group in groups) == len(trades)


def test_codes_keep_the_order_of_their_labels_and_minus_one_is_no_key() -> None:
    groups = by_codes(trades_of([1, 2, 3]), np.array([2, -1, 0]), ("Monday", "Tuesday", "Friday"))
    assert [group.key for group in groups] == ["Monday", "Friday", None]


def test_a_trade_with_several_tags_counts_once_in_each() -> None:
    groups = by_several(trades_of([1, 2, 4]), [("news", "late", "news"), (), ("late",)])
    assert [(group.key, group.figures.net) for group in groups] == [("late", 5), ("news", 1), (None, 2)]


def test_no_trades_are_no_groups() -> None:
    assert by(trades_of([]), []) == by_codes(trades_of([]), np.zeros(0, np.int64), ("a",)) == []


def test_keys_that_do_not_fit_are_refused() -> None:
    with pytest.raises(InvalidInput, match="2 keys for 1 trades"):
        by(trades_of([1]), ["a", "b"])
    for code in (-2, 1):
        with pytest.raises(InvalidInput, match="labels"):
            by_codes(trades_of([1]), np.array([code]), ("a",))
