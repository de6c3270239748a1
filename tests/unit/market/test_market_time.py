import httpx2
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.clock import MarketClock
from alphaforge.market.oanda.market_time import Timekeeper

NOW = 1_719_792_000.0


class StillClock(MarketClock):
    """A market clock whose time passes only when told."""

    def now(self) -> float:
        return self._market


def keeper(time: float, *, observed: bool = True, speed: float = 1.0) -> Timekeeper:
    clock = StillClock(speed=speed, _market=time)
    clock.observed = observed
    return Timekeeper(clock, sandboxed=False)


def test_a_clock_that_is_ahead_of_any_moment_of_the_answer_is_set_back() -> None:
    given = keeper(NOW + 3600)
    given.tell(NOW, elapsed=0.1)
    assert given.clock.now() == NOW


def test_a_clock_that_is_behind_is_set_forward() -> None:
    given = keeper(NOW - 0.5)
    given.tell(NOW, elapsed=0.1)
    assert given.clock.now() == NOW


def test_a_slow_answer_does_not_set_a_right_clock_back() -> None:
    given = keeper(NOW + 7.0)
    given.tell(NOW, elapsed=8.0)
    assert given.clock.now() == NOW + 7.0


def test_in_a_replay_the_market_moves_on_quicker_while_an_answer_is_under_way() -> None:
    given = keeper(NOW + 20.0, speed=300.0)
    given.tell(NOW, elapsed=0.1, speed=300.0)
    assert given.clock.now() == NOW + 20.0


def test_a_new_speed_is_taken_even_where_the_time_is_right() -> None:
    given = keeper(NOW)
    given.tell(NOW, elapsed=0.1, speed=60.0)
    assert given.clock.speed == 60.0


@settings(deadline=None, max_examples=60)
@given(st.floats(-1e6, 1e6), st.floats(0, 100), st.sampled_from([1.0, 60.0]))
def test_afterwards_the_clock_shows_a_moment_of_the_answer(ahead: float, elapsed: float, speed: float) -> None:
    given = keeper(NOW + ahead, speed=speed)
    given.tell(NOW, elapsed, speed=speed)
    assert 0 <= given.clock.now() - NOW <= elapsed * speed
    assert given.clock.observed


DATE = {"Date": "Mon, 01 Jul 2024 00:00:00 GMT"}


def test_until_prices_came_the_date_of_any_answer_will_do() -> None:
    given = keeper(NOW - 90_000, observed=False)
    given.headers(httpx2.Headers(DATE), 0.1)
    assert given.clock.now() == NOW
    assert given.clock.observed


def test_a_date_in_whole_seconds_leaves_a_clock_alone_that_may_be_right() -> None:
    given = keeper(NOW + 0.9, observed=False)
    given.headers(httpx2.Headers(DATE), 0.1)
    assert given.clock.now() == NOW + 0.9
    assert given.clock.observed


def test_a_clock_that_was_set_does_not_go_by_dates() -> None:
    given = keeper(NOW - 90_000)
    given.headers(httpx2.Headers(DATE), 0.1)
    assert given.clock.now() == NOW - 90_000


def test_a_sandboxs_time_goes_before_the_date() -> None:
    given = keeper(NOW, observed=False)
    given.headers(httpx2.Headers({**DATE, "Sandbox-Time": "1500000000.25"}), 0.1)
    assert given.clock.now() == 1_500_000_000.25
    assert given.sandboxed


def test_a_sandbox_that_stands_still_is_followed() -> None:
    given = keeper(NOW, observed=False)
    given.headers(httpx2.Headers({"Sandbox-Time": "1500000000.25", "Sandbox-Speed": "0"}), 0.1)
    assert given.clock.now() == 1_500_000_000.25
    assert 0 < given.clock.speed < 1e-6


@pytest.mark.parametrize(
    "headers",
    [
        {"Date": "someday"},
        {"Sandbox-Time": "now"},
        {"Sandbox-Time": "nan"},
        {"Sandbox-Time": "5", "Sandbox-Speed": "-1"},
    ],
)
def test_headers_that_say_nothing_leave_the_clock_alone(headers: dict[str, str]) -> None:
    given = keeper(NOW, observed=False)
    given.headers(httpx2.Headers(headers), 0.1)
    assert given.clock.now() == NOW
    assert not given.clock.observed
