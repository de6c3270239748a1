from datetime import UTC, datetime
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.granularity import Granularity
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.market.sandbox.buckets import NEW_YORK, SECONDS, Buckets

moments = st.integers(978_307_200, 2_500_000_000)
all_buckets = st.builds(
    Buckets, st.sampled_from(sorted(SECONDS)), st.integers(0, 23), st.just(NEW_YORK), st.integers(0, 6)
)


def floor(granularity: str, moment: str) -> str:
    return rfc3339(Buckets(granularity).floor(parse_rfc3339(moment)))


@pytest.mark.parametrize(
    ("granularity", "moment", "start"),
    [
        ("D", "2025-01-15T12:00:00Z", "2025-01-14T22:00:00Z"),  # winter: 17:00 New York is 22:00 UTC
        ("D", "2025-07-15T12:00:00Z", "2025-07-14T21:00:00Z"),  # summer: 21:00
        ("H4", "2025-01-15T12:00:00Z", "2025-01-15T10:00:00Z"),
        ("H4", "2025-07-15T12:00:00Z", "2025-07-15T09:00:00Z"),
        ("H2", "2025-07-15T12:00:00Z", "2025-07-15T11:00:00Z"),
        ("H12", "2025-07-15T08:59:59Z", "2025-07-14T21:00:00Z"),
        ("W", "2025-07-15T12:00:00Z", "2025-07-11T21:00:00Z"),  # Friday 17:00
        ("M", "2025-07-15T12:00:00Z", "2025-06-30T21:00:00Z"),  # July begins on the trading day of its first
        ("H1", "2025-07-15T12:59:59Z", "2025-07-15T12:00:00Z"),
        ("M15", "2025-07-15T12:29:59Z", "2025-07-15T12:15:00Z"),
    ],
)
def test_buckets_begin_where_oandas_do(granularity: str, moment: str, start: str) -> None:
    assert floor(granularity, moment) == start


def test_the_day_of_the_change_to_winter_time_has_25_hours() -> None:
    day = Buckets("D")
    start = day.floor(parse_rfc3339("2025-11-02T12:00:00Z"))

    assert day.after(start) - start == 25 * 3600


def test_the_twenty_fifth_hour_is_a_short_bucket_of_its_own() -> None:
    parts = Buckets("H4")
    last = parts.floor(parse_rfc3339("2025-11-02T21:30:00Z"))

    assert (rfc3339(last), parts.after(last) - last) == ("2025-11-02T21:00:00Z", 3600)


@settings(deadline=None, max_examples=50)
@given(all_buckets, moments)
def test_every_moment_lies_in_its_bucket(buckets: Buckets, moment: int) -> None:
    start = buckets.floor(moment)

    assert start <= moment < buckets.after(start)
    assert buckets.floor(start) == start
    assert buckets.ceil(start) == start
    assert buckets.ceil(start + 1) == buckets.after(start)


@settings(deadline=None, max_examples=50)
@given(all_buckets, moments)
def test_buckets_follow_each_other_without_a_gap(buckets: Buckets, moment: int) -> None:
    starts = [buckets.floor(moment)]
    for _ in range(4):
        starts.append(buckets.after(starts[-1]))

    assert all(before < after for before, after in pairwise(starts))
    assert buckets.starts_of(np.array(starts)).tolist() == starts
    assert buckets.ends_of(np.array(starts[:-1])).tolist() == starts[1:]


@settings(deadline=None)
@given(moments, st.sampled_from(Granularity))
def test_short_buckets_are_the_ones_the_desk_derives(moment: int, granularity: Granularity) -> None:
    assert Buckets(granularity.value).floor(moment) == granularity.floor(moment)


@settings(deadline=None)
@given(moments)
def test_days_begin_at_the_asked_hour_in_the_asked_zone(moment: int) -> None:
    start = datetime.fromtimestamp(Buckets("D", hour=9).floor(moment), UTC).astimezone(NEW_YORK)

    assert (start.hour, start.minute) == (9, 0)
