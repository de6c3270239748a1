"""Nights by hand. New York is UTC-5 in winter, UTC-4 from 9 March to 2 November 2025: 17:00 is 22:00 or 21:00 UTC."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.backtests.financing import financing, nights
from alphaforge.core.times import parse_rfc3339
from alphaforge.core.zones import NEW_YORK, offsets


def held(opened: str, closed: str) -> int:
    """The days of financing between two moments of 2025."""
    moments = (np.array([int(parse_rfc3339(f"2025-{text}:00Z"))]) for text in (opened, closed))
    return int(nights(*moments)[0])


@pytest.mark.parametrize(
    ("opened", "closed", "days"),
    [
        ("01-06T12:00", "01-06T21:59", 0),  # Monday, closed before the night
        ("01-06T12:00", "01-06T22:05", 1),
        ("01-06T22:00", "01-06T22:05", 1),  # open at 17:00 sharp
        ("01-06T12:00", "01-06T22:00", 0),  # closed by then
        ("01-06T22:01", "01-07T21:55", 0),
        ("01-06T12:00", "01-07T22:05", 2),
        ("01-08T21:00", "01-08T23:00", 3),  # Wednesday: from Friday to Monday
        ("01-09T21:00", "01-09T23:00", 1),
        ("01-10T21:00", "01-12T23:00", 1),  # Friday's counts, Saturday's and Sunday's do not
        ("01-06T12:00", "01-13T12:00", 7),  # a week
    ],
)
def test_nights_by_hand(opened: str, closed: str, days: int) -> None:
    assert held(opened, closed) == days


@pytest.mark.parametrize(
    ("opened", "closed", "days"),
    [
        ("03-06T21:30", "03-06T22:30", 1),  # Thursday before the clocks go forward: 17:00 is 22:00 UTC
        ("03-06T21:00", "03-06T21:59", 0),
        ("03-10T20:59", "03-10T21:01", 1),  # Monday after: 21:00 UTC
        ("03-10T21:01", "03-10T22:30", 0),
        ("10-31T20:59", "10-31T21:01", 1),  # Friday before they go back
        ("11-03T20:59", "11-03T21:59", 0),  # Monday after
        ("11-03T20:59", "11-03T22:01", 1),
    ],
)
def test_the_night_begins_at_new_yorks_17_00_in_summer_and_winter(opened: str, closed: str, days: int) -> None:
    assert held(opened, closed) == days


@given(
    trades=st.lists(
        st.tuples(st.integers(1_700_000_000, 1_760_000_000), st.integers(0, 20 * 86_400)), min_size=1, max_size=20
    )
)
def test_nights_of_many_positions_are_those_of_each(trades: list[tuple[int, int]]) -> None:
    """By looking at every hour: which of them are New York's 17:00, and of which weekday."""
    opened = np.array([one for one, _ in trades], np.int64)
    closed = opened + np.array([length for _, length in trades], np.int64)
    for at, days in enumerate(nights(opened, closed).tolist()):
        hours = np.arange(-(-opened[at] // 3_600) * 3_600, closed[at], 3_600, dtype=np.int64)
        local = hours + offsets(hours, NEW_YORK)
        weekdays = (local[local % 86_400 == 17 * 3_600] // 86_400 + 3) % 7
        assert days == sum({2: 3, 5: 0, 6: 0}.get(weekday, 1) for weekday in weekdays.tolist())


def test_no_positions_are_held_through_no_nights() -> None:
    assert nights(np.zeros(0, np.int64), np.zeros(0, np.int64)).tolist() == []


def test_financing_in_r_by_hand() -> None:
    """3.65 % a year are 0.01 % a day: of 1.2500 that is 0.000125, of a risk of 0.0015 a twelfth."""
    days, sign = np.array([1, 3, 1, 0]), np.array([1.0, 1.0, -1.0, 1.0])
    entry, stop = np.full(4, 1.25), np.array([1.2485, 1.2485, 1.2515, 1.2485])
    found = financing(days, sign, (-0.0365, 0.0073), entry, stop)
    assert found == pytest.approx([-1 / 12, -3 / 12, 0.2 / 12, 0.0], abs=1e-9)
