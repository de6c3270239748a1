"""Money by hand: 10,000 at the start, 10 % risked."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.backtests.account import Account, account, closing_order


def money(trades: list[tuple[int, int, float]], fraction: float = 0.1, balance: float = 10_000.0) -> Account:
    """The account of trades, each (opened, closed, r)."""
    columns = np.array(trades, np.float64).reshape(-1, 3).T
    opened, closed = columns[0].astype(np.int64), columns[1].astype(np.int64)
    return account(opened, closed, np.full(len(trades), fraction), columns[2], balance)


def test_a_trade_risks_its_fraction_of_the_balance_and_brings_its_multiple() -> None:
    found = money([(0, 10, 2.0)])
    assert (found.risked[0], found.amount[0], found.equity[0]) == (1_000.0, 2_000.0, 12_000.0)


def test_the_next_trade_risks_a_fraction_of_what_the_last_one_left() -> None:
    found = money([(0, 10, -1.0), (10, 20, 2.0)])
    assert found.risked.tolist() == [1_000.0, 900.0]
    assert found.equity.tolist() == [9_000.0, 10_800.0]


def test_a_trade_that_is_open_still_has_changed_nothing() -> None:
    found = money([(0, 30, -1.0), (10, 20, 2.0), (25, 40, 1.0)])
    assert found.risked.tolist() == [1_000.0, 1_000.0, 1_200.0]
    # After 20: 12,000. After 30: 11,000. After 40: 12,200.
    assert found.equity.tolist() == [11_000.0, 12_000.0, 12_200.0]


def test_trades_that_close_together_close_in_the_order_of_their_openings() -> None:
    found = money([(5, 20, 1.0), (0, 20, -1.0), (5, 20, 1.0)])
    assert found.equity.tolist() == [10_000.0, 9_000.0, 11_000.0]
    assert closing_order(np.array([5, 0, 5]), np.array([20, 20, 20])).tolist() == [1, 0, 2]


def test_a_trade_that_ends_as_it_opens_counts_for_those_after_it() -> None:
    found = money([(10, 10, -1.0), (10, 20, 1.0)])
    assert found.risked.tolist() == [1_000.0, 900.0]


def test_no_loss_takes_more_than_there_is_and_then_nothing_is_risked() -> None:
    found = money([(0, 10, -15.0), (10, 20, 5.0)])
    assert found.amount.tolist() == [-10_000.0, 0.0]
    assert found.equity.tolist() == [0.0, 0.0]
    assert found.risked.tolist() == [1_000.0, 0.0]


def test_a_trade_that_was_open_at_the_ruin_may_still_bring_something() -> None:
    found = money([(0, 10, -15.0), (0, 20, 3.0), (20, 30, 1.0)])
    assert found.equity.tolist() == [0.0, 3_000.0, 3_300.0]


def test_without_trades_there_is_no_account() -> None:
    assert len(money([]).equity) == 0


@given(
    trades=st.lists(st.tuples(st.integers(0, 30), st.integers(0, 10), st.floats(-30, 10)), max_size=30),
    fraction=st.floats(0.001, 0.5),
)
def test_the_equity_is_the_balance_and_every_amount_closed_by_then(
    trades: list[tuple[int, int, float]], fraction: float
) -> None:
    rows = [(opened, opened + held, r) for opened, held, r in trades]
    found = money(rows, fraction)
    opened, closed = (np.array([row[place] for row in rows], np.int64) for place in (0, 1))
    order = closing_order(opened, closed)
    assert found.equity[order] == pytest.approx(10_000.0 + np.cumsum(found.amount[order]), abs=1e-6)
    assert (found.equity >= 0).all()
    for at, moment in enumerate(opened.tolist()):
        by_then = found.amount[(closed <= moment) & (opened < moment)].sum()
        at_once = [one for one in range(at) if closed[one] == opened[one] == moment]
        expected = fraction * (10_000.0 + by_then + found.amount[at_once].sum())
        assert found.risked[at] == pytest.approx(expected, abs=1e-6)
