"""Creating, adopting and migrating a SQLite file. Everything here blocks: it runs in a thread, before any engine."""

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, create_engine
from sqlalchemy.pool import StaticPool

from alphaforge.core.errors import DatabaseForeign, DatabaseUnwritable, StorageError
from alphaforge.storage.adoption import Catalog, State, bring_up_to_date, not_adopted, state_of
from alphaforge.storage.failures import plainly
from alphaforge.storage.lock import ProcessLock
from alphaforge.storage.sqlite_driver import BUSY_SECONDS, open_reader

_MAGIC = b"SQLite format 3\x00"


def claim(path: Path) -> ProcessLock:
    """Make the file ours and current, and return the lock that keeps every other writer away."""
    with plainly():
        look(path)  # a file that must be left alone gets no lock file beside it either
        _complain_of_write_protection(path)
        lock = ProcessLock(path)
        lock.take()
        try:
            state = look(path)
            if state is not State.CURRENT:
                _bring_up_to_date(path, state)
        except BaseException:
            lock.release()
            raise
        return lock


def check_current(path: Path) -> None:
    """For readers: raises StorageError where only a server can make the file usable."""
    state = look(path)
    if state is not State.CURRENT:
        raise not_adopted(str(path), state)


@plainly()
def look(path: Path) -> State:
    """What the file is, without a byte written. Raises the StorageError family for what cannot be looked at."""
    if path.is_dir():
        message = f"{path} is a folder"
        raise DatabaseForeign(message, advice="Name a file in DATABASE_URL, e.g. sqlite:///./trading_signals.db.")
    if not path.parent.is_dir():
        message = f"The folder {path.parent} does not exist"
        raise DatabaseUnwritable(message, advice="Create it, or correct DATABASE_URL.")
    try:
        with path.open("rb") as file:
            start = file.read(len(_MAGIC))
    except FileNotFoundError:
        return State.EMPTY
    except OSError as error:
        message = f"{path} cannot be read: {error.strerror}"
        raise DatabaseUnwritable(message, advice="Give this user access to the file.") from error
    if not start:
        return State.EMPTY
    if start != _MAGIC:
        message = f"{path} is not a SQLite database"
        raise DatabaseForeign(message, advice="Correct DATABASE_URL. The file is untouched.")
    return state_of(_catalog(path), str(path))


def _complain_of_write_protection(path: Path) -> None:
    """SQLite itself would notice at the first write only, and fall back to reading."""
    if path.exists() and not os.access(path, os.W_OK):
        message = f"{path} cannot be written"
        raise DatabaseUnwritable(message, advice="Give this user write access to the file and to its folder.")


def over_file(path: Path, work: Callable[[Connection], None]) -> None:
    """Run `work` in one transaction on a file that no one else writes meanwhile."""
    with plainly():
        lock = ProcessLock(path)
        lock.take()
        try:
            with transaction(path) as connection:
                work(connection)
        finally:
            lock.release()


def _catalog(path: Path) -> Catalog:
    try:
        with closing(open_reader(path)) as connection:
            return _read_catalog(connection)
    except sqlite3.OperationalError:
        # killed in the midst of a commit, its journal must be played back first, and that is writing
        with closing(_open_for_adoption(path)) as connection:
            return _read_catalog(connection)


def _read_catalog(connection: sqlite3.Connection) -> Catalog:
    names = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
    columns = {
        name: frozenset(column for (column,) in connection.execute("SELECT name FROM pragma_table_info(?)", (name,)))
        for name in names
        if not name.startswith("sqlite_")
    }
    revisions: list[str] = []
    if columns.get("alembic_version", frozenset()) == {"version_num"}:
        revisions = [revision for (revision,) in connection.execute("SELECT version_num FROM alembic_version")]
    return Catalog(columns, tuple(revisions))


def _open_for_adoption(path: Path) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"{path.as_uri()}?mode=rwc", uri=True, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
    )
    connection.execute("PRAGMA synchronous=FULL")
    return connection


@contextmanager
def transaction(path: Path) -> Iterator[Connection]:
    """One transaction on a file that no one else writes meanwhile."""
    raw = _open_for_adoption(path)
    engine = create_engine("sqlite://", creator=lambda: raw, poolclass=StaticPool)
    try:
        # begun by hand, and after SQLAlchemy's own first questions, which end in a rollback
        with engine.connect() as connection, connection.begin():
            connection.exec_driver_sql("BEGIN IMMEDIATE")
            yield connection
    finally:
        engine.dispose()
        raw.close()


def _bring_up_to_date(path: Path, state: State) -> None:
    with transaction(path) as connection:
        if state is State.PREDECESSOR:
            _back_up(path)  # within the transaction: nobody writes between the copy and the change
        bring_up_to_date(connection, state)


def _back_up(path: Path) -> Path:
    """A copy beside the file, complete and on the disk before it bears its name."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    backup = path.with_name(f"{path.name}.backup-{stamp}")
    partial = path.with_name(f"{path.name}.backup-partial")
    try:
        partial.unlink(missing_ok=True)
        with closing(open_reader(path)) as source, closing(sqlite3.connect(partial)) as target:
            source.backup(target)
        shutil.copymode(path, partial)
        to_disk(partial)
        partial.replace(backup)
        to_disk(path.parent)
    except (OSError, sqlite3.Error) as error:
        partial.unlink(missing_ok=True)
        message = f"The backup copy {backup} could not be written: {error}"
        raise StorageError(message, advice="Make room beside the database; it is untouched.") from error
    return backup


def to_disk(path: Path) -> None:
    """Return when it is there to stay: a file's content, or a folder's names."""
    if os.name == "nt" and path.is_dir():  # pragma: no cover - Windows has no such call for folders
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
