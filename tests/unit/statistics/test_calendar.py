from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.times import parse_rfc3339
from alphaforge.core.zones import offsets
from alphaforge.statistics.calendar import (
    SESSIONS,
    day_name,
    hours,
    month_name,
    months,
    sessions,
    span_of_trading_day,
    trading_days,
    weekdays,
)

NEW_YORK, LONDON, TOKYO = ZoneInfo("America/New_York"), ZoneInfo("Europe/London"), ZoneInfo("Asia/Tokyo")
MOMENTS = st.integers(0, 4_102_444_800)  # 1970 to 2100


def at(text: str) -> np.ndarray:
    return np.array([parse_rfc3339(text)])


@given(st.dates(date(1971, 1, 1), date(2099, 12, 31)))
def test_a_trading_day_begins_and_ends_where_its_moments_do(day: date) -> None:
    start, end = span_of_trading_day((day - date(1970, 1, 1)).days)
    found = trading_days(np.array([start - 1, start, end - 1, end]))
    assert [day_name(one) for one in found.tolist()] == [str(day + timedelta(days=later)) for later in (-1, 0, 0, 1)]


@given(st.lists(MOMENTS, min_size=1, max_size=20), st.sampled_from([NEW_YORK, LONDON, TOKYO]))
def test_offsets_are_those_of_each_moment_alone(moments: list[int], zone: ZoneInfo) -> None:
    found = offsets(np.array(moments, np.int64), zone)
    alone = [datetime.fromtimestamp(moment, UTC).astimezone(zone).utcoffset() or timedelta(0) for moment in moments]
    assert found.tolist() == [one.total_seconds() for one in alone]


@pytest.mark.parametrize("zone", [NEW_YORK, LONDON])
def test_offsets_change_on_the_second(zone: ZoneInfo) -> None:
    year = np.arange(int(parse_rfc3339("2025-01-01T00:00:00Z")), int(parse_rfc3339("2026-01-01T00:00:00Z")), 3600)
    changes = year[1:][np.diff(offsets(year, zone)) != 0]
    assert len(changes) == 2
    for change in changes.tolist():
        before, after = offsets(np.array([change - 1, change]), zone).tolist()
        assert abs(before - after) == 3600


@given(MOMENTS)
def test_a_trading_day_is_the_date_in_new_york_seven_hours_later(moment: int) -> None:
    local = datetime.fromtimestamp(moment, UTC).astimezone(NEW_YORK).replace(tzinfo=None) + timedelta(hours=7)
    assert day_name(trading_days(np.array([moment]))[0]) == local.date().isoformat()


@pytest.mark.parametrize(
    ("moment", "day"),
    [
        ("2025-03-07T21:59:59Z", "2025-03-07"),  # winter: the day ends at 22:00 UTC
        ("2025-03-07T22:00:00Z", "2025-03-08"),
        ("2025-03-10T20:59:59Z", "2025-03-10"),  # the first day of summer time ends at 21:00 UTC
        ("2025-03-10T21:00:00Z", "2025-03-11"),
        ("2025-11-02T22:30:00Z", "2025-11-03"),  # the Sunday evening after summer time is Monday
        ("2025-10-26T21:30:00Z", "2025-10-27"),  # London has gone back, New York has not
    ],
)
def test_a_trading_day_ends_at_five_in_new_york_in_summer_and_winter(moment: str, day: str) -> None:
    assert day_name(trading_days(at(moment))[0]) == day


@pytest.mark.parametrize(
    ("moment", "session"),
    [
        ("2025-07-07T00:00:00Z", "ASIAN"),  # 09:00 in Tokyo
        ("2025-07-06T23:59:59Z", "OFF"),
        ("2025-07-07T06:59:59Z", "ASIAN"),
        ("2025-07-07T07:00:00Z", "LONDON"),  # 08:00 in London in summer; Tokyo works until 09:00 UTC
        ("2025-01-07T07:00:00Z", "ASIAN"),
        ("2025-01-07T08:00:00Z", "LONDON"),
        ("2025-07-07T12:00:00Z", "OVERLAP"),  # 08:00 in New York in summer
        ("2025-01-07T12:00:00Z", "LONDON"),
        ("2025-01-07T13:00:00Z", "OVERLAP"),
        ("2025-03-17T12:00:00Z", "OVERLAP"),  # New York has summer time already, London has not
        ("2025-03-17T16:59:59Z", "OVERLAP"),
        ("2025-03-17T17:00:00Z", "NEW_YORK"),
        ("2025-07-07T20:59:59Z", "NEW_YORK"),
        ("2025-07-07T21:00:00Z", "OFF"),
    ],
)
def test_sessions_go_by_the_clocks_of_their_places(moment: str, session: str) -> None:
    assert SESSIONS[sessions(at(moment))[0]] == session


@given(MOMENTS)
def test_hour_weekday_and_month_are_those_of_utc(moment: int) -> None:
    when, one = datetime.fromtimestamp(moment, UTC), np.array([moment + 0.75])
    assert (hours(one)[0], weekdays(one)[0]) == (when.hour, when.weekday())
    assert month_name(months(one)[0]) == f"{when:%Y-%m}"


@pytest.mark.parametrize("year", ["0001-01-02", "1899-12-31", "2200-01-01", "9999-12-31"])
def test_days_of_any_year_are_found(year: str) -> None:
    assert day_name(trading_days(at(f"{year}T12:00:00Z"))[0]) == year


def test_no_moments_have_no_days() -> None:
    nothing = np.zeros(0)
    assert [len(found(nothing)) for found in (trading_days, sessions, hours, weekdays, months)] == [0] * 5
