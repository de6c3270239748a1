"""New York's week, seen from UTC. Daylight saving 2025: 9 March to 2 November there."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidSetting
from alphaforge.core.market_hours import FOREX_HOURS, METAL_HOURS, MarketHours, hours_of
from alphaforge.core.times import parse_rfc3339, rfc3339


def at(text: str) -> float:
    return parse_rfc3339(f"{text}:00Z")


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        # A week in winter: New York is UTC - 5, the daily break 21:58-22:03 UTC.
        ("2025-01-10T21:57", True),  # Friday
        ("2025-01-10T21:58", False),
        ("2025-01-11T12:00", False),  # Saturday
        ("2025-01-12T22:02", False),  # Sunday
        ("2025-01-12T22:03", True),
        ("2025-01-13T21:57", True),  # Monday
        ("2025-01-13T21:58", False),
        ("2025-01-13T22:02", False),
        ("2025-01-13T22:03", True),
        # The weekend in which New York's clocks go forward: closes at 21:58, opens at 21:03 UTC.
        ("2025-03-07T21:57", True),
        ("2025-03-07T21:58", False),
        ("2025-03-09T21:02", False),
        ("2025-03-09T21:03", True),
        ("2025-03-10T20:58", False),
        ("2025-03-10T21:03", True),
        # The weekend in which they go back: closes at 20:58, opens at 22:03 UTC.
        ("2025-10-31T20:57", True),
        ("2025-10-31T20:58", False),
        ("2025-11-02T21:03", False),
        ("2025-11-02T22:02", False),
        ("2025-11-02T22:03", True),
    ],
)
def test_forex_follows_new_yorks_week_and_its_daylight_saving(moment: str, is_open: bool) -> None:  # noqa: FBT001 - a table
    assert FOREX_HOURS.is_open(at(moment)) is is_open


@pytest.mark.parametrize(
    ("moment", "is_open"),
    [
        ("2025-07-07T20:59", True),
        ("2025-07-07T21:00", False),
        ("2025-07-07T21:59", False),
        ("2025-07-07T22:00", True),
        ("2025-07-06T21:59", False),
        ("2025-07-06T22:00", True),
    ],
)
def test_metals_rest_for_an_hour_a_day(moment: str, is_open: bool) -> None:  # noqa: FBT001 - a table
    assert METAL_HOURS.is_open(at(moment)) is is_open
    assert hours_of("XAU_USD") == METAL_HOURS
    assert hours_of("GBP_USD") == FOREX_HOURS


def test_a_closure_is_closed_from_its_start_to_its_end() -> None:
    christmas = MarketHours(16 * 60 + 58, 17 * 60 + 3, ((int(at("2025-12-25T00:00")), int(at("2025-12-25T23:00"))),))
    assert christmas.is_open(at("2025-12-24T20:00"))
    assert not christmas.is_open(at("2025-12-25T00:00"))
    assert not christmas.is_open(at("2025-12-25T22:59"))
    assert christmas.is_open(at("2025-12-25T23:00"))


@pytest.mark.parametrize(
    ("moment", "opens"),
    [
        ("2025-01-13T12:00", "2025-01-13T12:00"),
        ("2025-01-10T22:00", "2025-01-12T22:03"),
        ("2025-03-08T12:00", "2025-03-09T21:03"),
        ("2025-11-01T12:00", "2025-11-02T22:03"),
        ("2025-01-13T21:59", "2025-01-13T22:03"),
    ],
)
def test_the_next_opening_is_the_first_minute_of_trade(moment: str, opens: str) -> None:
    assert rfc3339(FOREX_HOURS.next_open(at(moment))) == f"{opens}:00Z"


@given(st.integers(1_735_689_600, 1_798_761_600))
def test_the_next_opening_is_open_and_nothing_before_it_is(moment: int) -> None:
    opens = FOREX_HOURS.next_open(moment)
    assert opens >= moment
    assert FOREX_HOURS.is_open(opens)
    first_full = (moment + 59) // 60 * 60
    assert not FOREX_HOURS.open_at(np.arange(first_full, opens, 60, dtype=np.int64)).any()


@given(st.lists(st.integers(1_735_689_600, 1_798_761_600), min_size=1, max_size=20))
def test_many_moments_at_once_are_each_as_alone(moments: list[int]) -> None:
    together = METAL_HOURS.open_at(np.array(moments, np.int64)).tolist()
    assert together == [METAL_HOURS.is_open(moment) for moment in moments]


def test_hours_that_never_open_and_impossible_breaks_are_refused() -> None:
    with pytest.raises(InvalidSetting):
        MarketHours(0, 1, ((0, 10**11),)).next_open(at("2025-01-13T12:00"))
    with pytest.raises(InvalidSetting):
        MarketHours(1_000, 900)
    with pytest.raises(InvalidSetting):
        MarketHours(0, 1_440)


@pytest.mark.parametrize(
    ("hours", "moment", "closes"),
    [
        (FOREX_HOURS, "2025-03-07T12:00", "2025-03-07T21:58:00Z"),
        (FOREX_HOURS, "2025-03-09T22:00", "2025-03-10T20:58:00Z"),  # New York's clocks have gone forward
        (METAL_HOURS, "2025-01-13T21:59", "2025-01-13T22:00:00Z"),
        (MarketHours(1_020, 1_020), "2025-01-13T00:00", "2025-01-17T22:00:00Z"),  # without a daily break
    ],
)
def test_the_next_close_is_the_first_minute_that_does_not_trade(hours: MarketHours, moment: str, closes: str) -> None:
    assert hours.is_open(at(moment))
    assert rfc3339(hours.next_close(at(moment))) == closes
    assert not hours.is_open(hours.next_close(at(moment)))
