"""The database as a whole: who may open it, who waits, what a crash or a full disk leaves."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

import predecessor
from alphaforge.core.errors import (
    DatabaseBusy,
    DatabaseInUse,
    DatabaseUnwritable,
    InvalidInput,
    InvalidSetting,
    StorageError,
)
from alphaforge.storage import adoption
from alphaforge.storage.address import parse_address
from alphaforge.storage.candles import CandleStore
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.settings import SettingRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository
from builders import MONDAY, decision

ENTRY = NewEntry(1_750_000_000.0, "GBPUSD", "BUY", 0.25, 1.25)


def path_of(url: str) -> Path:
    return Path(url.removeprefix("sqlite:///"))


async def entries(database: Database) -> int:
    async with database.read() as connection:
        return len(await JournalRepository(connection).page())


# who may open it


async def test_a_second_writer_is_refused_and_told_by_whom(sqlite_database: str) -> None:
    database = await Database.open(sqlite_database)
    with pytest.raises(DatabaseInUse, match="this very process"):
        await Database.open(sqlite_database)
    await database.close()
    await (await Database.open(sqlite_database)).close()


_HOLD = """
import asyncio, sys
from alphaforge.storage.engine import Database
async def main():
    database = await Database.open(sys.argv[1])
    print("open", flush=True)
    sys.stdin.read()
