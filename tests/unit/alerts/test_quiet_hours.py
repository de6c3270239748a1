"""Quiet hours by a wall clock, where hours are left out and come twice."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from alphaforge.alerts.quiet_hours import QuietHours

LONDON = ZoneInfo("Europe/London")
ZONES = ("UTC", "Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu", "Africa/Casablanca")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


@pytest.mark.parametrize(
    ("moment", "end"),
    [
        ("2025-07-07T20:59", None),  # 21:59 in London
        ("2025-07-07T21:00", "2025-07-08T06:00"),
        ("2025-07-08T05:59", "2025-07-08T06:00"),
        ("2025-07-08T06:00", None),
        ("2025-03-29T23:00", "2025-03-30T06:00"),  # an hour is left out
        ("2025-10-25T22:00", "2025-10-26T07:00"),  # an hour comes twice
    ],
)
def test_a_night_in_london_ends_by_londons_clock(moment: str, end: str | None) -> None:
    night = QuietHours(time(22), time(7), LONDON)
    assert night.contains(at(moment)) is (end is not None)
    assert night.ends_after(at(moment)) == at(end or moment)


def test_an_end_that_is_left_out_is_where_the_clock_jumps() -> None:
    quiet = QuietHours(time(0), time(1, 30), LONDON)  # on 30 March 2025 01:00 is followed by 02:00
    assert quiet.ends_after(at("2025-03-30T00:30")) == at("2025-03-30T01:00")


times = st.times().map(lambda one: one.replace(second=0, microsecond=0))
moments = st.floats(at("2020-01-01T00:00"), at("2030-01-01T00:00"))
near_changes = st.sampled_from(
    [at(one) for one in ("2025-03-30T01:00", "2025-10-26T01:00", "2025-03-09T07:00", "2025-11-02T06:00")]
).flatmap(lambda change: st.floats(change - 90_000, change + 90_000))


@given(times, times, st.sampled_from(ZONES), moments | near_changes)
def test_quiet_hours_end_at_the_first_minute_that_is_not_quiet(
    start: time, end: time, zone: str, moment: float
) -> None:
    assume(start != end)
    quiet = QuietHours(start, end, ZoneInfo(zone))
    ended = quiet.ends_after(moment)
    assert not quiet.contains(ended)
    assert 0 <= ended - moment <= timedelta(hours=26).total_seconds()
    if ended > moment:
        assert quiet.contains(ended - 0.001)
        assert all(quiet.contains(moment + (ended - moment) * part / 50) for part in range(50))
