from random import Random

import pytest

from alphaforge.market.oanda.breaker import BreakerSettings, CircuitBreaker, CircuitOpen, CircuitState

SETTINGS = BreakerSettings(threshold=3, pause=5.0, longest_pause=15.0, jitter=0.0)


class FakeTime:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def time() -> FakeTime:
    return FakeTime()


@pytest.fixture
def breaker(time: FakeTime) -> CircuitBreaker:
    return CircuitBreaker(SETTINGS, now=time)


def fail(breaker: CircuitBreaker, times: int) -> None:
    for _ in range(times):
        breaker.admit()
        breaker.failed("OANDA answered 503")


def test_it_opens_after_failures_in_a_row(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    assert breaker.state is CircuitState.CLOSED
    fail(breaker, 1)
    assert breaker.state is CircuitState.OPEN


def test_a_success_between_failures_starts_the_count_anew(breaker: CircuitBreaker) -> None:
    fail(breaker, 2)
    breaker.succeeded()
    fail(breaker, 2)
    assert breaker.state is CircuitState.CLOSED


def test_an_open_circuit_says_why_and_when_it_will_ask_again(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    time.now = 2.0
    with pytest.raises(CircuitOpen, match=r"OANDA answered 503; it will be asked again in 3 s") as refusal:
        breaker.admit()
    assert refusal.value.retry_in == 3.0


def test_after_the_pause_one_probe_passes_and_no_other(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    time.now = 5.0
    assert breaker.state is CircuitState.HALF_OPEN
    breaker.admit()
    with pytest.raises(CircuitOpen, match="being asked"):
        breaker.admit()


def test_a_probe_that_succeeds_closes_it(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    time.now = 5.0
    breaker.admit()
    breaker.succeeded()
    assert breaker.state is CircuitState.CLOSED
    breaker.admit()
    breaker.admit()


def test_each_failed_probe_doubles_the_pause_up_to_the_longest(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    pauses = []
    for _ in range(4):
        pauses.append(breaker.retry_in)
        time.now += breaker.retry_in
        breaker.admit()
        breaker.failed("still down")
    assert pauses == [5.0, 10.0, 15.0, 15.0]


def test_after_a_recovery_the_pause_is_short_again(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    time.now += 5.0
    fail(breaker, 1)
    time.now += 10.0
    breaker.admit()
    breaker.succeeded()
    fail(breaker, 3)
    assert breaker.retry_in == 5.0


def test_failures_of_requests_that_were_under_way_do_not_prolong_the_pause(
    breaker: CircuitBreaker, time: FakeTime
) -> None:
    fail(breaker, 3)
    time.now = 4.0
    breaker.failed("one that was sent before")
    assert breaker.retry_in == 1.0


def test_a_probe_nobody_waits_for_lets_the_next_one_pass(breaker: CircuitBreaker, time: FakeTime) -> None:
    fail(breaker, 3)
    time.now = 5.0
    breaker.admit()
    breaker.abandoned()
    breaker.admit()


def test_pauses_are_spread_by_the_jitter(time: FakeTime) -> None:
    pauses = set()
    for seed in range(20):
        breaker = CircuitBreaker(BreakerSettings(3, 10.0, 60.0, 0.1), now=time, random=Random(seed))
        fail(breaker, 3)
        pauses.add(breaker.retry_in)
    assert len(pauses) == 20
    assert all(9.0 <= pause <= 11.0 for pause in pauses)