asyncio.run(main())
"""


async def test_the_lock_dies_with_its_holder(sqlite_database: str) -> None:
    holder = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _HOLD, sqlite_database, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert holder.stdout is not None
    assert await holder.stdout.readline() == b"open\n"
    with pytest.raises(DatabaseInUse, match=f"process {holder.pid}") as refused:
        await Database.open(sqlite_database)
    assert "DATABASE_URL" in refused.value.advice
    reader = await Database.open(sqlite_database, read_only=True)
    assert await entries(reader) == 0
    await reader.close()
    holder.kill()
    await holder.wait()
    await (await Database.open(sqlite_database)).close()


async def test_another_name_of_the_file_is_the_same_file(sqlite_database: str, tmp_path: Path) -> None:
    database = await Database.open(sqlite_database)
    (tmp_path / "other.db").symlink_to(path_of(sqlite_database))
    with pytest.raises(DatabaseInUse):
        await Database.open(f"sqlite:///{tmp_path / 'other.db'}")
    await database.close()


async def test_a_reader_sees_what_the_running_server_wrote_and_cannot_write(sqlite_database: str) -> None:
    server = await Database.open(sqlite_database)
    reader = await Database.open(sqlite_database, read_only=True)
    async with server.write() as connection:
        await JournalRepository(connection).create(ENTRY)
    assert await entries(reader) == 1
    with pytest.raises(DatabaseUnwritable, match="reading only"):
        await reader.write().__aenter__()
    await reader.close()
    await server.close()


async def test_reading_transactions_cannot_write(database: Database) -> None:
    with pytest.raises(DatabaseUnwritable, match="read-only"):
        async with database.read() as connection:
            await JournalRepository(connection).create(ENTRY)


# transactions


async def test_a_reader_sees_one_moment(database: Database) -> None:
    async with database.read() as reading:
        assert await JournalRepository(reading).count() == 0
        async with database.write() as writing:
            await JournalRepository(writing).create(ENTRY)
        assert await JournalRepository(reading).count() == 0
    assert await entries(database) == 1


async def test_what_is_acknowledged_is_seen_by_the_next_reader(database: Database) -> None:
    for number in range(1, 20):
        async with database.write() as connection:
            await JournalRepository(connection).create(ENTRY)
        assert await entries(database) == number


async def test_an_error_takes_everything_back(database: Database) -> None:
    async def fail() -> None:
        async with database.write() as connection:
            await JournalRepository(connection).create_many([ENTRY] * 50)
            raise RuntimeError

    with pytest.raises(RuntimeError):
        await fail()
    assert await entries(database) == 0


async def test_a_cancelled_writer_leaves_nothing_and_blocks_nobody(database: Database) -> None:
    inside = asyncio.Event()

    async def write() -> None:
        async with database.write() as connection:
            await JournalRepository(connection).create(ENTRY)
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(write())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    async with database.write() as connection:
        await JournalRepository(connection).create(ENTRY)
    assert await entries(database) == 1


async def test_writers_take_turns(database: Database) -> None:
    async def add() -> None:
        async with database.write() as connection:
            repository = SettingRepository(connection)
            value = int(await repository.get("count") or 0)
            await repository.put("count", str(value + 1))

    if database.dialect == "postgresql":
        pytest.skip("PostgreSQL's writers do not queue for one connection")
    await asyncio.gather(*(add() for _ in range(20)))
    async with database.read() as connection:
        assert await SettingRepository(connection).get("count") == "20"


async def test_two_workers_make_one_signal(postgres_database: str) -> None:
    workers = [await Database.open(postgres_database) for _ in range(2)]

    async def scan(worker: Database) -> int | None:
        async with worker.write() as connection:
            return await SignalRepository(connection).add(
                decision(), symbol="GBP/USD", source="sandbox", simulated=True, expires_at=MONDAY
            )

    made = await asyncio.gather(*(scan(worker) for worker in workers))
    async with workers[0].read() as connection:
        assert await SignalRepository(connection).count(SignalCriteria()) == 1
    assert sorted(made, key=str) == [1, None]
    for worker in workers:
        await worker.close()


# who waits


async def test_an_exhausted_pool_sheds_in_time(database_url: str) -> None:
    database = await Database.open(database_url, PoolSettings(size=1, max_overflow=0, timeout=0.05))
    async with database.read():
        with pytest.raises(DatabaseBusy, match="in use"):
            async with database.read():
                pass
    async with database.write():
        with pytest.raises(DatabaseBusy):
            async with database.write():
                pass
    assert await entries(database) == 0
    await database.close()


async def test_a_stranger_who_locks_the_file_makes_it_busy(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alphaforge.storage.sqlite_driver.BUSY_SECONDS", 0.05)
    database = await Database.open(sqlite_database)
    with closing(sqlite3.connect(path_of(sqlite_database), isolation_level=None)) as stranger:
        stranger.execute("BEGIN IMMEDIATE")
        with pytest.raises(DatabaseBusy, match="Another program"):
            async with database.write() as connection:
                await JournalRepository(connection).create(ENTRY)
    async with database.write() as connection:
        await JournalRepository(connection).create(ENTRY)
    assert await entries(database) == 1
    await database.close()


async def test_a_postgresql_that_drops_connections_costs_nobody_an_error(postgres_database: str) -> None:
    database = await Database.open(postgres_database)
    other = await Database.open(postgres_database)
    async with other.write() as connection:
        await connection.execute(
            text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    assert await entries(database) == 0
    await other.close()
    await database.close()


# a full disk


async def test_a_full_disk_is_named_and_loses_nothing_acknowledged(sqlite_database: str) -> None:
    database = await Database.open(sqlite_database)
    async with database.write() as connection:
        await JournalRepository(connection).create(ENTRY)
    async with database.write() as connection:
        pages = (await connection.execute(text("PRAGMA page_count"))).scalar_one()
        await connection.execute(text(f"PRAGMA max_page_count = {pages + 4}"))

    async def too_much(*, swallow: bool, go_on: bool = True) -> None:
        async with database.write() as connection:
            repository = JournalRepository(connection)
            await repository.create(ENTRY)
            try:
                for number in range(5_000):  # a statement of one row cannot be undone alone: all before it goes too
                    await connection.execute(
                        text("INSERT INTO app_settings VALUES (:key, :key, 0)"), {"key": f"{number:0100}"}
                    )
            except Exception:
                if not swallow:
                    raise
            if go_on:
                await repository.create(ENTRY)

    with pytest.raises(DatabaseUnwritable, match="full"):
        await too_much(swallow=False)
    assert await entries(database) == 1
    for go_on in (True, False):  # a transaction that SQLite gave up must not pass for committed
        with pytest.raises(sqlite3.Error, match="rolled back"):
            await _cause(too_much(swallow=True, go_on=go_on))
        assert await entries(database) == 1
    async with database.write() as connection:
        await connection.execute(text("PRAGMA max_page_count = 1000000"))
        await JournalRepository(connection).create(ENTRY)
    assert await entries(database) == 2
    await database.close()


async def _cause(work: Any) -> None:
    try:
        await work
    except Exception as error:
        raise getattr(error, "orig", error) from error


# crashes


_BULK = """
import asyncio, os, signal, sys
sys.path.insert(0, sys.argv[2])
from builders import GBP_USD, walk
from alphaforge.storage.engine import Database
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.journal import JournalRepository, NewEntry
async def main():
    database = await Database.open(sys.argv[1])
    async with database.write() as connection:
        await JournalRepository(connection).create(NewEntry(0.0, "GBPUSD", "BUY", 1.0, 1.0))
    async with database.write() as connection:
        await JournalRepository(connection).create_many([NewEntry(0.0, "GBPUSD", "BUY", 1.0, 1.0)] * 500)
        await CandleRepository(connection, "sandbox").keep(walk(GBP_USD, 2_000, seed=1))
        os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_killed_amid_a_bulk_write_all_of_it_is_gone_and_nothing_before_it(database_url: str) -> None:
    tests = str(Path(__file__).parents[2])
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", _BULK, database_url, tests)
    assert await process.wait() == -signal.SIGKILL
    database = await Database.open(database_url)
    assert await entries(database) == 1
    assert not len(await CandleStore(database, "sandbox").newest("GBP_USD", 10))
    async with database.read() as connection:
        assert await JournalRepository(connection).count() == 1
    await database.close()


