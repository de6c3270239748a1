"""Whatever is written, a kept answer is byte for byte what a fresh one would be."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from random import Random
from typing import Any

import asyncpg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.signals.model import Decision, FilterName
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from api_bench import NOW, decided
from desk_traffic import DOCUMENTS, WRITES, Traffic, ask
from doors import door, emptied, fresh, heard


def uncertain(*databases: Database) -> Callable[[], None]:
    """As if so much time had passed that nobody knows any more whether all commits were heard of."""

    def forget() -> None:
        for database in databases:
            if hasattr(database.freshness, "_certain_until"):
                database.freshness._certain_until = 0.0

    return forget


@pytest.fixture
async def databases(database_url: str) -> AsyncIterator[list[Database]]:
    """The database as one process sees it, and on PostgreSQL as another does, too."""
    async with AsyncExitStack() as stack:
        opened = []
        for _ in range(2 if database_url.startswith("postgresql") else 1):
            one = await Database.open(database_url)
            stack.push_async_callback(one.close)
            opened.append(one)
        for one in opened:
            await heard(one)
        yield opened


@settings(max_examples=2, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(writes=st.permutations(WRITES), dice=st.randoms(use_true_random=False))
async def test_after_any_write_through_any_process_every_kept_answer_is_a_fresh_one(
    databases: list[Database], writes: list[str], dice: Random
) -> None:
    await emptied(databases[0])
    traffic = Traffic([door(one) for one in databases], fresh(databases[0]), dice)
    for kind in ("new_entries", "new_signals"):  # so that there is something to change
        await traffic.write(kind)
    await traffic.check(before=uncertain(*databases))
    for kind in writes:
        await traffic.write(kind)
        await traffic.check(before=uncertain(*databases))
    await traffic.check_never_kept()


async def test_most_of_what_is_held_against_fresh_answers_is_kept(databases: list[Database]) -> None:
    traffic = Traffic([door(one) for one in databases], fresh(databases[0]), Random(1))
    for _ in range(3):
        await traffic.check(before=uncertain(*databases))
        await traffic.write("changed_entry")
    assert traffic.hits > traffic.checks / 4
    for _ in range(2):
        await traffic.check(DOCUMENTS, before=uncertain(*databases))


@pytest.mark.parametrize("kind", WRITES)
async def test_a_write_that_told_nobody_would_be_found_out(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = await Database.open(f"sqlite:///{tmp_path / 'desk.db'}")
    traffic = Traffic([door(database)], fresh(database), Random(2))
    for known in ("_new_entries", "_new_signals"):
        await getattr(traffic, known)()
    await traffic.check()
    monkeypatch.setattr(database.commits, "happened", lambda *_: None)
    await getattr(traffic, f"_{kind}")()
    with pytest.raises(AssertionError):
        await traffic.check()
    await database.close()


async def test_what_the_desk_stores_by_itself_is_seen_at_once(databases: list[Database]) -> None:
    traffic = Traffic([door(one) for one in databases], fresh(databases[0]), Random(3))
    for number, reason in enumerate([None, FilterName.STRENGTH]):
        await traffic.check()
        for database in databases:
            moment = int(NOW) // 300 * 300 - 300 * (2 * number + 1 + (database is databases[0]))
            async with database.write("trading_signals", "rejections") as connection:
                await _store(connection, decided(candle_time=moment, reason=reason))
            await traffic.check(before=uncertain(*databases))


async def _store(connection: AsyncConnection, found: Decision) -> None:
    if not found.is_signal:
        await RejectionRepository(connection).add(found, source="sandbox", simulated=True)
        return
    await SignalRepository(connection).add(
        found, symbol="GBP/USD", source="sandbox", simulated=True, expires_at=found.candle_time + 14_700
    )


@pytest.mark.parametrize("question", ["/api/signals/today", "/api/signals/statistics?days=1"])
async def test_a_kept_answer_ends_with_its_clock(databases: list[Database], question: str) -> None:
    app = door(databases[0])
    clock = app.app.state.services.clock  # type: ignore[attr-defined]  # the interface behind the shortcut
    async with databases[0].write("trading_signals") as connection:
        await _store(connection, decided())
    uncertain(databases[0])()
    assert await databases[0].freshness.ascertain()  # its own announcement is heard by now
    first = [await ask(app, "GET", question) for _ in range(2)]
    clock.moment += 2 * 86_400
    later = [await ask(app, "GET", question) for _ in range(2)]
    assert [said.headers["x-cache"] for said in (*first, *later)] == ["miss", "hit", "miss", "hit"]
    assert first[0].body == first[1].body != later[0].body == later[1].body


async def test_a_foreign_hand_in_postgresql_is_noticed(postgres_database: str) -> None:
    database = await Database.open(postgres_database)
    traffic = Traffic([door(database)], fresh(database), Random(4))
    await traffic._new_entries()
    await traffic.check(before=uncertain(database))
    hand = await asyncpg.connect(postgres_database)
    await hand.execute("UPDATE journal_entries SET profit_loss = 1234")
    await hand.close()
    await traffic.check(before=uncertain(database))
    said = await ask(traffic.doors[0], "GET", "/api/journal/statistics")
    assert b"3702" in said.body
    await database.close()


async def test_without_announcements_nothing_is_served_from_memory(postgres_database: str) -> None:
    database = await Database.open(postgres_database)
    await heard(database)
    app = door(database)
    assert [(await ask(app, "GET", "/api/stats")).headers["x-cache"] for _ in range(2)] == ["miss", "hit"]
    announcing: Any = database.freshness
    announcing._connection.terminate()
    lost = announcing._connection
    async with asyncio.timeout(10):
        while announcing._connection is lost:  # noqa: ASYNC110 - nobody tells that it has noticed
            await asyncio.sleep(0)
    assert (await ask(app, "GET", "/api/stats")).headers["x-cache"] == "bypass"
    await database.close()
