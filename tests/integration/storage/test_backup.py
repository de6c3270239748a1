"""A backup is one moment of everything, and a restored database is that moment, whichever kind either is."""

import asyncio
import os
import sqlite3
import stat
import struct
import subprocess
import sys
import threading
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection

from alphaforge.core.errors import (
    DatabaseForeign,
    DatabaseInUse,
    DatabaseNewer,
    InvalidInput,
    InvalidRows,
    StorageError,
)
from alphaforge.storage import adoption
from alphaforge.storage.backup.file import verify
from alphaforge.storage.backup.taking import take
from alphaforge.storage.engine import Database, over_database
from alphaforge.storage.health import contradictions
from alphaforge.storage.lock import ProcessLock
from backups import ENTRY, NOW, SIGNAL, alone, ask, path_of, restored, silent, taken

ITS_OWN = {"journal_totals"}
"""Rounded by each kind in its way."""
ANEW = {"journal_changes"}
"""No version that was known before is one after a restore."""


@pytest.fixture(params=["sqlite", "postgresql"])
def elsewhere(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database: SQLite, then PostgreSQL."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'elsewhere.db'}"
    return str(request.getfixturevalue("postgres_database"))


@pytest.fixture
def backup(tmp_path: Path, _sqlite_template: Path) -> Path:
    """A backup of a SQLite database with one entry."""
    source = tmp_path / "source.db"
    source.write_bytes(_sqlite_template.read_bytes())
    ask(f"sqlite:///{source}", ENTRY.format(id=1, pnl=5.5, notes="as it was"))
    return taken(f"sqlite:///{source}", tmp_path / "whole.backup").backup.path


def files(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


async def disagreements(url: str) -> list[str]:
    database = await Database.open(url, read_only=True)
    try:
        return await contradictions(database)
    finally:
        await database.close()


async def entered(url: str) -> int:
    """Open it as a server does and write an entry; its number."""
    database = await Database.open(url)
    try:
        async with database.write("journal_entries") as connection:
            statement = ENTRY.replace("(id, ", "(").replace("({id}, ", "(").format(pnl=1, notes="new")
            await connection.exec_driver_sql(statement)
            found = await connection.exec_driver_sql("SELECT max(id) FROM journal_entries")
            return int(found.scalar_one())
    finally:
        await database.close()


def test_a_restored_database_holds_the_same_agrees_with_itself_and_goes_on(
    database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    ask(database_url, *(ENTRY.format(id=n, pnl=n / 3, notes=f"ö {n} 💹") for n in range(1, 40)))
    ask(
        database_url,
        SIGNAL.format(id=3),
        "DELETE FROM journal_entries WHERE id < 10",
        "UPDATE journal_entries SET pips = 1 WHERE id = 20",
    )
    first = taken(database_url, tmp_path / "first.backup").backup
    done = restored(elsewhere, first.path)
    second = taken(elsewhere, tmp_path / "second.backup").backup
    differing = {one.table for one in set(first.contents) ^ set(second.contents)}
    assert differing <= (ANEW | ITS_OWN if database_url[:6] != elsewhere[:6] else ANEW)
    assert done.backup.rows == first.rows > 30
    assert alone(disagreements(elsewhere)) == []
    assert alone(entered(elsewhere)) == 40
    assert alone(disagreements(elsewhere)) == [], "the triggers count on"
    ask(elsewhere, SIGNAL.format(id=4))
    assert ask(elsewhere, "SELECT id, ref FROM events ORDER BY id") == [(1, 3), (2, 4)]


@pytest.mark.parametrize("revision", ["0002_alphaforge", "0004_filters"])
def test_an_older_database_is_backed_up_as_it_is_and_current_when_it_is_restored(
    request: pytest.FixtureRequest, elsewhere: str, tmp_path: Path, revision: str
) -> None:
    def old(connection: Connection) -> None:
        adoption.create(connection, revision)

    for kind in ("sqlite", "postgresql"):
        url = f"sqlite:///{tmp_path / 'old.db'}" if kind == "sqlite" else request.getfixturevalue("postgres_database")
        if url == elsewhere:
            continue
        alone(over_database(url, old))
        ask(url, ENTRY.format(id=7, pnl=2.5, notes="old"))
        found = taken(url, tmp_path / f"{kind}.backup").backup
        assert found.revision == revision
        restored(elsewhere, found.path, force=kind == "postgresql")
        assert ask(elsewhere, "SELECT version_num FROM alembic_version") == [(adoption.HEAD,)]
        assert ask(elsewhere, "SELECT id, notes FROM journal_entries") == [(7, "old")]
        assert alone(disagreements(elsewhere)) == []


def test_what_is_written_meanwhile_neither_waits_nor_gets_in(database_url: str, tmp_path: Path) -> None:
    big = ENTRY.format(id=0, pnl=1, notes="x" * 9_000_000)
    ask(database_url, big, ENTRY.format(id=1, pnl=1, notes="before"))
    written = []

    def write(what: str, done: int, of: int) -> None:
        if what.startswith("copying") and done < of:
            number = len(written) + 2
            late = ENTRY.format(id=number, pnl=1, notes="late"), SIGNAL.format(id=number)
            writer = threading.Thread(target=ask, args=(database_url, *late))
            writer.start()
            writer.join(10)
            assert not writer.is_alive(), "the write waits for the backup"
            written.append(number)

    path = tmp_path / "one-moment.backup"
    take(database_url, path, write, program="2.0.0", now=NOW)
    assert written, "a backup in one step would prove nothing"
    assert ask(f"sqlite:///{path}", "SELECT id FROM journal_entries ORDER BY id") == [(0,), (1,)]
    assert ask(f"sqlite:///{path}", "SELECT trades FROM journal_totals") == [(2,)]
    assert ask(f"sqlite:///{path}", "SELECT id FROM trading_signals") == [], "of the tables that come later"
    assert len(ask(database_url, "SELECT id FROM journal_entries")) == len(written) + 2


@pytest.mark.usefixtures("backup")
def test_a_backup_beside_a_server_takes_no_lock_and_leaves_the_file_alone(tmp_path: Path) -> None:
    live = tmp_path / "source.db"
    lock = ProcessLock(live)
    lock.take()
    before = live.read_bytes()
    taken(f"sqlite:///{live}", tmp_path / "a.backup")
    lock.release()
    assert live.read_bytes() == before


def test_only_its_owner_may_read_a_backup(backup: Path) -> None:
    assert stat.S_IMODE(backup.stat().st_mode) == 0o600


@pytest.mark.parametrize("part", ["copying", "reading rows"])
def test_an_interrupted_backup_leaves_nothing_and_the_one_before_it(
    database_url: str, tmp_path: Path, part: str
) -> None:
    path = tmp_path / "the.backup"
    ask(database_url, ENTRY.format(id=1, pnl=1, notes="x"))
    taken(database_url, path)
    before, there = path.read_bytes(), files(tmp_path)

    def interrupt(what: str, _done: int, _of: int) -> None:
        if what.startswith(part):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        take(database_url, path, interrupt, program="2.0.0", now=NOW, force=True)
    assert path.read_bytes() == before
    assert files(tmp_path) == there


def test_what_is_there_is_not_overwritten_unasked(database_url: str, backup: Path) -> None:
    before = backup.read_bytes()
    with pytest.raises(InvalidInput, match="is there already"):
        taken(database_url, backup)
    assert backup.read_bytes() == before
    taken(database_url, backup, force=True)
    verify(backup, silent)


def test_the_database_itself_is_never_the_place_of_its_backup(tmp_path: Path, backup: Path) -> None:
    del backup
    with pytest.raises(InvalidInput, match="the database itself"):
        taken(f"sqlite:///{tmp_path / 'source.db'}", tmp_path / "source.db", force=True)


@pytest.mark.parametrize("nothing", ["empty", "predecessor"])
def test_what_no_server_has_made_ours_is_not_backed_up(tmp_path: Path, nothing: str) -> None:
    path = tmp_path / "x.db"
    if nothing == "predecessor":
        from predecessor import build_sqlite  # noqa: PLC0415 - one case needs it

        build_sqlite(path)
    with pytest.raises(StorageError, match=r"not there yet|not up to date"):
        taken(f"sqlite:///{path}", tmp_path / "x.backup")
    assert "x.backup" not in files(tmp_path)


def test_other_peoples_tables_in_postgresql_are_left_out_and_named(postgres_database: str, tmp_path: Path) -> None:
    alone(_made(postgres_database))
    ask(postgres_database, "CREATE TABLE recipes (name text)", "ALTER TABLE journal_entries ADD COLUMN mood text")
    assert taken(postgres_database, tmp_path / "x.backup").left_out == ("recipes", "journal_entries.mood")


def test_what_is_not_ours_in_a_file_is_restored_to_sqlite_alone_and_else_named(
    backup: Path, tmp_path: Path, elsewhere: str
) -> None:
    del backup
    source = f"sqlite:///{tmp_path / 'source.db'}"
    ask(source, "CREATE TABLE recipes (name text)", "ALTER TABLE journal_entries ADD COLUMN mood text")
    done = restored(elsewhere, taken(source, tmp_path / "x.backup").backup.path)
    if elsewhere.startswith("sqlite"):
        assert ask(elsewhere, "SELECT mood FROM journal_entries") == [(None,)]
        assert done.left_out == ()
    else:
        assert done.left_out == ("recipes", "journal_entries.mood")


async def _made(url: str) -> None:
    await (await Database.open(url)).close()


def damaged(backup: Path, old: bytes, new: bytes) -> None:
    content = backup.read_bytes()
    assert old in content
    backup.write_bytes(content.replace(old, new, 1))


@pytest.mark.parametrize("how", ["a bit", "cut off", "a row", "a table"])
def test_a_damaged_backup_is_found_and_changes_nothing(backup: Path, elsewhere: str, how: str) -> None:
    if how == "a bit":
        damaged(backup, b"as it was", b"as it wbs")
    elif how == "cut off":
        backup.write_bytes(backup.read_bytes()[: backup.stat().st_size // 2])
    else:
        ask(f"sqlite:///{backup}", "DELETE FROM journal_entries" if how == "a row" else "DROP TABLE candles")
    with pytest.raises(StorageError, match="damaged" if how == "cut off" else r"journal_entries|candles"):
        verify(backup, silent)
    there = files(backup.parent)
    with pytest.raises(StorageError, match="damaged"):
        restored(elsewhere, backup)
    assert files(backup.parent) - {"elsewhere.db.lock"} == there
    if elsewhere.startswith("postgres"):
        assert ask(elsewhere, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == []


def test_a_file_that_is_no_backup_is_refused(tmp_path: Path, backup: Path, elsewhere: str) -> None:
    del backup
    for name, said in (("source.db", "no backup"), ("nothing", "not there"), (".", "no file")):
        with pytest.raises(StorageError, match=said):
            restored(elsewhere, tmp_path / name)
    (tmp_path / "text").write_text("a shopping list, and a long one" * 100)
    with pytest.raises(StorageError, match="no backup"):
        restored(elsewhere, tmp_path / "text")


@pytest.mark.parametrize("what", ["revision", "format"])
def test_a_newer_backup_is_refused_with_a_sentence(backup: Path, elsewhere: str, what: str) -> None:
    ask(f"sqlite:///{backup}", f"UPDATE alphaforge_backup SET value = '9999' WHERE key = '{what}'")  # noqa: S608 - a word of ours
    with pytest.raises(DatabaseNewer, match="9999"):
        restored(elsewhere, backup)


def test_a_database_that_is_not_empty_is_refused_and_replaced_by_force(backup: Path, database_url: str) -> None:
    ask(database_url, ENTRY.format(id=99, pnl=1, notes="mine"))
    with pytest.raises(DatabaseForeign, match="not empty"):
        restored(database_url, backup)
    assert ask(database_url, "SELECT id FROM journal_entries") == [(99,)]
    done = restored(database_url, backup, force=True)
    assert ask(database_url, "SELECT id, notes FROM journal_entries") == [(1, "as it was")]
    if done.instead_of is not None:
        assert ask(f"sqlite:///{done.instead_of}", "SELECT id, notes FROM journal_entries") == [(99, "mine")]
    assert alone(disagreements(database_url)) == []
    assert alone(entered(database_url)) == 2


def test_the_replaced_file_keeps_what_was_only_in_its_wal_and_the_new_one_gets_none_of_it(
    backup: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.db"
    url = f"sqlite:///{old}"
    old.write_bytes((tmp_path / "source.db").read_bytes())
    dies = f"import os,sqlite3; c=sqlite3.connect({str(old)!r}); c.execute('PRAGMA journal_mode=WAL')"
    statement = ENTRY.format(id=5, pnl=1, notes="in the WAL")
    dies += f"; c.execute({statement!r}); c.commit(); os._exit(0)"
    subprocess.run([sys.executable, "-c", dies], check=True)  # noqa: S603 - our own words
    assert (tmp_path / "old.db-wal").stat().st_size > 0
    done = restored(url, backup, force=True)
    assert ask(url, "SELECT id FROM journal_entries") == [(1,)]
    assert ask(f"sqlite:///{done.instead_of}", "SELECT id FROM journal_entries") == [(1,), (5,)]


def test_a_damaged_file_can_be_replaced_and_is_kept(backup: Path, tmp_path: Path) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"SQLite format 3\0" + b"\xff" * 5_000)
    before = broken.read_bytes()
    done = restored(f"sqlite:///{broken}", backup, force=True)
    assert ask(f"sqlite:///{broken}", "SELECT id FROM journal_entries") == [(1,)]
    assert done.instead_of is not None
    assert done.instead_of.read_bytes() == before


def test_a_file_that_a_server_has_is_refused_even_by_force(backup: Path, tmp_path: Path) -> None:
    path = tmp_path / "source.db"
    lock = ProcessLock(path)
    lock.take()
    before = path.read_bytes()
    with pytest.raises(DatabaseInUse):
        restored(f"sqlite:///{path}", backup, force=True)
    lock.release()
    assert path.read_bytes() == before


def test_a_file_that_somebody_reads_is_not_taken_from_under_him(backup: Path, tmp_path: Path) -> None:
    path = tmp_path / "read.db"
    path.write_bytes((tmp_path / "source.db").read_bytes())
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("PRAGMA journal_mode=WAL")
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM journal_entries").fetchone()
        with pytest.raises(DatabaseInUse, match="being read"):
            restored(f"sqlite:///{path}", backup, force=True)
        assert reader.execute("SELECT count(*) FROM journal_entries").fetchone() == (1,)
    assert not [name for name in files(tmp_path) if name.endswith(".part") or "before-restore" in name]


def test_a_postgresql_database_with_other_connections_is_refused(backup: Path, postgres_database: str) -> None:
    async def beside() -> None:
        database = await Database.open(postgres_database)
        try:
            with pytest.raises(DatabaseInUse, match="other connections"):
                await asyncio.to_thread(restored, postgres_database, backup, force=True)
        finally:
            await database.close()

    alone(beside())


@pytest.mark.parametrize("part", ["copying pages", "reading rows", "putting it in place", "writing", "reading back"])
def test_an_interrupted_restore_changes_nothing(backup: Path, database_url: str, part: str) -> None:
    from alphaforge.storage.backup.restoring import restore  # noqa: PLC0415 - with its own way of telling

    ask(database_url, ENTRY.format(id=99, pnl=1, notes="mine"))
    reached = []

    def interrupt(what: str, _done: int, _of: int) -> None:
        if what.startswith(part):
            reached.append(what)
            raise KeyboardInterrupt

    try:
        restore(database_url, backup, interrupt, now=NOW, force=True)
    except KeyboardInterrupt:
        assert ask(database_url, "SELECT id, notes FROM journal_entries") == [(99, "mine")]
        assert not [name for name in files(backup.parent) if name.endswith(".part") or "before" in name]
    else:
        assert not reached, "each kind has parts that the other has not"


def test_leases_end_jobs_that_were_at_work_wait_again_and_no_alert_is_sent_twice(
    database_url: str, elsewhere: str, tmp_path: Path
) -> None:
    job = "INSERT INTO jobs (id, kind, lane, payload, status, attempts, run_at, holder, held_until, cancelling,"
    job += " created_at)"
    ask(
        database_url,
        "INSERT INTO leases (name, holder, until) VALUES ('leader', 'a host far away', 9e9)",
        f"{job} VALUES (1, 'scan', 'x', '{{}}', 'running', 1, 1, 'a host far away', 9e9, false, 1)",
        f"{job} VALUES (2, 'scan', 'x', '{{}}', 'done', 1, 1, NULL, NULL, false, 1)",
        f"{job} VALUES (3, 'alert', 'y', '{{}}', 'queued', 0, 1, NULL, NULL, false, 1)",
    )
    restored(elsewhere, taken(database_url, tmp_path / "x.backup").backup.path)
    assert ask(elsewhere, "SELECT * FROM leases") == []
    assert ask(elsewhere, "SELECT id, status, holder, held_until FROM jobs ORDER BY id") == [
        (1, "queued", None, None),
        (2, "done", None, None),
        (3, "cancelled", None, None),  # the desk of the backup has sent it since
    ]


def test_values_that_postgresql_cannot_hold_are_named_all_at_once_and_nothing_is_changed(
    backup: Path, tmp_path: Path, postgres_database: str
) -> None:
    source = f"sqlite:///{tmp_path / 'source.db'}"
    ask(source, *(ENTRY.format(id=n, pnl=1, notes="x") for n in range(2, 8)))
    odd = {2: ("notes", "a\0b"), 3: ("symbol", "x" * 21), 4: ("lots", "much"), 5: ("duration_minutes", 217.5)}
    for number, (column, value) in (odd | {6: ("duration_minutes", 2**31), 7: ("open_time", "noon")}).items():
        ask(source, f"UPDATE journal_entries SET {column} = ? WHERE id = {number}", values=[value])  # noqa: S608 - ours
    ask(source, "UPDATE journal_entries SET tags = CAST(x'ff00' AS TEXT) WHERE id = 1")
    restored(postgres_database, backup)
    broken = taken(source, tmp_path / "odd.backup").backup.path
    with pytest.raises(InvalidRows) as refused:
        restored(postgres_database, broken, force=True)
    for number, column in (
        (1, "tags"),
        (6, "duration_minutes"),
        (7, "open_time"),
        *((n, c) for n, (c, _) in odd.items()),
    ):
        assert f"journal_entries id={number}: {column} is " in refused.value.message
    assert ask(postgres_database, "SELECT id, notes FROM journal_entries") == [(1, "as it was")]
    restored(f"sqlite:///{tmp_path / 'again.db'}", broken)
    assert ask(f"sqlite:///{tmp_path / 'again.db'}", "SELECT notes FROM journal_entries WHERE id = 2") == [("a\0b",)]


def test_what_does_not_arrive_as_it_was_sent_is_noticed_before_it_is_committed(
    backup: Path, postgres_database: str
) -> None:
    alone(_made(postgres_database))
    ask(postgres_database, ENTRY.format(id=99, pnl=1, notes="mine"))
    ask(postgres_database, "ALTER TABLE journal_entries ALTER COLUMN entry_price TYPE real")
    with pytest.raises(StorageError, match="journal_entries did not arrive as it was sent"):
        restored(postgres_database, backup, force=True)
    assert ask(postgres_database, "SELECT id FROM journal_entries") == [(99,)]


def bits(rows: list[tuple[Any, ...]]) -> list[bytes]:
    return [struct.pack(">d", value) for (value,) in rows]


def test_floats_that_sqlite_does_not_know_travel_between_postgresql_databases_and_not_into_sqlite(
    postgres_url: str, postgres_database: str, tmp_path: Path
) -> None:
    alone(_made(postgres_database))
    ask(postgres_database, *(ENTRY.format(id=n, pnl="NULL", notes="x") for n in (1, 2)))
    ask(postgres_database, "UPDATE journal_entries SET mae = '-0' WHERE id = 1")
    ask(postgres_database, "UPDATE journal_entries SET mae = 'NaN' WHERE id = 2")
    asked = "SELECT mae FROM journal_entries ORDER BY id"
    before = bits(ask(postgres_database, asked))
    path = taken(postgres_database, tmp_path / "x.backup").backup.path
    restored(postgres_database, path, force=True)
    assert bits(ask(postgres_database, asked)) == before
    target = f"sqlite:///{tmp_path / 'x.db'}"
    with pytest.raises(InvalidRows, match="journal_entries id=2: mae is NaN"):
        restored(target, path)
    assert not path_of(target).exists()
    ask(postgres_database, "UPDATE journal_entries SET mae = 'Infinity' WHERE id = 2")
    restored(target, taken(postgres_database, path, force=True).backup.path)
    assert ask(target, asked) == [(0.0,), (float("inf"),)]


SMALL_FILES = "import resource; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))"
"""No file may grow beyond 100 kB: as on a disk that is full."""


@pytest.mark.skipif(os.name == "nt", reason="Windows knows no limit of a file's size")
@pytest.mark.usefixtures("backup")
def test_a_backup_without_room_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    target, source = tmp_path / "full.backup", f"sqlite:///{tmp_path / 'source.db'}"
    code = f"{SMALL_FILES};from alphaforge.cli import main;main(['backup', {str(target)!r}])"
    done = subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-c", code],
        env=os.environ | {"DATABASE_URL": source},
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert done.returncode == 4, done.stderr
    assert "full.backup could not be written" in done.stderr
    assert not [name for name in files(tmp_path) if "full" in name]
