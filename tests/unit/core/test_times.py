from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.clock import MarketClock, SystemClock, lag
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import from_epoch, parse_rfc3339, rfc3339, to_epoch


@given(st.integers(0, 4_102_444_800_000_000))
def test_a_time_with_microseconds_survives_its_text(microseconds: int) -> None:
    moment = round(microseconds / 1_000_000, 6)
    assert parse_rfc3339(rfc3339(moment)) == moment


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("1970-01-01T00:00:00Z", 0.0),
        ("2025-07-07T06:00:00.000000000Z", 1_751_868_000.0),
        ("2025-07-07T06:00:00.123456789Z", 1_751_868_000.123456),
        ("2025-07-07T06:00:00.5Z", 1_751_868_000.5),
        ("2025-07-07T08:00:00+02:00", 1_751_868_000.0),
    ],
)
def test_times_are_read_with_their_offset_and_to_the_microsecond(text: str, seconds: float) -> None:
    assert parse_rfc3339(text) == seconds


@pytest.mark.parametrize("text", ["", "yesterday", "2025-07-07T06:00:00", "2025-13-01T00:00:00Z", "1751868000"])
def test_times_without_zone_or_sense_are_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        parse_rfc3339(text)


def test_a_naive_datetime_is_refused() -> None:
    with pytest.raises(InvalidInput):
        to_epoch(datetime(2025, 7, 7))  # noqa: DTZ001 - that is the point
    there = datetime(2025, 7, 7, 8, tzinfo=timezone(timedelta(hours=2)))
    assert from_epoch(to_epoch(there)) == datetime(2025, 7, 7, 6, tzinfo=UTC)


@given(st.floats(0, 4e9), st.sampled_from(list(Granularity)))
def test_a_bucket_holds_the_moment_it_was_asked_for(moment: float, granularity: Granularity) -> None:
    start = granularity.floor(moment)
    assert start % granularity.seconds == 0
    assert start <= moment < start + granularity.seconds


def test_the_market_clock_goes_by_what_it_observed() -> None:
    clock = MarketClock()
    assert not clock.observed
    clock.observe(1_000.0, speed=60.0)
    assert clock.observed
    assert clock.now() >= 1_000.0
    assert clock.skew > 1e9
    assert lag(clock, clock.now() + 1_000) == 0.0


def test_lag_is_in_real_seconds() -> None:
    class Stopped:
        speed = 60.0

        def now(self) -> float:
            return 6_000.0

    assert lag(Stopped(), 0.0) == 100.0
    assert SystemClock().speed == 1.0
