"""What the database's work takes: counted by who asks, with waits, failures and slow statements beside it."""

import asyncio
import sqlite3
import sys
from contextlib import closing
from typing import Any

import pytest
from pydantic import SecretStr
from sqlalchemy import bindparam, literal, select, text
from structlog.testing import capture_logs

from alphaforge.bootstrap import open_database
from alphaforge.core.errors import DatabaseBusy, InvalidInput, NotFound, StorageError
from alphaforge.settings import Settings
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.storage.exclusive import Exclusive
from alphaforge.storage.exports import newest_id, signal_export
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.query_times import COMMIT, OTHER, QueryTimes
from alphaforge.storage.settings import SettingRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository

ENTRY = NewEntry(1_750_000_000.0, "GBPUSD", "BUY", 0.25, 1.25)
SECRET = "what nobody may read"


def counted(database: Database) -> dict[str, int]:
    return {method: spread.count for method, spread in database.figures.times.items()}


def anew(database: Database) -> QueryTimes:
    """Forget what opening it took."""
    database.figures = QueryTimes()
    return database.figures


async def test_statements_are_counted_by_the_method_that_asks(database: Database) -> None:
    anew(database)
    async with database.read() as connection:
        for _ in range(3):
            await SettingRepository(connection).get("kelly")
        await newest_id(connection, signal_export(SignalCriteria(), 10))
        await connection.execute(select(literal(1)))
    assert counted(database) == {"SettingRepository.get": 3, "exports.newest_id": 1, OTHER: 1}


async def test_who_asks_through_the_lists_is_who_wants_the_list(database: Database) -> None:
    anew(database)
    async with database.read() as connection:
        await SignalRepository(connection).count(SignalCriteria())
        await SignalRepository(connection).page(SignalCriteria(), limit=10)
    assert set(counted(database)) == {"SignalRepository.count", "SignalRepository.page"}


async def test_a_write_counts_its_commit_and_a_read_does_not(database: Database) -> None:
    figures = anew(database)
    async with database.write("journal_entries") as connection:
        await JournalRepository(connection).create(ENTRY)
    async with database.read() as connection:
        await connection.execute(select(literal(1)))
    assert counted(database)[COMMIT] == 1
    assert 0 < figures.times[COMMIT].total < 60


@pytest.mark.parametrize("way", ["execute", "scalar", "exec_driver_sql", "fetch", "run_sync"])
async def test_every_way_of_asking_is_counted_and_failures_with_it(database: Database, way: str) -> None:
    asked: dict[str, Any] = {"execute": text("SELECT 1"), "scalar": text("SELECT 1"), "fetch": ("SELECT 1", ())}
    asked |= {"exec_driver_sql": "SELECT 1", "run_sync": lambda plain: plain.exec_driver_sql("SELECT 1")}
    wrong: dict[str, Any] = {"execute": text("SELECT nothing"), "scalar": text("SELECT nothing")}
    wrong |= {"exec_driver_sql": "SELECT nothing", "fetch": ("SELECT nothing", ())}
    wrong |= {"run_sync": lambda plain: plain.exec_driver_sql("SELECT nothing")}
    anew(database)
    async with database.read() as connection:
        await getattr(connection, way)(asked[way])
    assert counted(database) == {OTHER: 1}
    with pytest.raises(Exception, match="nothing"):
        async with database.read() as connection:
            await getattr(connection, way)(wrong[way])
    assert counted(database) == {OTHER: 2}


async def test_code_that_is_made_while_the_program_runs_adds_no_name(database: Database) -> None:
    figures = anew(database)
    async with database.read() as connection:
        for number in range(20):
            made: dict[str, Any] = {"__name__": f"hostile{number}"}
            exec(f"async def ask{number}(c, s):\n    await c.execute(s)", made)  # noqa: S102 - what is to be shown
            await made[f"ask{number}"](connection, select(literal(1)))
    assert counted(database) == {OTHER: 20}
    assert figures._names == {}


@pytest.mark.parametrize(
    ("module", "qualname", "name"),
    [
        ("alphaforge.storage.signals", "SignalRepository.create", "SignalRepository.create"),
        ("alphaforge.storage.exports", "newest_id", "exports.newest_id"),
        ("alphaforge.tasks.pruning", "prune_jobs.<locals>.some", "pruning.prune_jobs.some"),
        ("alphaforge.api.status", "_Status.look.<locals>.<listcomp>", "_Status.look"),
        ("alphaforge.api.status", "look.<locals>.<lambda>", "status.look"),
    ],
)
def test_a_name_is_what_people_called_it(module: str, qualname: str, name: str) -> None:
    made: dict[str, Any] = {"__name__": module, "frame": sys._getframe}
    exec("def asking():\n    return frame()", made)  # noqa: S102 - a frame of any name
    made["asking"].__code__ = made["asking"].__code__.replace(co_qualname=qualname)
    assert QueryTimes().asker(made["asking"]()) == name


# connections


async def test_waits_are_counted_by_pool_and_giving_up_is_one(database_url: str) -> None:
    database = await Database.open(database_url, PoolSettings(size=1, max_overflow=0, timeout=0.05))
    while not await database.freshness.ascertain():  # noqa: ASYNC110 - its listener takes a connection first
        await asyncio.sleep(0.01)
    figures = anew(database)
    async with database.read():
        with pytest.raises(DatabaseBusy):
            async with database.read():
                pass
    async with database.write():
        pass
    waits = {pool: spread.count for pool, spread in figures.waits.items()}
    assert waits == ({"all": 3} if database.is_shared else {"reader": 2, "writer": 1})
    assert max(spread.largest for spread in figures.waits.values()) >= 0.05
    assert figures.errors == {"DatabaseBusy": 1}
    await database.close()


