"""The file of a backup: a SQLite database of ours, and two tables more that say what it is and what it must hold.

`alphaforge_backup` (key, value) says format, program, revision, taken_at and source; `alphaforge_backup_tables` says
of each other table how many rows it has, and their digest: the sum, modulo 2^256, of the SHA-256 of each row, a row
being the MessagePack array of its columns in the order of the table. A sum, so that the order of rows is no matter:
two databases sort texts differently. They are written last: a file that was cut off has none of it.
"""

import hashlib
import os
import sqlite3
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from alphaforge.core.errors import DatabaseForeign, DatabaseNewer, DatabaseUnwritable, StorageError
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.storage.adoption_sqlite import to_disk
from alphaforge.storage.failures import plainly

FORMAT = 1
APPLICATION = 0x416C4662
"""`AlFb`: what `file` and SQLite call an application id; 0 in a database at work."""
ABOUT, CONTENTS = "alphaforge_backup", "alphaforge_backup_tables"
_OWN = f"'{ABOUT}', '{CONTENTS}'"
_PAGES, _ROWS = 1_024, 2_000
_TAKE_ANOTHER = "Take another backup; `alphaforge backup --verify PATH` says which are whole."

Tell = Callable[[str, int, int], None]
"""Hears how far a work has come: what is done, how much of it, of how much."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Content:
    """What a table holds."""

    table: str
    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Backup:
    """What a backup says of itself: `source` is the kind of database, `taken_at` its moment in epoch seconds."""

    path: Path
    program: str
    revision: str
    source: str
    taken_at: float
    contents: tuple[Content, ...]

    @property
    def rows(self) -> int:
        """Of all tables together."""
        return sum(content.rows for content in self.contents)


class Digest:
    """The digest of rows that come in any order."""

    def __init__(self) -> None:
        self.rows = 0
        self._sum = 0

    def of(self, rows: Iterable[Row]) -> Iterator[Row]:
        """The same rows, counted in while they pass."""
        encode, sha256 = msgspec.msgpack.Encoder().encode, hashlib.sha256
        for row in rows:
            self._sum += int.from_bytes(sha256(encode(row)).digest(), "big")
            self.rows += 1
            yield row

    @property
    def hex(self) -> str:
        """As it is written."""
        return f"{self._sum % (1 << 256):064x}"


def quoted(name: str) -> str:
    """A name as both databases take it."""
    return '"' + name.replace('"', '""') + '"'


def text_or_bytes(raw: bytes) -> str | bytes:
    """A text of SQLite; what is no UTF-8 stays what it is instead of ending the whole reading."""
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw


def open_still(path: Path) -> sqlite3.Connection:
    """A file that nobody writes, without a byte written beside it."""
    address = f"{path.resolve().as_uri()}?mode=ro&immutable=1"
    connection = sqlite3.connect(address, uri=True, isolation_level=None, check_same_thread=False)
    connection.text_factory = text_or_bytes
    return connection


def open_part(path: Path) -> sqlite3.Connection:
    """A file that is being made: nothing of it needs to survive before all of it is on the disk."""
    connection = sqlite3.connect(path, isolation_level=None)
    connection.execute("PRAGMA journal_mode=OFF")
    connection.execute("PRAGMA synchronous=OFF")
    return connection


def tables_in(connection: sqlite3.Connection) -> list[str]:
    """Every table but those that describe the backup."""
    found = connection.execute(
        f"SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\'"  # noqa: S608 - names of this module
        f" AND name NOT IN ({_OWN}) ORDER BY name"
    )
    return [name for (name,) in found]


def columns_in(connection: sqlite3.Connection, table: str) -> list[str]:
    """A table's columns in its order."""
    return [name for (name,) in connection.execute("SELECT name FROM pragma_table_info(?) ORDER BY cid", (table,))]


def copy_pages(source: sqlite3.Connection, part: Path, tell: Tell) -> None:
    """Copy a database as it is at this moment: what others commit meanwhile neither waits nor gets into it."""
    with closing(open_part(part)) as target:
        source.execute("BEGIN")  # holds the moment over all steps; without it each commit begins the copy anew
        source.execute("SELECT count(*) FROM sqlite_master").fetchone()
        try:
            source.backup(
                target, pages=_PAGES, progress=lambda _, left, pages: tell("copying pages", pages - left, pages)
            )
        finally:
            source.execute("ROLLBACK")
        target.execute("PRAGMA journal_mode=DELETE")  # whole by itself: no WAL beside it


def contents_of(connection: sqlite3.Connection, tell: Tell) -> tuple[Content, ...]:
    """What each table holds, read row by row."""
    tables = tables_in(connection)
    counts = {name: connection.execute(f"SELECT count(*) FROM {quoted(name)}").fetchone()[0] for name in tables}  # noqa: S608 - quoted
    total, done, found = sum(counts.values()), 0, []
    for name in tables:
        digest = Digest()
        columns = ", ".join(map(quoted, columns_in(connection, name)))
        for _ in digest.of(connection.execute(f"SELECT {columns} FROM {quoted(name)}")):  # noqa: S608 - quoted
            done += 1
            if done % _ROWS == 0:
                tell("reading rows", done, total)
        found.append(Content(name, digest.rows, digest.hex))
    tell("reading rows", total, total)
    return tuple(found)


