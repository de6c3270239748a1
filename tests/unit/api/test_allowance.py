"""How much a client may ask within a minute."""

from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.types import ASGIApp, Receive, Scope, Send

from alphaforge.api.middleware.allowance import Allowance, Allowances, RateLimit, caller
from alphaforge.cache.windows import Counts, window_of

NOON = 29_000_000 * 60.0
"""The beginning of a window."""

STEPS = st.lists(st.floats(0, 40, allow_nan=False) | st.just(0.0), min_size=1, max_size=120)
LIMITS = st.integers(1, 12)


@dataclass
class Hand:
    """A clock that a test turns."""

    now: float = NOON

    def __call__(self) -> float:
        return self.now


@given(STEPS, LIMITS)
def test_nobody_gets_more_than_the_limit_but_for_the_error_of_the_estimate(steps: list[float], limit: int) -> None:
    clock, taken = Hand(), []
    allowance = Allowance(limit, clock)
    for step in steps:
        clock.now += step
        if allowance.spend("a") is not None:
            taken.append(clock.now)
    for one in taken:
        inside = [other for other in taken if one <= other < one + 60]
        assert sum(1 for other in inside if window_of(other)[0] == window_of(one)[0]) <= limit
        assert len(inside) <= 2 * limit


@given(STEPS, LIMITS)
def test_what_is_said_to_be_left_is_left_and_waiting_as_told_suffices(steps: list[float], limit: int) -> None:
    clock = Hand()
    allowance = Allowance(limit, clock)
    for step in steps:
        clock.now += step
        left = allowance.spend("a")
        if left is None:
            counts = allowance.counts("a")
            wait = counts.wait(limit)
            assert 1 <= wait <= 121
            assert allowance.spend("a") is None
            assert allowance.counts("a") == counts, "a refused request takes nothing"
            clock.now += wait
            assert allowance.spend("a") is not None, f"not after {wait} s with {counts}"
        else:
            assert 0 <= left < limit


@given(STEPS, LIMITS)
def test_the_shared_arithmetic_is_the_own_one(steps: list[float], limit: int) -> None:
    clock = Hand()
    allowance = Allowance(limit, clock)
    for step in steps:
        clock.now += step
        allowance.spend("b")
        before = allowance.counts("a")
        assert allowance.spend("a") == before.left(limit)


def test_waiting_is_not_longer_than_it_must_be() -> None:
    clock = Hand()
    allowance = Allowance(60, clock)
    assert all(allowance.spend("a") is not None for _ in range(60))
    assert allowance.spend("a") is None
    assert allowance.counts("a").wait(60) == 62, "a sixtieth of the next minute must have gone"
    clock.now += 61.5
    assert allowance.spend("a") == 0
    assert allowance.spend("a") is None
    assert allowance.counts("a").wait(60) == 1


def test_a_minute_at_rest_gives_everything_back() -> None:
    clock = Hand()
    allowance = Allowance(3, clock)
    assert [allowance.spend("a") for _ in range(4)] == [2, 1, 0, None]
    clock.now += 120
    assert [allowance.spend("a") for _ in range(4)] == [2, 1, 0, None]


def test_clients_have_each_their_own_and_nought_is_no_limit() -> None:
    allowance = Allowance(1, Hand())
    assert [allowance.spend(name) for name in "abab"] == [0, 0, None, None]
    assert all(Allowance(0).spend("a") is not None for _ in range(1_000))


def test_of_too_many_clients_the_first_is_forgotten_and_nobody_else() -> None:
    allowance = Allowance(1, Hand(), most_clients=3)
    assert [allowance.spend(name) for name in "abcd"] == [0, 0, 0, 0]
    assert [allowance.spend(name) for name in "bcd"] == [None, None, None]
    for number in range(100):
        allowance.spend(str(number))
    assert len(allowance._counts) == 3


@pytest.mark.parametrize(
    ("client", "name"),
    [
        (None, ""),
        (("10.0.0.1", 1), "10.0.0.1"),
        (("::1", 1), "0"),
        (("2001:db8:1:2:3::4", 1), "20010db800010002"),
        (("2001:db8:1:2::", 9), "20010db800010002"),
        (("fe80::1%eth0", 1), "fe80000000000000"),
        (("::ffff:10.0.0.1", 1), "10.0.0.1"),
    ],
)
def test_whoever_has_an_address_of_six_has_its_network(client: tuple[str, int] | None, name: str) -> None:
    assert caller(client) == name


