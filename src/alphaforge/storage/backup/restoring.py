"""Restoring a backup of either kind into either kind: proven whole first, then all of it or nothing."""

import asyncio
import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import LargeBinary

from alphaforge.core.errors import DatabaseForeign, DatabaseInUse, DatabaseNewer, InvalidRows, StorageError
from alphaforge.storage import adoption, adoption_sqlite, tables
from alphaforge.storage.address import parse_address
from alphaforge.storage.backup import file, postgresql
from alphaforge.storage.backup.anew import begin_anew, recount_statements
from alphaforge.storage.backup.values import MINUS_ZERO, Meant
from alphaforge.storage.failures import plainly
from alphaforge.storage.lock import ProcessLock

_MOST_FAULTS = 20
_ROWS = 2_000


@dataclass(frozen=True, slots=True)
class Restored:
    """A database that is there again.

    `instead_of`: where what it replaced is kept (SQLite). `left_out`: what a file held that is not AlphaForge's, and
    PostgreSQL therefore did not get.
    """

    backup: file.Backup
    where: str
    instead_of: Path | None = None
    left_out: tuple[str, ...] = ()


def restore(url: str, path: Path, tell: file.Tell, *, now: float, force: bool = False) -> Restored:
    """Make the database at `url` what the backup at `path` holds; blocks.

    Refuses a database that is in use, and one that is not empty unless `force`; a backup that is damaged, newer, or
    holds what this kind of database cannot (InvalidRows naming the rows). Refused, failing or killed, nothing changes.
    """
    address = parse_address(url)
    about = file.read_about(path)
    if about.revision not in adoption.KNOWN:
        message = f"{path} was made by a newer AlphaForge ({about.program}, revision {about.revision})"
        raise DatabaseNewer(message, advice="Install that version or a newer one, and restore with it.")
    if address.path is not None:
        return _into_file(address.path, path, tell, now=now, force=force)
    with _current(path, tell) as (backup, current):
        _complain_of_what_postgresql_cannot_hold(current, backup.rows, tell)
        asyncio.run(postgresql.copy_in(address, current, tell, force=force))
        left_out = _not_ours(current)
    return Restored(backup, address.for_people, left_out=left_out)


def _into_file(target: Path, path: Path, tell: file.Tell, *, now: float, force: bool) -> Restored:
    _complain_of_content(target, force=force)
    lock = ProcessLock(target)
    lock.take()
    try:
        with file.new_file(target) as part:
            backup = _copied(path, part, tell)
            _settle(part, backup.source)
            _complain_of_damage(part)
            tell("putting it in place", 0, 1)
            instead_of = _set_aside(target, part, now) if _has_content(target) else None
        tell("putting it in place", 1, 1)
    finally:
        lock.release()
    return Restored(backup, str(target), instead_of)


def _has_content(target: Path) -> bool:
    return target.exists() and target.stat().st_size > 0


def _complain_of_content(target: Path, *, force: bool) -> None:
    """Before anything is written beside it; with force any file may be replaced, since it is kept."""
    if target.is_dir() or not (force and target.exists()):
        state = adoption_sqlite.look(target)
        if state is not adoption.State.EMPTY:
            raise postgresql.not_empty(str(target))


def _copied(path: Path, part: Path, tell: file.Tell) -> file.Backup:
    """Copy a backup, and prove the copy: what was read once is what will be used."""
    with closing(file.open_still(path)) as source:
        file.copy_pages(source, part, tell)
    return file.verify(path, tell, in_its_place=part)


@contextmanager
def _current(path: Path, tell: file.Tell) -> Iterator[tuple[file.Backup, Path]]:
    """What a backup holds, proven, and of this version's revision: itself, or a migrated copy."""
    if file.read_about(path).revision == adoption.HEAD:
        yield file.verify(path, tell), path
        return
    with tempfile.TemporaryDirectory(prefix="alphaforge-restore-") as folder:
        part = Path(folder) / "current"
        backup = _copied(path, part, tell)
        _migrate(part)
        yield backup, part


def _migrate(part: Path) -> None:
    with plainly(), adoption_sqlite.transaction(part) as connection:
        adoption.bring_up_to_date(connection, adoption.State.OLDER)


def _settle(part: Path, source: str) -> None:
    """From a backup to a database at work, of this version."""
    with closing(file.open_part(part)) as connection:
        revision = connection.execute("SELECT version_num FROM alembic_version").fetchone()[0]
        file.undescribe(connection)
    if revision != adoption.HEAD:
        _migrate(part)
    with closing(file.open_part(part)) as connection:
        if source == "postgresql":
            _complain_of_what_sqlite_cannot_hold(connection)
        for statement in recount_statements("sqlite"):
            connection.execute(statement)
    with plainly(), adoption_sqlite.transaction(part) as sqlalchemy:
        begin_anew(sqlalchemy)


