from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.market_hours import FOREX_HOURS, METAL_HOURS, MarketHours
from alphaforge.market.freshness import STALE_AFTER, freshness
from alphaforge.market.source import Quote
from market_builders import MONDAY, HandClock

WEEK = 7 * 86_400
moments = st.floats(MONDAY, MONDAY + 52 * WEEK)
ages = st.floats(-60, WEEK)
speeds = st.sampled_from([1.0, 60.0, 600.0])
all_hours = st.sampled_from([FOREX_HOURS, METAL_HOURS])


def quote(time: float) -> Quote:
    return Quote("GBP_USD", time, 1.264, 1.2641, None, None, tradeable=True)


@given(moments, ages, speeds, all_hours)
def test_a_price_is_stale_exactly_where_it_is_older_than_fifteen_seconds_and_its_market_is_open(
    now: float, age: float, speed: float, hours: MarketHours
) -> None:
    found = freshness(quote(now - age * speed), HandClock(now, speed), hours)
    assert found.stale == (found.age > STALE_AFTER and hours.is_open(now))
    assert abs(found.age - max(0.0, age)) < 1e-3, "in real seconds, and never below zero"


@given(moments, ages, st.floats(0, WEEK), all_hours)
def test_what_is_stale_does_not_become_fresh_by_getting_older(
    now: float, age: float, more: float, hours: MarketHours
) -> None:
    clock = HandClock(now)
    younger, older = freshness(quote(now - age), clock, hours), freshness(quote(now - age - more), clock, hours)
    assert older.age >= younger.age
    assert older.stale >= younger.stale


def test_the_fifteenth_second_is_not_yet_too_late() -> None:
    assert STALE_AFTER == 15
    clock, tuesday = HandClock(MONDAY + 86_400 + 36_000.0), MONDAY + 86_400 + 36_000
    assert not freshness(quote(tuesday - 15), clock, FOREX_HOURS).stale
    assert freshness(quote(tuesday - 15.01), clock, FOREX_HOURS).stale


def test_over_the_weekend_the_last_price_is_two_days_old_and_not_stale() -> None:
    saturday = MONDAY + 5 * 86_400 + 36_000.0
    found = freshness(quote(saturday - 50_000), HandClock(saturday), FOREX_HOURS)
    assert (found.age, found.stale) == (50_000, False)