@dataclass
class Elsewhere:
    """The counts of all processes, as a test says they are."""

    counts: Counts | None = None
    asked: list[tuple[str, int]] = field(default_factory=list)

    async def spend(self, client: str, limit: int) -> Counts | None:
        self.asked.append((client, limit))
        return self.counts


async def answered(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"{}"})


async def ask(app: ASGIApp, method: str = "GET", path: str = "/x", **kwargs: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app, client=("10.0.0.9", 5))
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:5000") as client:
        return await client.request(method, path, **kwargs)


def limited(per_minute: int, elsewhere: Elsewhere | None = None, clock: Hand | None = None) -> tuple[Any, Allowances]:
    allowances = Allowances(per_minute, elsewhere)
    allowances.reads._clock = allowances.writes._clock = clock or Hand(NOON + 15)
    return RateLimit(answered, allowances=allowances), allowances


async def test_every_answer_says_what_is_left_and_a_refusal_when_to_come_back() -> None:
    app, _ = limited(2)
    first, second, third = [await ask(app, "POST") for _ in range(3)]
    assert first.headers["ratelimit"] == "limit=2, remaining=1, reset=45"
    assert second.headers["ratelimit"] == "limit=2, remaining=0, reset=45"
    assert (third.status_code, third.headers["retry-after"]) == (429, "76")
    assert third.headers["ratelimit"] == "limit=2, remaining=0, reset=76"
    assert third.headers["content-type"] == "application/problem+json"
    assert "76 s" in third.json()["advice"]


async def test_reads_are_counted_apart_and_are_twenty_times_as_many() -> None:
    app, _ = limited(1)
    assert (await ask(app, "DELETE")).status_code == 200
    assert [(await ask(app, method)).status_code for method in ("POST", "PUT")] == [429, 429]
    assert [(await ask(app)).status_code for _ in range(20)] == [200] * 20
    assert [(await ask(app, method)).status_code for method in ("GET", "HEAD")] == [429, 429]


async def test_liveness_is_never_counted() -> None:
    app, _ = limited(1)
    answers = [await ask(app, path="/health/live") for _ in range(50)]
    assert {answer.status_code for answer in answers} == {200}
    assert "ratelimit" not in answers[0].headers
    assert (await ask(app)).headers["ratelimit"] == "limit=20, remaining=19, reset=45"


async def test_a_claimed_address_changes_nothing() -> None:
    app, _ = limited(1)
    answers = [await ask(app, "POST", headers={"X-Forwarded-For": f"1.2.3.{one}"}) for one in range(2)]
    assert [answer.status_code for answer in answers] == [200, 429]


async def test_the_quick_way_and_the_slow_one_spend_from_the_same() -> None:
    app, allowances = limited(1)
    for left in range(19, 1, -2):
        assert allowances.spend_read(("10.0.0.9", 77), NOON + 15) == (
            (b"ratelimit", b"limit=20, remaining=%d, reset=45" % left),
        )
        assert (await ask(app)).headers["ratelimit"] == f"limit=20, remaining={left - 1}, reset=45"
    assert allowances.spend_read(("10.0.0.9", 77), NOON + 15) is not None
    assert (await ask(app)).status_code == 200
    assert allowances.spend_read(("10.0.0.9", 77), NOON + 15) is None
    assert (await ask(app)).status_code == 429


async def test_writes_are_counted_together_with_other_processes_and_reads_are_not() -> None:
    elsewhere = Elsewhere(Counts(3, 0, 0.25))
    app, _ = limited(5, elsewhere)
    assert (await ask(app, "POST")).headers["ratelimit"] == "limit=5, remaining=1, reset=45"
    await ask(app)
    assert elsewhere.asked == [("10.0.0.9", 5)]


async def test_what_others_refuse_is_refused_and_takes_nothing_here() -> None:
    elsewhere = Elsewhere(Counts(5, 0, 0.25))
    app, allowances = limited(5, elsewhere)
    refused = await ask(app, "POST")
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "58")
    assert allowances.writes.counts("10.0.0.9").current == 0


async def test_where_nobody_can_say_the_own_count_decides() -> None:
    app, _ = limited(2, Elsewhere(None))
    assert [(await ask(app, "POST")).status_code for _ in range(3)] == [200, 200, 429]


async def test_what_this_process_refuses_costs_no_journey() -> None:
    elsewhere = Elsewhere(Counts(0, 0, 0.5))
    app, _ = limited(1, elsewhere)
    await ask(app, "POST")
    await ask(app, "POST")
    assert len(elsewhere.asked) == 1
