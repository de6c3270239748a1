"""Hearing PostgreSQL's announcements, and no longer hearing them."""

import asyncio
from contextlib import suppress

import pytest

from alphaforge.core.errors import DatabaseBusy
from alphaforge.storage.commits import Commits
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.storage.listening import CERTAIN_SECONDS, Announcements


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


class Line:
    """A connection to PostgreSQL whose questions are answered when the test lets them be."""

    def __init__(self) -> None:
        self.asked = 0
        self.answers = asyncio.Event()

    def add_termination_listener(self, _: object) -> None:
        pass

    async def add_listener(self, *_: object) -> None:
        pass

    async def execute(self, statement: str) -> None:
        if statement == "SELECT 1":
            self.asked += 1
            await self.answers.wait()

    def terminate(self) -> None:
        pass


async def test_who_goes_on_asking_waits_for_no_question_while_they_are_answered_in_time() -> None:
    line, now = Line(), 100.0

    async def connected() -> Line:
        return line

    heard = Announcements(connected, Commits(), lambda: now)
    listening = asyncio.create_task(heard.run())
    line.answers.set()
    while not await heard.ascertain():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0)
    line.answers.clear()
    asked = line.asked
    now += 0.4 * CERTAIN_SECONDS
    assert heard.is_certain()
    await asyncio.sleep(0)
    assert line.asked == asked, "too early for another question"
    now += 0.2 * CERTAIN_SECONDS
    assert heard.is_certain()
    assert heard.is_certain()
    await asyncio.sleep(0)
    assert line.asked == asked + 1, "one is under way, and nobody waits for it"
    line.answers.set()
    await heard.ascertain()
    now += 0.5 * CERTAIN_SECONDS
    assert heard.is_certain(), "it counts from when it was asked"
    now += 0.6 * CERTAIN_SECONDS
    assert not heard.is_certain(), "whoever comes later asks and waits"
    listening.cancel()
    with suppress(asyncio.CancelledError):
        await listening


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