def describe(part: Path, tell: Tell, *, program: str, source: str, taken_at: float) -> None:
    """Write into a finished file what it is."""
    with closing(open_part(part)) as connection:
        connection.text_factory = text_or_bytes
        revisions = [revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]
        contents = contents_of(connection, tell)
        about = {"format": str(FORMAT), "program": program, "revision": revisions[0], "source": source}
        about["taken_at"] = rfc3339(taken_at)
        connection.execute("BEGIN")
        connection.execute(f"CREATE TABLE {ABOUT} (key TEXT PRIMARY KEY, value TEXT NOT NULL)")
        connection.execute(
            f"CREATE TABLE {CONTENTS} (name TEXT PRIMARY KEY, rows INTEGER NOT NULL, digest TEXT NOT NULL)"
        )
        connection.executemany(f"INSERT INTO {ABOUT} VALUES (?, ?)", about.items())  # noqa: S608 - names of this module
        rows = [(content.table, content.rows, content.digest) for content in contents]
        connection.executemany(f"INSERT INTO {CONTENTS} VALUES (?, ?, ?)", rows)  # noqa: S608 - the same
        connection.execute(f"PRAGMA application_id = {APPLICATION}")
        connection.execute("COMMIT")


def undescribe(connection: sqlite3.Connection) -> None:
    """Make it a database at work again."""
    connection.execute(f"DROP TABLE {ABOUT}")
    connection.execute(f"DROP TABLE {CONTENTS}")
    connection.execute("PRAGMA application_id = 0")


def read_about(path: Path) -> Backup:
    """What a backup says of itself, unchecked. DatabaseForeign for what is none, DatabaseNewer for a newer format."""
    if not path.is_file():
        raise StorageError(f"{path} is not there" if not path.exists() else f"{path} is no file")
    no_backup = f"{path} is no backup of AlphaForge, or was never finished"
    try:
        with closing(open_still(path)) as connection:
            about = dict(connection.execute(f"SELECT key, value FROM {ABOUT}"))  # noqa: S608 - names of this module
            rows = list(connection.execute(f"SELECT name, rows, digest FROM {CONTENTS} ORDER BY name"))  # noqa: S608 - the same
    except sqlite3.OperationalError as error:
        raise DatabaseForeign(no_backup, advice="Name a file that `alphaforge backup` made.") from error
    except sqlite3.DatabaseError as error:
        raise StorageError(f"{path} is damaged, or {no_backup.partition(' is ')[2]}", advice=_TAKE_ANOTHER) from error
    if about.get("format") != str(FORMAT):
        message = f"{path} is a backup of format {about.get('format')}, made by AlphaForge {about.get('program')}"
        raise DatabaseNewer(message, advice="Use that version, or a newer one.")
    contents = tuple(Content(*row) for row in rows)
    return Backup(
        path, about["program"], about["revision"], about["source"], parse_rfc3339(about["taken_at"]), contents
    )


def verify(path: Path, tell: Tell, *, in_its_place: Path | None = None) -> Backup:
    """Read every row, of a copy where there is one, and hold it to what the backup says.

    StorageError naming the tables that differ.
    """
    said = read_about(path)
    try:
        with closing(open_still(in_its_place or path)) as connection:
            found = contents_of(connection, tell)
    except sqlite3.DatabaseError as error:
        raise StorageError(f"The backup {path} is damaged: {error}", advice=_TAKE_ANOTHER) from error
    if found != said.contents:
        differing = sorted({one.table for one in set(found) ^ set(said.contents)})
        message = f"The backup {path} is damaged, or was changed after it was made: {', '.join(differing)}"
        raise StorageError(message, advice=_TAKE_ANOTHER)
    return said


@contextmanager
def new_file(path: Path) -> Iterator[Path]:
    """A file beside `path` for its owner alone, which bears that name once all of it is on the disk; or nothing."""
    if not path.parent.is_dir():
        raise DatabaseUnwritable(f"The folder {path.parent} does not exist", advice="Create it, or name another.")
    try:
        handle, name = tempfile.mkstemp(prefix=f"{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        message = f"Nothing can be written to {path.parent}: {error.strerror}"
        raise DatabaseUnwritable(message, advice="Give this user write access to the folder.") from error
    os.close(handle)
    part = Path(name)
    try:
        with _room_at(path):
            yield part
            to_disk(part)
            part.replace(path)
            to_disk(path.parent)
    finally:
        for leftover in (part, *(part.with_name(part.name + suffix) for suffix in ("-journal", "-wal", "-shm"))):
            with suppress(FileNotFoundError):
                leftover.unlink()


@contextmanager
def _room_at(path: Path) -> Iterator[None]:
    """Whatever cannot be written here is a matter of this file, not of the database that is read."""
    try:
        with plainly():
            yield
    except OSError as error:
        message = f"{path} could not be written: {error.strerror or error}"
        raise DatabaseUnwritable(
            message, advice="Make room there, or name another place. Nothing is left of it."
        ) from error
    except StorageError as error:
        if isinstance(error.__cause__, sqlite3.OperationalError) and _is_of_writing(error.__cause__):
            message = f"{path} could not be written: {error.__cause__}"
            advice = "Make room there, or name another place. Nothing is left of it."
            raise DatabaseUnwritable(message, advice=advice) from error
        raise


def _is_of_writing(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode in {sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR_WRITE, sqlite3.SQLITE_IOERR_FSYNC}
