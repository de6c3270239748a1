"""Answers kept in Redis for several processes: found there, never needed, never believed when outdated."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import pytest

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.cache.generations import Generations
from alphaforge.cache.redis import RedisAnswers
from alphaforge.storage.engine import Database
from desk_traffic import Traffic, ask
from doors import door, fresh
from redis_servers import Server


def second_level(url: str, prefix: str = "test") -> RedisAnswers[KeptAnswer]:
    return RedisAnswers(url, prefix, 60.0, KeptAnswer.packed, KeptAnswer.unpacked)


@pytest.fixture
async def database(tmp_path: Any) -> AsyncIterator[Database]:
    opened = await Database.open(f"sqlite:///{tmp_path / 'desk.db'}")
    yield opened
    await opened.close()


async def test_what_was_kept_is_found_under_its_version_only(redis: Server) -> None:
    level, generations = second_level(redis.url), Generations()
    scope = generations.scope(["signals"])
    stamp, answer = scope.stamp, KeptAnswer(b"body", ((b"content-type", b"text/plain"),))
    assert await level.get("key", stamp) is None
    await level.put("key", stamp, answer)
    found = await level.get("key", stamp)
    assert found is not None
    assert (found.body, found.headers) == (answer.body, answer.headers)
    generations.changed(["signals"])
    assert await level.get("key", scope.stamp) is None
    assert await level.get("other", stamp) is None
    other = second_level(redis.url, "another desk")
    assert await other.get("key", stamp) is None
    await other.aclose()
    await level.aclose()


async def test_what_is_not_ours_is_a_miss(redis: Server) -> None:
    level = second_level(redis.url)
    await level._redis.set(level._name("key", ("a",)), b"\xff not ours")
    assert await level.get("key", ("a",)) is None
    assert level.failures == 1
    await level.aclose()


async def test_whatever_happens_to_redis_every_answer_is_the_truth(redis: Server, database: Database) -> None:
    level = second_level(redis.url)
    traffic = Traffic([door(database, level)], fresh(database), Random(5))

    async def some() -> None:
        level.breaker._rests_until = 0.0  # as if the pause after a failure were over
        await traffic.write()
        await traffic.check(("/api/journal/statistics", "/api/signals", "/api/journal/entries?limit=2"))

    await some()
    with redis.stopped():
        await some()
    await some()
    redis.kill()
    await some()
    redis.start()
    await some()
    await level._redis.flushall()
    await some()
    assert level.failures >= 2
    await level.aclose()


async def test_two_hundred_who_meet_an_expired_answer_cost_one_load(redis: Server, database: Database) -> None:
    level = second_level(redis.url)
    app = door(database, level)
    await ask(app, "GET", "/api/journal/statistics")
    database.commits.happened(("journal_entries",))
    loads = 0
    reading = database.read

    def counted() -> Any:
        nonlocal loads
        loads += 1
        return reading()

    database.read = counted  # type: ignore[method-assign]
    said = await asyncio.gather(*(ask(app, "GET", "/api/journal/statistics") for _ in range(200)))
    assert {one.status for one in said} == {200}
    assert len({one.body for one in said}) == 1
    assert loads == 1
    await level.aclose()