def _complain_of_what_sqlite_cannot_hold(connection: sqlite3.Connection) -> None:
    """Floats that are kept as bytes: -0.0 becomes the 0.0 that it equals, NaN is none that SQLite knows."""
    faults: list[str] = []
    for table in tables.metadata.sorted_tables:
        name, meant = file.quoted(table.name), Meant(table)
        for column in table.columns:
            if isinstance(column.type, LargeBinary):
                continue
            cell = file.quoted(column.name)
            connection.execute(f"UPDATE {name} SET {cell} = 0.0 WHERE {cell} = ?", (MINUS_ZERO,))  # noqa: S608 - quoted
            names = ", ".join(file.quoted(one.name) for one in table.columns)
            odd = connection.execute(f"SELECT {names} FROM {name} WHERE typeof({cell}) = 'blob'")  # noqa: S608 - quoted
            faults += [
                f"{meant.named(row)}: {column.name} is NaN" for row in odd.fetchmany(_MOST_FAULTS + 1 - len(faults))
            ]
    _complain_of(faults, "SQLite")


def _complain_of_what_postgresql_cannot_hold(path: Path, rows: int, tell: file.Tell) -> None:
    """Every row is looked at before the first is sent, so that all that is wrong can be said at once."""
    faults: list[str] = []
    done = 0
    with closing(file.open_still(path)) as source:
        for table in tables.metadata.sorted_tables:
            if table.name in postgresql.DERIVED:
                continue
            meant, names = Meant(table), ", ".join(file.quoted(column.name) for column in table.columns)
            for row in source.execute(f"SELECT {names} FROM {file.quoted(table.name)}"):  # noqa: S608 - quoted
                try:
                    meant.row(row)
                except ValueError:
                    faults += meant.faults(row)
                done += 1
                if done % _ROWS == 0:
                    tell("checking values", done, rows)
                if len(faults) > _MOST_FAULTS:
                    break
    tell("checking values", rows, rows)
    _complain_of(faults, "PostgreSQL")


def _not_ours(path: Path) -> tuple[str, ...]:
    ours = {table.name: set(table.columns.keys()) for table in tables.metadata.sorted_tables}
    with closing(file.open_still(path)) as source:
        there = {name: file.columns_in(source, name) for name in file.tables_in(source) if name != "alembic_version"}
    columns = (f"{name}.{one}" for name in there.keys() & ours.keys() for one in there[name] if one not in ours[name])
    return (*sorted(there.keys() - ours.keys()), *sorted(columns))


def _complain_of(faults: list[str], kind: str) -> None:
    if not faults:
        return
    shown = "\n".join(f"  {fault}" for fault in faults[:_MOST_FAULTS])
    more = "\n  and more" if len(faults) > _MOST_FAULTS else ""
    raise InvalidRows(
        f"{kind} cannot hold all of this backup:\n{shown}{more}",
        advice="Nothing was changed. Correct these in the database that it was taken of, and take another backup.",
    )


def _complain_of_damage(part: Path) -> None:
    with closing(file.open_part(part)) as connection:
        found = [line for (line,) in connection.execute("PRAGMA integrity_check(5)") if line != "ok"]
    if found:
        raise StorageError(f"The restored database is damaged: {'; '.join(found)}", advice="Use another backup.")


def _fold_wal(target: Path) -> None:
    """Let the file be whole by itself: a WAL that it leaves behind would be played into the one that takes its name."""
    try:
        with closing(sqlite3.connect(target, timeout=0, isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode=DELETE")
    except sqlite3.DatabaseError as error:
        if error.sqlite_errorcode == sqlite3.SQLITE_BUSY:
            message = f"{target} is being read by another program"
            raise DatabaseInUse(message, advice="End it, then try again. Nothing was changed.") from error
        # damaged beyond opening: what it has of a WAL is set aside with it, as it is


def _set_aside(target: Path, part: Path, now: float) -> Path:
    """Keep the database that is replaced under another name, with all that belongs to it; at `target` it stays too."""
    aside = target.with_name(f"{target.name}.before-restore-{datetime.fromtimestamp(now, UTC):%Y%m%dT%H%M%SZ}")
    if aside.exists():
        raise DatabaseForeign(f"{aside} is there already", advice="Move it away, or try again a second later.")
    _fold_wal(target)
    shutil.copymode(target, part)
    try:
        os.link(target, aside)
    except OSError:  # a file system without links
        shutil.copy2(target, aside)
        adoption_sqlite.to_disk(aside)
    for suffix in ("-wal", "-shm"):
        beside = target.with_name(target.name + suffix)
        if beside.exists():
            beside.replace(aside.with_name(aside.name + suffix))
    return aside
