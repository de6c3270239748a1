"""A SQLite file becomes ours, or is left alone; the predecessor can go on using its tables."""

import asyncio
import hashlib
import os
import shutil
import sqlite3
import subprocess
import sys
import tempfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from alembic import command

import predecessor
from alphaforge.core.errors import (
    DatabaseForeign,
    DatabaseNewer,
    DatabaseUnwritable,
    InvalidSetting,
    StorageError,
)
from alphaforge.signals.model import Status
from alphaforge.storage import adoption, adoption_sqlite
from alphaforge.storage.engine import Database, over_database
from alphaforge.storage.journal import JournalRepository
from alphaforge.storage.settings import SettingRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository

LEGACY = Path(
    os.environ.get("ALPHAFORGE_LEGACY_DATABASE", Path(__file__).parents[4] / "shared" / "legacy" / "trading_signals.db")
)


@pytest.fixture
def left_behind(tmp_path: Path) -> Path:
    """A file as the predecessor leaves it."""
    path = tmp_path / "trading_signals.db"
    predecessor.build_sqlite(path)
    return path


def url_of(path: Path) -> str:
    return f"sqlite:///{path}"


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def backups(path: Path) -> list[Path]:
    return sorted(path.parent.glob(f"{path.name}.backup-*"))


def schema(path: Path) -> set[tuple[str, str]]:
    """Every table with its columns' names, types and nullability, every index and trigger with its text."""
    with closing(sqlite3.connect(path)) as connection:
        objects = connection.execute("SELECT type, name, tbl_name FROM sqlite_master").fetchall()
        found = set()
        for kind, name, table in objects:
            if kind == "table":
                columns = connection.execute('SELECT name, "notnull", pk FROM pragma_table_info(?)', (name,))
                found.add((f"table {name}", str(sorted(columns.fetchall()))))
            elif kind == "index":
                columns = connection.execute("SELECT name FROM pragma_index_info(?)", (name,))
                found.add((f"index {name} on {table}", str(columns.fetchall())))
            else:
                text = connection.execute("SELECT sql FROM sqlite_master WHERE name = ?", (name,)).fetchone()[0]
                found.add((f"{kind} {name}", text))
    return found


def protect(path: Path, mode: int) -> None:
    path.chmod(mode)


def in_folder(folder: Path) -> list[Path]:
    return list(folder.iterdir())


async def opened_and_closed(path: Path) -> None:
    await (await Database.open(url_of(path))).close()


async def test_a_file_that_is_not_there_is_created(tmp_path: Path) -> None:
    database = await Database.open(url_of(tmp_path / "new.db"))
    async with database.read() as connection:
        assert await SignalRepository(connection).page(SignalCriteria(), limit=None) == []
    await database.close()
    assert not backups(tmp_path / "new.db")


async def test_an_empty_file_is_created_in_place(tmp_path: Path) -> None:
    (tmp_path / "new.db").touch()
    await opened_and_closed(tmp_path / "new.db")
    await opened_and_closed(tmp_path / "new.db")


async def test_what_is_created_equals_what_is_migrated(tmp_path: Path) -> None:
    created, stepped = tmp_path / "created.db", tmp_path / "stepped.db"
    await opened_and_closed(created)
    stepped.touch()

    def step_by_step(connection: Any) -> None:
        command.upgrade(adoption._config(connection), "head")

    await over_database(url_of(stepped), step_by_step)
    assert schema(created) == schema(stepped)


async def test_the_predecessors_rows_are_ours_after_adoption(left_behind: Path) -> None:
    database = await Database.open(url_of(left_behind))
    async with database.read() as connection:
        shown = await SignalRepository(connection).page(SignalCriteria(), limit=None)
        entries = await JournalRepository(connection).page()
    await database.close()
    expected = predecessor.signal_rows()
    assert [row["id"] for row in shown] == [row["id"] for row in expected]  # both newest first
    for mine, theirs in zip(shown, expected, strict=True):
        for name, value in theirs.items():
            assert mine[name] == (predecessor.epoch(value) if hasattr(value, "year") else value), name
    assert [row["id"] for row in entries] == [row["id"] for row in predecessor.journal_rows()]


async def test_symbols_of_the_predecessor_get_their_instruments(left_behind: Path) -> None:
    database = await Database.open(url_of(left_behind))
    async with database.read() as connection:
        gold = await SignalRepository(connection).page(SignalCriteria(instrument="XAU_USD"), limit=None)
        pound = await SignalRepository(connection).page(SignalCriteria(instrument="GBP_USD"), limit=None)
    await database.close()
    assert {row["symbol"] for row in gold} == {"GOLD"}
    assert {row["symbol"] for row in pound} == {"GBP/USD", "GBPUSD"}