async def test_the_use_of_a_pool_is_what_is_at_work_and_what_is_open(database_url: str) -> None:
    database = await Database.open(database_url, PoolSettings(size=3, max_overflow=2))
    while not await database.freshness.ascertain():  # noqa: ASYNC110 - nobody tells
        await asyncio.sleep(0.01)
    use = database.connections
    reading = "all" if database.is_shared else "reader"
    assert {pool: one.most for pool, one in use().items()} == (
        {"all": 5} if database.is_shared else {"reader": 3, "writer": 1}
    )
    assert use()[reading].in_use == 0
    async with database.read(), database.read():
        assert use()[reading].in_use == 2
        assert use()[reading].open >= 2
    assert use()[reading].in_use == 0
    assert 2 <= use()[reading].open <= use()[reading].most
    await database.close()


# failures


async def test_a_failure_counts_once_and_only_the_databases_own(database: Database) -> None:
    figures = anew(database)
    with pytest.raises(NotFound):
        async with database.read():
            raise NotFound("the caller's own")
    with pytest.raises(StorageError):
        async with database.read():
            raise StorageError("told of another transaction, which counted it")
    with pytest.raises(Exception, match="nothing"):
        async with database.read() as connection:
            await connection.execute(text("SELECT nothing"))
    assert figures.errors == {OTHER: 1}


async def test_what_the_database_finds_wrong_with_a_value_counts_as_other(postgres_database: str) -> None:
    database = await Database.open(postgres_database)
    figures = anew(database)
    with pytest.raises(InvalidInput):
        async with database.write() as connection:
            await SettingRepository(connection).put("k" * 300, "1")
    assert figures.errors == {OTHER: 1}
    await database.close()


async def test_a_stranger_who_holds_the_file_counts_as_busy(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alphaforge.storage.sqlite_driver.BUSY_SECONDS", 0.05)
    database = await Database.open(sqlite_database)
    with closing(sqlite3.connect(sqlite_database.removeprefix("sqlite:///"), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy):
            async with database.write() as connection:
                await JournalRepository(connection).create(ENTRY)
    assert database.figures.errors == {"DatabaseBusy": 1}
    await database.close()


# slow statements


async def test_a_slow_statement_is_told_with_its_text_and_without_its_parameters(database: Database) -> None:
    figures = anew(database)
    figures.slow_seconds = 1e-9
    with capture_logs() as logs:
        async with database.write("app_settings") as connection:
            await SettingRepository(connection).put("theme", SECRET)
        async with database.read() as connection:
            await connection.fetch(("SELECT 1", ()), ("SELECT 2", ()))
            await connection.execute(select(literal(1)).where(literal("x").in_([SECRET, SECRET])))
            await connection.execute(select(bindparam("it", SECRET, literal_execute=True)))
    told = [line for line in logs if line["event"] == "slow_query"]
    assert [line["method"] for line in told] == ["SettingRepository.put", COMMIT, OTHER, OTHER, OTHER]
    assert all(line["log_level"] == "warning" and line["ms"] >= 0 for line in told)
    assert "INSERT INTO app_settings" in told[0]["statement"]
    assert told[2]["statement"] == "SELECT 1; SELECT 2"
    assert SECRET not in str(logs) + str(figures.slow.entries)
    assert figures.slow_queries == {"SettingRepository.put": 1, COMMIT: 1, OTHER: 3}
    newest = figures.slow.entries[0]
    assert (newest.kind, newest.name, newest.detail) == ("query", "SettingRepository.put", told[0]["statement"])


async def test_a_statement_below_the_threshold_is_told_nowhere(database: Database) -> None:
    figures = anew(database)
    for never in (0.0, 3_600.0):
        figures.slow_seconds = never
        with capture_logs() as logs:
            async with database.read() as connection:
                await connection.execute(select(literal(1)))
        assert (logs, list(figures.slow.entries), figures.slow_queries) == ([], [], {})


async def test_a_long_statement_is_shortened(database: Database) -> None:
    figures = anew(database)
    figures.slow_seconds = 1e-9
    async with database.read() as connection:
        await connection.exec_driver_sql("SELECT 1" + ", 1" * 900)
    assert len(figures.slow.entries[0].detail) == 2_000


async def test_a_lock_that_another_holds_is_no_query(postgres_database: str) -> None:
    first, second = await Database.open(postgres_database), await Database.open(postgres_database)
    figures = anew(second)

    async def wait() -> None:
        async with Exclusive(second, 7):
            pass

    async with Exclusive(first, 7):
        waiting = asyncio.create_task(wait())
        async with first.read() as connection:
            while not await holds(connection):
                pass
    await waiting
    assert {method: spread.count for method, spread in figures.times.items()} == {"Exclusive._lock": 2, COMMIT: 1}
    await second.close()
    await first.close()


async def holds(connection: AsyncConnection) -> bool:
    """Whether somebody waits for a lock of this kind."""
    return bool(await connection.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")))


async def test_the_setting_decides_what_is_slow(sqlite_database: str) -> None:
    async with open_database(Settings(database_url=SecretStr(sqlite_database), slow_query_ms=250)) as database:
        assert database.figures.slow_seconds == 0.25
