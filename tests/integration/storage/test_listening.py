"""Hearing PostgreSQL's announcements, and no longer hearing them."""

import asyncio

import pytest

from alphaforge.core.errors import DatabaseBusy
from alphaforge.storage.engine import Database, PoolSettings


async def test_a_database_closes_at_whatever_moment_its_announcements_are(postgres_database: str) -> None:
    for turns in range(40):
        database = await Database.open(postgres_database)
        for _ in range(turns):  # connecting, listening, introducing itself: each of it may be under way
            await asyncio.sleep(0)
        async with asyncio.timeout(10):
            await database.close()


async def test_everybody_hears_of_a_commit_by_its_noun(postgres_database: str) -> None:
    one, other = [await Database.open(postgres_database) for _ in range(2)]
    heard: asyncio.Queue[tuple[str, ...]] = asyncio.Queue()
    other.commits.follow(lambda nouns, _: heard.put_nowait(tuple(nouns)))
    async with asyncio.timeout(10):
        while not await other.freshness.ascertain():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        async with one.write("app_settings") as connection:
            await connection.exec_driver_sql("INSERT INTO app_settings VALUES ('key', 'value', 0)")
        while await heard.get() != ("app_settings",):
            pass
    await one.close()
    await other.close()


async def test_a_pool_without_room_at_first_is_asked_again(postgres_database: str) -> None:
    database = await Database.open(postgres_database, PoolSettings(size=1, max_overflow=0, timeout=0.05))
    async with database.read():
        with pytest.raises(DatabaseBusy):  # the listener gave up, too
            async with database.read():
                pass
    async with asyncio.timeout(10):
        while not await database.freshness.ascertain():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    await database.close()
