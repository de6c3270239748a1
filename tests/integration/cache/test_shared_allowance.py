"""What clients write, counted in a real Redis for several processes; and what happens without it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator

import pytest
from redis.asyncio import Redis

from alphaforge.api.middleware.allowance import Allowances
from alphaforge.cache.allowance import SharedAllowance
from alphaforge.cache.windows import Counts
from servers import free_port, valkey_server

NOON = 29_000_000 * 60.0


class Hand:
    now = NOON + 15

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator[Redis]:
    async with Redis.from_url(valkey_url, protocol=2) as client:
        await client.flushall()
        yield client


@pytest.fixture
async def two(valkey_url: str, redis: Redis) -> AsyncIterator[tuple[SharedAllowance, SharedAllowance, Hand]]:
    """Two processes' views of the same counts."""
    clock = Hand()
    views = [SharedAllowance(valkey_url, "desk", clock, patience=5.0) for _ in range(2)]
    yield views[0], views[1], clock
    for view in views:
        await view.aclose()


async def test_two_processes_spend_from_one_allowance(two: tuple[SharedAllowance, SharedAllowance, Hand]) -> None:
    one, other, _ = two
    seen = [await view.spend("a", 3) for view in (one, other, one, other, one)]
    assert [counts and counts.current for counts in seen] == [0, 1, 2, 3, 3], "a refused request takes nothing"
    assert [counts.left(3) for counts in seen if counts] == [2, 1, 0, None, None]
    assert await other.spend("b", 3) == Counts(0, 0, 0.25)


async def test_many_at_once_get_exactly_the_limit(two: tuple[SharedAllowance, SharedAllowance, Hand]) -> None:
    async with asyncio.timeout(10):
        seen = await asyncio.gather(*(view.spend("a", 30) for view in two[:2] for _ in range(50)))
    assert sum(1 for counts in seen if counts and counts.left(30) is not None) == 30


async def test_the_minute_before_weighs_as_far_as_it_still_matters(
    two: tuple[SharedAllowance, SharedAllowance, Hand], redis: Redis
) -> None:
    one, other, clock = two
    for _ in range(4):
        await one.spend("a", 4)
    clock.now += 60
    assert await other.spend("a", 4) == Counts(0, 4, 0.25)
    refused = await one.spend("a", 4)
    assert refused == Counts(1, 4, 0.25)
    assert refused.left(4) is None
    clock.now += 120
    assert await other.spend("a", 4) == Counts(0, 0, 0.25)


async def test_nothing_stays_in_redis(two: tuple[SharedAllowance, SharedAllowance, Hand], redis: Redis) -> None:
    await two[0].spend("a", 4)
    names = await redis.keys("*")
    assert len(names) == 1
    assert 0 < await redis.pttl(names[0]) <= 120_000


async def test_a_redis_that_is_not_there_is_asked_once_and_the_own_count_decides() -> None:
    view = SharedAllowance(f"redis://127.0.0.1:{free_port()}/0", "desk")
    allowances = Allowances(2, view)
    allowances.writes._clock = Hand()
    left = [(await allowances.spend(allowances.writes, "a"))[0] for _ in range(3)]
    assert left == [1, 0, None]
    assert view.failures == 1
    await view.aclose()


async def test_a_redis_that_stops_answering_costs_one_patience_and_is_asked_again() -> None:
    with valkey_server() as url:
        view = SharedAllowance(url, "desk", Hand())
        assert await view.spend("a", 9) == Counts(0, 0, 0.25)
        async with Redis.from_url(url, protocol=2) as client:
            process = int((await client.info("server"))["process_id"])
        os.kill(process, signal.SIGSTOP)
        try:
            assert [await view.spend("a", 9) for _ in range(20)] == [None] * 20
            assert view.failures == 1
        finally:
            os.kill(process, signal.SIGCONT)
        view.breaker._rests_until = 0.0
        found = await view.spend("a", 9)
        assert found is not None
        assert found.current in (1, 2), "what was asked while it stood still may have been counted"
        await view.aclose()
