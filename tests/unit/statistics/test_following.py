"""What a trader made of signals, by hand and against a plain second way of counting."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.statistics.following import CANDLE, MINIMUM, Following, Signalled, Taken, _difference, following_of
from statistics_builders import DAY, MONDAY

NAN = float("nan")


def signals(*rows: tuple[int, float, int, float]) -> Signalled:
    """Of (id, seconds since Monday, side, r)."""
    number, at, side, r = (np.array(column) for column in zip(*rows, strict=True)) if rows else [np.zeros(0)] * 4
    pips = r.astype(float) * 10  # a stop of 0.001
    return Signalled(number.astype(np.int64), MONDAY + at.astype(float), side.astype(np.int8), r.astype(float), pips)


def entries(*rows: tuple[int, float, int, float, float], stop: float = 1.309) -> Taken:
    """Of (signal, seconds since Monday, side, price, own r); the signal's entry is 1.31."""
    columns = (np.array(column) for column in zip(*rows, strict=True)) if rows else [np.zeros(0)] * 5
    number, opened, side, price, r = columns
    levels = np.full(len(rows), 1.31), np.full(len(rows), stop)
    return Taken(
        *(number.astype(np.int64), MONDAY + opened.astype(float), side.astype(np.int8)),
        *(price.astype(float), r.astype(float), *levels),
    )


def test_a_signal_is_followed_skipped_or_traded_against() -> None:
    found = following_of(
        signals((1, 0, 1, 2.0), (2, 600, 1, -1.0), (3, 1200, -1, 2.0), (4, 1800, 1, 2.0)),
        entries((1, 60, 1, 1.31, 1.5), (1, 90, 1, 1.31, 1.0), (3, 1260, 1, 1.31, -1.0), (4, 1900, -1, 1.31, 0.0)),
    )
    assert (found.signals, found.followed, found.skipped, found.against, found.entries) == (4, 1, 1, 2, 2)
    assert (found.edge.first.value, found.edge.first.n) == (2.0, 1)
    assert (found.edge.second.value, found.edge.second.n) == (-1.0, 1)
    assert (found.execution.first.value, found.execution.second.value, found.execution.first.n) == (1.25, 2.0, 2)


def test_one_who_follows_and_trades_against_has_followed() -> None:
    found = following_of(signals((1, 0, 1, 2.0)), entries((1, 60, -1, 1.31, 1.0), (1, 90, 1, 1.31, 1.0)))
    assert (found.followed, found.against, found.entries) == (1, 0, 1)


def test_signals_before_the_first_that_was_followed_were_not_skipped() -> None:
    three = signals((1, 0, 1, 2.0), (2, 600, 1, -1.0), (3, 1200, 1, 2.0))
    found = following_of(three, entries((2, 660, 1, 1.31, NAN)))
    assert (found.since, found.signals, found.skipped) == (MONDAY + 600, 2, 1)
    asked = following_of(three, entries((2, 660, 1, 1.31, NAN)), start=MONDAY)
    assert (asked.since, asked.signals, asked.skipped) == (MONDAY, 3, 2)


def test_where_nothing_was_followed_nothing_was_skipped() -> None:
    found = following_of(signals((1, 0, 1, 2.0)), entries())
    assert (found.since, found.signals, found.skipped, found.lateness.mean) == (None, 0, 0, None)
    assert following_of(signals((1, 0, 1, 2.0)), entries(), start=MONDAY).skipped == 1
    assert following_of(signals(), entries((7, 0, 1, 1.31, 1.0))).entries == 0


def test_an_entry_is_late_beyond_one_candle_behind_the_close() -> None:
    one = signals((1, 0, 1, 2.0))
    rows = [(1, seconds, 1, 1.31, 1.0) for seconds in (-60.0, CANDLE, CANDLE + 1, 3_600.0)]
    found = following_of(one, entries(*rows)).lateness
    assert (found.n, found.late, found.worst) == (4, 2, 3_600.0)
    assert found.mean == pytest.approx((-60 + 300 + 301 + 3_600) / 4)


