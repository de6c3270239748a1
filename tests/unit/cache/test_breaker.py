"""What stands between a Redis and those who can do without it."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from redis.exceptions import ResponseError
from structlog.testing import capture_logs

from alphaforge.cache import breaker
from alphaforge.cache.breaker import REST, Breaker


class Hand:
    now = 100.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def hand(monkeypatch: pytest.MonkeyPatch) -> Hand:
    hand = Hand()
    monkeypatch.setattr(breaker, "time", hand)
    return hand


def raising(error: Exception) -> Callable[[], Awaitable[str]]:
    async def question() -> str:
        raise error

    return question


async def answering() -> str:
    return "said"


async def test_an_answer_passes() -> None:
    between = Breaker("redis://127.0.0.1:1", "Nothing else is done.")
    assert await between.ask(answering) == "said"
    assert between.failures == 0


@pytest.mark.parametrize("error", [ConnectionRefusedError(), ResponseError(), TimeoutError()])
async def test_after_a_failure_nothing_is_asked_until_the_rest_is_over(hand: Hand, error: Exception) -> None:
    between, asked = Breaker("redis://127.0.0.1:1", "Nothing else is done."), 0

    def counted() -> Awaitable[str]:
        nonlocal asked
        asked += 1
        return answering()

    assert await between.ask(raising(error)) is None
    hand.now += REST - 0.01
    assert await between.ask(counted) is None
    assert (asked, between.failures) == (0, 1)
    hand.now += 0.01
    assert await between.ask(counted) == "said"
    assert (asked, between.failures) == (1, 1)


async def test_many_who_fail_together_say_it_once(hand: Hand) -> None:
    between, door = Breaker("redis://127.0.0.1:1", "Nothing else is done.", patience=60), asyncio.Event()

    async def question() -> str:
        await door.wait()
        raise ConnectionResetError

    with capture_logs() as lines:
        waiting = [asyncio.ensure_future(between.ask(question)) for _ in range(20)]
        await asyncio.sleep(0)
        door.set()
        assert await asyncio.gather(*waiting) == [None] * 20
    assert between.failures == 20
    assert [line["advice"] for line in lines] == ["Nothing else is done."]


async def test_what_is_no_failure_of_redis_is_not_swallowed() -> None:
    between = Breaker("redis://127.0.0.1:1", "Nothing else is done.")
    with pytest.raises(ZeroDivisionError):
        await between.ask(raising(ZeroDivisionError()))
    assert between.failures == 0