_ADOPT_AND_DIE = """
import os, signal, sys
from pathlib import Path
import alembic.command, alembic.config
from alphaforge.storage import adoption_sqlite
usual = adoption_sqlite._open_for_adoption
def die(*_):
    os.kill(os.getpid(), signal.SIGKILL)
def adopt(path, steps):
    def opened(at):
        connection = usual(at)
        seen = []
        def trace(statement):
            seen.append(statement)
            if len(seen) == steps or steps == 0 and statement == "COMMIT":
                die()
        connection.set_trace_callback(trace)
        return connection
    adoption_sqlite._open_for_adoption = opened
    if steps < 0:
        adoption_sqlite.to_disk = die
    adoption_sqlite.claim(path)
    os._exit(0)
for word in sys.argv[2:]:
    child = os.fork()
    if child == 0:
        adopt(Path(sys.argv[1]) / word / "trading_signals.db", int(word))
    print(word, os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
"""
"""Adopt files, dying at a statement by its number, with 0 at the commit, with -1 at the end of the backup."""

_STEPS = (-1, 15, 40, 0, 10**9)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
async def test_adoption_killed_anywhere_is_the_old_state_or_the_new_and_the_next_start_finishes(tmp_path: Path) -> None:
    files = {steps: tmp_path / str(steps) / "trading_signals.db" for steps in _STEPS}
    for path in files.values():
        os.makedirs(path.parent)  # noqa: PTH103 - pathlib blocks an event loop no less
        predecessor.build_sqlite(path, signals=100)
    before = predecessor.read_sqlite(files[0], "trading_signals")
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _ADOPT_AND_DIE, str(tmp_path), *map(str, _STEPS), stdout=subprocess.PIPE
    )
    said, _ = await process.communicate()
    ends = dict(map(int, line.split()) for line in said.decode().splitlines())
    assert ends == dict.fromkeys(_STEPS, -signal.SIGKILL) | {10**9: 0}
    for path in files.values():
        assert table_names(path) == _LEGACY_TABLES or adoption_is_whole(path)
        await (await Database.open(f"sqlite:///{path}")).close()
        assert adoption_is_whole(path)
        assert predecessor.read_sqlite(path, "trading_signals") == before
        assert not path.with_name(f"{path.name}.backup-partial").exists()


_LEGACY_TABLES = {"trading_signals", "journal_entries", "trade_analytics"}


def table_names(path: Path) -> set[str]:
    with closing(sqlite3.connect(path)) as connection:
        return {name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}


def adoption_is_whole(path: Path) -> bool:
    with closing(sqlite3.connect(path)) as connection:
        revisions = connection.execute("SELECT version_num FROM alembic_version").fetchall()
        totals = connection.execute("SELECT trades FROM journal_totals").fetchall()
        return revisions == [(adoption.HEAD,)] and totals == [(30,)]


# addresses


@pytest.fixture
async def opened_by(postgres_database: str) -> Any:
    async def open_as(scheme: str, query: str = "") -> None:
        database = await Database.open(scheme + postgres_database.removeprefix("postgresql") + query)
        await database.close()

    return open_as


@pytest.mark.parametrize(
    ("scheme", "query"),
    [
        ("postgresql", ""),
        ("postgres", "?sslmode=disable"),
        ("postgresql+psycopg2", "?sslmode=prefer&application_name=alphaforge&connect_timeout=5"),
        ("postgresql+asyncpg", ""),
    ],
)
async def test_every_spelling_of_a_postgresql_address_opens(opened_by: Any, scheme: str, query: str) -> None:
    await opened_by(scheme, query)


def test_a_password_is_never_shown() -> None:
    address = parse_address("postgresql://trader:s3cret@db.example/desk?sslmode=require")
    assert "s3cret" not in address.for_people
    assert "db.example/desk" in address.for_people
    with pytest.raises(InvalidSetting) as refused:
        parse_address("mysql://trader:s3cret@db.example/desk")
    assert "s3cret" not in refused.value.message + refused.value.advice


@pytest.mark.parametrize(
    "url", ["", "nonsense", "mysql://x/y", "sqlite://", "postgresql://host", "sqlite:///file:a?x=1"]
)
def test_an_address_that_cannot_be_meant_is_refused_with_advice(url: str) -> None:
    with pytest.raises(InvalidSetting) as refused:
        parse_address(url)
    assert refused.value.advice


def test_a_relative_sqlite_address_means_the_working_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    for spelling in ("sqlite:///./trading_signals.db", "sqlite+aiosqlite:///trading_signals.db"):
        assert parse_address(spelling).path == tmp_path / "trading_signals.db"


async def test_a_fault_of_this_program_is_not_called_a_fault_of_the_database(database: Database) -> None:
    with pytest.raises(Exception, match="no_such_table") as fault:
        async with database.read() as connection:
            await connection.execute(text("SELECT * FROM no_such_table"))
    assert not isinstance(fault.value, StorageError | InvalidInput)