def test_slippage_is_positive_where_the_price_was_worse_on_either_side() -> None:
    both = signals((1, 0, 1, 2.0), (2, 0, -1, 2.0))
    found = following_of(both, entries((1, 0, 1, 1.3103, 1.0), (2, 0, -1, 1.3095, 1.0), (1, 0, 1, 1.3098, 1.0)))
    assert (found.slippage_pips.n, found.slippage_r.n) == (3, 3)
    assert found.slippage_pips.mean == pytest.approx((3 + 5 - 2) / 3)
    assert found.slippage_pips.worst == pytest.approx(5)
    assert found.slippage_r.mean == pytest.approx((0.3 + 0.5 - 0.2) / 3)
    assert found.slippage_r.worst == pytest.approx(0.5)


@pytest.mark.parametrize(("risk", "pips", "slip"), [(0.0012, 24.0, 3.0), (12.0, 1_200 * 2.0, 0.0003 / 0.01)])
def test_a_pip_is_what_the_result_of_the_signal_says(risk: float, pips: float, slip: float) -> None:
    one = replace(signals((1, 0, 1, 2.0)), pips=np.array([pips]))
    found = following_of(one, entries((1, 0, 1, 1.3103, 1.0), stop=1.31 - risk)).slippage_pips
    assert (found.n, found.mean) == (1, pytest.approx(slip))


def test_a_signal_that_ended_where_it_began_tells_no_pip() -> None:
    found = following_of(signals((1, 0, 1, 0.0)), entries((1, 0, 1, 1.3103, 1.0)))
    assert (found.slippage_pips.n, found.slippage_r.n) == (0, 1)


def test_what_is_not_known_is_in_no_mean() -> None:
    one = signals((1, 0, 1, NAN), (2, 0, 1, 1.0))
    found = following_of(one, entries((1, 0, 1, NAN, 1.0), (2, 0, 1, 1.3101, NAN), stop=1.31))
    assert (found.slippage_r.n, found.slippage_r.mean, found.slippage_r.worst) == (0, None, None)
    assert (found.slippage_pips.n, found.slippage_pips.mean) == (0, None)
    assert (found.edge.first.n, found.edge.first.value) == (1, 1.0)
    assert (found.execution.first.n, found.execution.first.value) == (0, None)


