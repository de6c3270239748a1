"""What a database driver complains about, in plain words."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from alphaforge.core.errors import AlphaForgeError, DatabaseBusy, DatabaseUnwritable, InvalidInput, StorageError

_TRY_AGAIN = "Try again in a moment."
_MAKE_ROOM = "Make room; nothing that was acknowledged is lost."
_RESTORE = "Stop the server, keep a copy of the file, and go back to the newest backup."

_Kind = Callable[[], AlphaForgeError]

_SQLITE: dict[int, _Kind] = {
    sqlite3.SQLITE_BUSY: lambda: DatabaseBusy("Another program is writing to the database", advice=_TRY_AGAIN),
    sqlite3.SQLITE_LOCKED: lambda: DatabaseBusy("The database is locked", advice=_TRY_AGAIN),
    sqlite3.SQLITE_FULL: lambda: DatabaseUnwritable("The disk of the database is full", advice=_MAKE_ROOM),
    sqlite3.SQLITE_READONLY: lambda: DatabaseUnwritable(
        "The database is read-only", advice="Give this user write access to the file and to its folder."
    ),
    sqlite3.SQLITE_CANTOPEN: lambda: DatabaseUnwritable(
        "The database file cannot be opened", advice="Check that the file and its folder are there and accessible."
    ),
    sqlite3.SQLITE_IOERR: lambda: StorageError(
        "The disk of the database fails to read or write", advice="Check the disk and the system's log."
    ),
    sqlite3.SQLITE_CORRUPT: lambda: StorageError("The database file is damaged", advice=_RESTORE),
    sqlite3.SQLITE_NOTADB: lambda: StorageError("The database file is damaged", advice=_RESTORE),
}

_POSTGRESQL: dict[str, _Kind] = {
    "53100": lambda: DatabaseUnwritable("PostgreSQL's disk is full", advice=_MAKE_ROOM),
    "53200": lambda: DatabaseBusy("PostgreSQL is out of memory", advice=_TRY_AGAIN),
    "53300": lambda: DatabaseBusy(
        "PostgreSQL accepts no more connections", advice="Lower DB_POOL_SIZE or raise max_connections."
    ),
    "25006": lambda: DatabaseUnwritable("PostgreSQL is read-only", advice="Connect to the primary server."),
    "42501": lambda: DatabaseUnwritable(
        "This PostgreSQL user may not do that", advice="Let the user own the database, or grant it CREATE on it."
    ),
    "28P01": lambda: StorageError("PostgreSQL refuses the password", advice="Check DATABASE_URL."),
    "28000": lambda: StorageError("PostgreSQL refuses this user", advice="Check DATABASE_URL and pg_hba.conf."),
    "3D000": lambda: StorageError("There is no such PostgreSQL database", advice="Create it first: createdb NAME."),
    "55P03": lambda: DatabaseBusy("Another program holds the tables", advice="Stop the predecessor and try again."),
    "57014": lambda: DatabaseBusy("PostgreSQL took too long", advice=_TRY_AGAIN),
    "40001": lambda: DatabaseBusy("Two writers met", advice=_TRY_AGAIN),
    "40P01": lambda: DatabaseBusy("Two writers met", advice=_TRY_AGAIN),
    "22001": lambda: InvalidInput("A text is longer than its column"),
    "22003": lambda: InvalidInput("A number is too large for its column"),
    "22021": lambda: InvalidInput("A text holds a character that the database cannot keep"),
    "22P02": lambda: InvalidInput("A word is not among those that its column knows"),
}


def in_plain_words(error: BaseException) -> AlphaForgeError | None:
    """The error of ours for a driver's complaint; None where it is a fault of this program."""
    if isinstance(error, PoolTimeout):
        return DatabaseBusy("All connections to the database are in use", advice=_TRY_AGAIN)
    if isinstance(error, DBAPIError):
        gone = StorageError("The connection to the database was lost", advice=_TRY_AGAIN)
        known = in_plain_words(error.orig) if error.orig is not None else None
        return known or (gone if error.connection_invalidated else None)
    if isinstance(error, sqlite3.Error):
        code = getattr(error, "sqlite_errorcode", None)
        kind = _SQLITE.get(code & 0xFF) if code is not None else None  # the low byte is the kind, the rest its detail
        return kind() if kind else None
    return _postgresql(error)


def _postgresql(error: BaseException) -> AlphaForgeError | None:
    state = getattr(error, "sqlstate", None) or getattr(error.__cause__, "sqlstate", None)
    if not isinstance(state, str):
        return None
    if state in _POSTGRESQL:
        return _POSTGRESQL[state]()
    if state.startswith(("08", "57P")):
        return StorageError("PostgreSQL is not available", advice="Check that it runs; it is asked again by itself.")
    return None


def unreachable(error: OSError, where: str) -> StorageError:
    """PostgreSQL did not answer at all."""
    message = f"{where} cannot be reached: {error.strerror or type(error).__name__}"
    return StorageError(message, advice="Check that PostgreSQL runs and that DATABASE_URL names its host and port.")


@contextmanager
def plainly(told: Callable[[Exception], object] = lambda _: None) -> Iterator[None]:
    """Raise what a driver raises as an error of ours, with the driver's as its cause.

    `told` is called with the error where the driver raised one, ours or, where there is none for it, the driver's.
    """
    try:
        yield
    except AlphaForgeError:
        raise
    except Exception as error:
        plain = in_plain_words(error)
        if plain is None:
            if isinstance(error, DBAPIError):
                told(error)
            raise
        told(plain)
        raise plain from error