async def test_a_backup_lies_beside_the_adopted_file(left_behind: Path) -> None:
    before = {table: predecessor.read_sqlite(left_behind, table) for table in predecessor.COLUMNS}
    protect(left_behind, 0o640)
    await opened_and_closed(left_behind)
    (backup,) = backups(left_behind)
    assert {table: predecessor.read_sqlite(backup, table) for table in predecessor.COLUMNS} == before
    assert backup.stat().st_mode & 0o777 == 0o640


async def test_a_second_start_changes_nothing(left_behind: Path) -> None:
    await opened_and_closed(left_behind)
    before = digest(left_behind), backups(left_behind)
    await opened_and_closed(left_behind)
    assert (digest(left_behind), backups(left_behind)) == before


async def test_the_predecessor_reads_and_writes_on_after_adoption(left_behind: Path) -> None:
    before = predecessor.read_sqlite(left_behind, "trading_signals")
    await opened_and_closed(left_behind)
    assert predecessor.read_sqlite(left_behind, "trading_signals") == before
    late_signal = predecessor.signal_rows(1)[0] | {"id": 4_000, "symbol": "GOLD", "status": "PENDING"}
    late_entry = predecessor.journal_rows(1)[0] | {"id": 4_000, "outcome": "WIN", "profit_loss": 1_000.0}
    with closing(sqlite3.connect(left_behind)) as connection:
        predecessor.write_sqlite(connection, "trading_signals", late_signal)
        predecessor.write_sqlite(connection, "journal_entries", late_entry)
        connection.execute("UPDATE trading_signals SET status = 'WON', outcome = 'WIN' WHERE id = 3")
        connection.execute("DELETE FROM journal_entries WHERE id = 1")
        connection.commit()
    database = await Database.open(url_of(left_behind))
    async with database.read() as connection:
        signals, journal = SignalRepository(connection), JournalRepository(connection)
        late = await signals.get(4_000)
        assert late is not None
        assert (late["instrument"], late["origin"]) == ("XAU_USD", None)
        assert (await signals.get(3) or {})["status"] == Status.WON
        assert await signals.count(SignalCriteria()) == 41
        assert await journal.count() == 30
        kept = [*predecessor.journal_rows()[1:], late_entry]
        assert (await journal.statistics())["total_pnl"] == pytest.approx(sum(e["profit_loss"] or 0 for e in kept))
    await database.close()


async def test_going_back_leaves_the_predecessors_schema_and_all_its_rows(left_behind: Path) -> None:
    original = schema(left_behind)
    rows = {table: predecessor.read_sqlite(left_behind, table) for table in predecessor.COLUMNS}
    await opened_and_closed(left_behind)
    await over_database(url_of(left_behind), adoption.take_back)
    leftover = {entry for entry in schema(left_behind) if "alembic_version" not in entry[0]}
    assert leftover == original
    assert {table: predecessor.read_sqlite(left_behind, table) for table in predecessor.COLUMNS} == rows
    await opened_and_closed(left_behind)  # and forth again
    assert adoption_state(left_behind) == adoption.HEAD


def adoption_state(path: Path) -> str:
    with closing(sqlite3.connect(path)) as connection:
        revision: str = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        return revision