def chosen(seed: int, count: int, edge: float) -> Following:
    """Signals of a year of weekdays, of which a trader follows every third; those have so much more R on average."""
    draw = np.random.default_rng(seed)
    at = np.sort(draw.integers(0, 52, count) * 7 + draw.integers(0, 5, count)) * DAY + draw.integers(0, DAY // 2, count)
    takes = np.arange(count) % 3 == 0
    r = np.where(draw.random(count) < 1 / 3, 2.0, -1.0) + edge * takes
    both = signals(*zip(range(count), at.tolist(), [1] * count, r.tolist(), strict=True))
    taken = [(n, float(at[n]), 1, 1.31, float(r[n])) for n in range(count) if takes[n]]
    return following_of(both, entries(*taken), start=MONDAY)


def test_a_difference_below_the_minimum_is_not_known_and_says_of_how_many() -> None:
    few = chosen(1, 3 * MINIMUM - 3, 0.5)
    assert (few.edge.first.n, few.edge.second.n) == (MINIMUM - 1, 2 * MINIMUM - 2)
    assert few.edge.first.value is not None
    assert (few.edge.difference.value, few.edge.difference.low) == (None, None)
    enough = chosen(1, 3 * MINIMUM, 0.5).edge.difference
    assert enough.value is not None
    assert enough.low is not None
    assert enough.high is not None
    assert enough.low < enough.value < enough.high


def test_either_side_may_be_the_one_that_is_too_small() -> None:
    rows = [(n, n * DAY, 1, float(n % 5) - 2) for n in range(3 * MINIMUM)]
    taken = [(n, at, 1, 1.31, 1.0) for n, at, _, _ in rows[: 2 * MINIMUM + 1]]
    found = following_of(signals(*rows), entries(*taken)).edge
    assert (found.first.n, found.second.n, found.difference.n) == (2 * MINIMUM + 1, MINIMUM - 1, MINIMUM - 1)
    assert found.difference.value is None


def test_the_standard_error_is_that_of_each_blocks_own_part_in_the_difference() -> None:
    s, n, t, m = np.random.default_rng(5).uniform(1, 9, (4, 30))
    pairs = [(s, n, t, m)[i] * (s, n, t, m)[j] for i in range(4) for j in range(i, 4)]
    difference, error = _difference(np.array([[column.sum()] for column in (s, n, t, m, *pairs)]))
    a, b = s.sum() / n.sum(), t.sum() / m.sum()
    moved = (s - a * n) / n.sum() - (t - b * m) / m.sum()
    assert difference[0] == pytest.approx(a - b)
    assert error[0] == pytest.approx(np.sqrt(np.square(moved).sum()))


def test_results_of_less_than_five_days_have_a_difference_without_an_interval() -> None:
    rows = [(n, n % 4 * DAY, 1, float(n % 5) - 2) for n in range(40)]
    found = following_of(signals(*rows), entries(*((n, at, 1, 1.31, 1.0) for n, at, _, _ in rows[:20])))
    assert found.edge.difference.value is not None
    assert (found.edge.difference.low, found.edge.difference.high) == (None, None)


def test_where_following_makes_no_difference_its_interval_covers_zero_as_often_as_it_says() -> None:
    hits = 0
    for seed in range(120):
        difference = chosen(seed, 150, 0.0).edge.difference
        assert difference.low is not None
        assert difference.high is not None
        hits += difference.low <= 0 <= difference.high
    assert 0.90 <= hits / 120 <= 0.99, hits / 120


def test_a_trader_who_picks_well_is_seen_to() -> None:
    difference = chosen(3, 600, 1.0).edge.difference
    assert difference.low is not None
    assert difference.low > 0


def test_execution_compares_the_same_trades() -> None:
    count = 60
    rows = [(n, n * DAY / 3, 1, 2.0 if n % 3 == 0 else -1.0) for n in range(count)]
    own = [(n, at, 1, 1.31, r - 0.1 - 0.01 * (n % 7)) for n, at, _, r in rows]
    found = following_of(signals(*rows), entries(*own)).execution
    assert found.difference.value == pytest.approx(-0.1 - 0.01 * np.mean([n % 7 for n in range(count)]))
    low, high = found.difference.low, found.difference.high
    assert low is not None
    assert high is not None
    assert -0.15 < low < high < -0.1, "what trades share is no part of the doubt"


SIGNAL = st.tuples(
    st.integers(1, 30), st.integers(0, 40 * DAY), st.sampled_from([1, -1, 0]), st.sampled_from([2.0, -1.0, 0.25, NAN])
)
ENTRY = st.tuples(
    st.integers(1, 40), st.integers(0, 40 * DAY), st.sampled_from([1, -1, 0]), st.floats(1.2, 1.4),
    st.sampled_from([1.0, -1.0, NAN]),
)  # fmt: skip


@given(st.lists(SIGNAL, max_size=30, unique_by=lambda row: row[0]), st.lists(ENTRY, max_size=40), st.booleans())
@settings(max_examples=60, deadline=None)
def test_counting_one_by_one_gives_the_same(rows: list[Any], made: list[Any], asked: bool) -> None:  # noqa: FBT001 - hypothesis gives it
    start = MONDAY + 10 * DAY if asked else None
    found = following_of(signals(*rows), entries(*made), start)
    by_id = {row[0]: row for row in rows}
    mine = [one for one in made if one[0] in by_id and one[2] * by_id[one[0]][2] > 0]
    first = min((MONDAY + by_id[one[0]][1] for one in mine), default=None) if start is None else start
    assert found.since == first
    within = {n: row for n, row in by_id.items() if first is not None and MONDAY + row[1] >= first}
    mine = [one for one in mine if one[0] in within]
    followed = {one[0] for one in mine}
    against = {one[0] for one in made if one[0] in within} - followed
    assert (found.signals, found.followed, found.against) == (len(within), len(followed), len(against))
    assert found.skipped == len(within) - len(followed) - len(against)
    assert found.lateness.late == sum(one[1] - within[one[0]][1] > CANDLE for one in mine)
    known = [within[n][3] for n in followed if within[n][3] == within[n][3]]
    assert found.edge.first.n == len(known)
    assert found.edge.first.value == (pytest.approx(np.mean(known)) if known else None)
    slips = [one[2] * (one[3] - 1.31) / 0.001 for one in mine]
    assert found.slippage_r.mean == (pytest.approx(np.mean(slips)) if slips else None)
    assert found.slippage_r.worst == (pytest.approx(max(slips)) if slips else None)
