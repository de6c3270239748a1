"""Distributions: quantiles within their bound, and counts that add up."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.distribution import STEPS, Distribution

VALUES = st.floats(1e-8, 1e9)
SOME = st.lists(VALUES, min_size=1, max_size=200)
WITHIN = 2 ** (0.5 / STEPS)


def distribution_of(values: list[float]) -> Distribution:
    made = Distribution()
    for value in values:
        made.add(value)
    return made


@given(SOME, st.floats(0.01, 1.0))
def test_a_quantile_is_the_value_of_that_rank_within_its_bound(values: list[float], share: float) -> None:
    truth = sorted(values)[max(1, math.ceil(share * len(values))) - 1]
    said = distribution_of(values).quantile(share)
    assert said is not None
    assert truth / WITHIN * (1 - 1e-12) <= said <= truth * WITHIN * (1 + 1e-12)


@given(SOME, SOME)
def test_what_two_counted_together_is_what_one_would_have_counted(some: list[float], others: list[float]) -> None:
    merged, whole = distribution_of(some), distribution_of(some + others)
    merged.merge(distribution_of(others))
    assert (merged.count, merged.buckets, merged.largest) == (whole.count, whole.buckets, whole.largest)
    assert merged.total == pytest.approx(whole.total)


@given(SOME, SOME)
def test_since_is_what_came_after_the_copy(earlier: list[float], later: list[float]) -> None:
    counting = distribution_of(earlier)
    copy = counting.copy()
    for value in later:
        counting.add(value)
    alone, since = distribution_of(later), counting.since(copy)
    assert (since.count, since.buckets) == (alone.count, alone.buckets)
    assert since.total == pytest.approx(alone.total, rel=1e-6, abs=1e-6 * counting.total)


@given(st.lists(VALUES, max_size=200), st.integers(-30, 40))
def test_up_to_counts_what_is_not_above_a_power_of_two(values: list[float], power: int) -> None:
    edge = 2.0**power
    clear = [value for value in values if not math.isclose(value, edge, rel_tol=1e-9)]
    assert distribution_of(clear).up_to(power) == sum(value <= edge for value in clear)


def test_a_power_of_two_belongs_to_the_bucket_that_it_ends() -> None:
    made = distribution_of([2.0**power for power in range(-29, 40)])
    assert [made.up_to(power) for power in range(-29, 40)] == list(range(1, 70))


@pytest.mark.parametrize("odd", [0.0, -5.0, 1e-300, 1e300, math.inf, math.nan])
def test_what_no_clock_can_have_measured_is_counted_and_takes_no_room(odd: float) -> None:
    made = distribution_of([odd] * 1000)
    assert made.count == 1000
    assert len(made.buckets) == 1


def test_nothing_counted_has_neither_mean_nor_quantile() -> None:
    assert Distribution().mean is None
    assert Distribution().quantile(0.5) is None