async def test_alembics_own_command_line_finds_its_way(left_behind: Path) -> None:
    await opened_and_closed(left_behind)
    ini = adoption.MIGRATIONS / "alembic.ini"
    done = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "alembic", "-c", ini, "downgrade", adoption.PREDECESSOR],
        env=os.environ | {"DATABASE_URL": url_of(left_behind)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert adoption_state(left_behind) == adoption.PREDECESSOR


@pytest.mark.skipif(not LEGACY.is_file(), reason="the recorded database of the predecessor is not at hand")
async def test_the_recorded_database_is_adopted_whole(tmp_path: Path) -> None:
    path = tmp_path / "trading_signals.db"
    shutil.copyfile(LEGACY, path)
    before = {table: predecessor.read_sqlite(path, table) for table in predecessor.COLUMNS}
    database = await Database.open(url_of(path))
    async with database.read() as connection:
        counts = await SignalRepository(connection).counts_by_status()
        figures = await JournalRepository(connection).statistics()
    await database.close()
    assert sum(counts.values()) == 300
    assert (counts["PENDING"], counts["EXPIRED"]) == (22, 55)
    assert (figures["total_trades"], figures["wins"], figures["losses"]) == (180, 72, 79)
    assert (round(figures["total_pnl"], 2), round(figures["total_pips"], 1)) == (5940.02, 726.0)
    assert {table: predecessor.read_sqlite(path, table) for table in predecessor.COLUMNS} == before


def other_tables(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
        connection.commit()


def another_alembic(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript(
            "CREATE TABLE alembic_version (version_num VARCHAR(32)); INSERT INTO alembic_version VALUES ('ae1027a6acf')"
        )


def half_a_predecessor(path: Path) -> None:
    predecessor.build_sqlite(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("ALTER TABLE trading_signals DROP COLUMN entry_price")


def a_text(path: Path) -> None:
    path.write_text("id;symbol\n1;GOLD\n")


def a_short_text(path: Path) -> None:
    path.write_text("x")


@pytest.mark.parametrize("make", [other_tables, another_alembic, half_a_predecessor, a_text, a_short_text])
async def test_what_is_not_ours_is_refused_untouched(tmp_path: Path, make: Callable[[Path], None]) -> None:
    path = tmp_path / "other.db"
    make(path)
    before = digest(path)
    with pytest.raises(DatabaseForeign) as refused:
        await Database.open(url_of(path))
    assert refused.value.advice
    assert digest(path) == before
    assert in_folder(tmp_path) == [path]


async def test_a_newer_database_is_refused_untouched(left_behind: Path) -> None:
    await opened_and_closed(left_behind)
    with closing(sqlite3.connect(left_behind)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0099_from_the_future'")
        connection.commit()
    before = digest(left_behind)
    with pytest.raises(DatabaseNewer, match="0099_from_the_future"):
        await Database.open(url_of(left_behind))
    assert digest(left_behind) == before


async def test_a_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DatabaseForeign, match="folder"):
        await Database.open(url_of(tmp_path))


async def test_a_missing_folder_is_named(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnwritable, match="nowhere does not exist"):
        await Database.open(url_of(tmp_path / "nowhere" / "a.db"))


async def test_memory_is_no_place_for_a_journal() -> None:
    with pytest.raises(InvalidSetting, match="lost with the process"):
        await Database.open("sqlite:///:memory:")


async def test_a_damaged_file_is_an_error_in_plain_words(tmp_path: Path) -> None:
    path = tmp_path / "damaged.db"
    predecessor.build_sqlite(path)
    whole = path.read_bytes()
    path.write_bytes(whole[:100] + b"\xff" * (len(whole) - 100))
    with pytest.raises(StorageError, match="damaged"):
        await Database.open(url_of(path))
    assert path.read_bytes()[100:] == b"\xff" * (len(whole) - 100)


_OPEN_AS_NOBODY = """
import asyncio, os, sys
path, user = sys.argv[1:]
from alphaforge.core.errors import StorageError
from alphaforge.storage.engine import Database
import aiosqlite, sqlalchemy.dialects.sqlite.aiosqlite
if user != "-":
    os.setgid(int(user)); os.setuid(int(user))
async def main():
    try:
        await Database.open(f"sqlite:///{path}")
    except StorageError as error:
        print(type(error).__name__, error.message, "|", error.advice)
asyncio.run(main())
"""


@pytest.mark.skipif(os.name != "posix", reason="permissions as POSIX knows them")
@pytest.mark.parametrize(("folder", "file"), [(0o555, 0o644), (0o777, 0o444)], ids=["folder", "file"])
def test_what_cannot_be_written_is_said_and_left_alone(tmp_path: Path, folder: int, file: int) -> None:
    home = Path(tempfile.mkdtemp(prefix="alphaforge-test-"))  # pytest's own folders are closed to others
    try:
        home.chmod(0o755)
        place = home / "data"
        place.mkdir()
        path = place / "trading_signals.db"
        predecessor.build_sqlite(path)
        path.chmod(file)
        place.chmod(folder)
        before = digest(path)
        user = str(65534) if os.geteuid() == 0 else "-"
        done = subprocess.run(  # noqa: S603 - ourselves
            [sys.executable, "-c", _OPEN_AS_NOBODY, path, user], capture_output=True, text=True, check=False
        )
        assert done.stdout.startswith("DatabaseUnwritable"), done.stdout + done.stderr
        assert digest(path) == before
        assert not backups(path)
    finally:
        place.chmod(0o755)  # who is not root could not empty it otherwise
        shutil.rmtree(home)


async def test_a_reader_adopts_nothing(left_behind: Path) -> None:
    before = digest(left_behind)
    with pytest.raises(StorageError, match="not up to date"):
        await Database.open(url_of(left_behind), read_only=True)
    assert digest(left_behind) == before


async def test_no_room_for_the_backup_means_no_adoption(left_behind: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_path: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(adoption_sqlite, "to_disk", full)
    before = predecessor.read_sqlite(left_behind, "trading_signals"), schema(left_behind)
    with pytest.raises(StorageError, match="No space left"):
        await Database.open(url_of(left_behind))
    assert (predecessor.read_sqlite(left_behind, "trading_signals"), schema(left_behind)) == before
    assert not backups(left_behind)


async def test_a_setting_survives_a_restart(tmp_path: Path) -> None:
    for value in ("true", "false"):
        database = await Database.open(url_of(tmp_path / "a.db"))
        async with database.write() as connection:
            await SettingRepository(connection).put("strategy.running", value)
        await database.close()
    database = await Database.open(url_of(tmp_path / "a.db"), read_only=True)
    async with database.read() as connection:
        assert await SettingRepository(connection).get("strategy.running") == "false"
        assert await SettingRepository(connection).get("never put") is None
    await database.close()
