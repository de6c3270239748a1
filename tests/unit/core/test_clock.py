import time_machine

from alphaforge.core.clock import MarketClock, SystemClock, lag
from market_builders import HandClock

NOON = 1_736_164_800.0


def test_a_lag_is_in_real_seconds_and_never_below_zero() -> None:
    clock = HandClock(NOON, 60.0)
    assert lag(clock, NOON - 300) == 5.0
    assert lag(clock, NOON) == 0.0
    assert lag(clock, NOON + 300) == 0.0, "a moment that is still to come"


@time_machine.travel(NOON, tick=False)
def test_until_an_answer_came_the_market_goes_by_the_machine() -> None:
    clock = MarketClock()
    assert not clock.observed
    assert abs(clock.now() - NOON) < 1.0
    assert SystemClock().now() == NOON
    assert SystemClock().speed == 1.0


def test_an_answer_sets_the_market_whatever_the_machine_says() -> None:
    clock = MarketClock(_market=0.0, _monotonic=0.0)
    clock.observe(NOON, 1e-9)
    assert clock.observed
    assert abs(clock.now() - NOON) < 1e-3


def test_the_market_goes_on_at_its_speed() -> None:
    clock = MarketClock()
    clock.observe(NOON, 1e6)
    earlier = clock.now()
    later = clock.now()
    assert later >= earlier >= NOON
    clock._monotonic -= 2.0  # as if two seconds had passed
    assert clock.now() - later >= 2e6


@time_machine.travel(NOON + 90, tick=False)
def test_skew_says_how_far_the_machine_is_ahead() -> None:
    clock = MarketClock()
    clock.observe(NOON, 1e-9)
    assert abs(clock.skew - 90) < 1e-3
