"""Opening the database from the command line: for reading beside a running server, or alone for writing."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

from alphaforge.core.errors import DatabaseInUse

if TYPE_CHECKING:
    from alphaforge.settings import Settings  # both are slow to import, and `--help` needs neither
    from alphaforge.storage.engine import Database

STOP_FIRST = "Stop the server, do this, and start it again: one process writes a SQLite file."


@asynccontextmanager
async def reading(settings: "Settings") -> AsyncIterator["Database"]:
    """The database, unchangeable; works beside a running server."""
    from alphaforge.storage.engine import Database  # noqa: PLC0415 - see above

    database = await Database.open(settings.database_url.get_secret_value(), read_only=True)
    try:
        yield database
    finally:
        await database.close()


@asynccontextmanager
async def writing(settings: "Settings", instead: str) -> AsyncIterator["Database"]:
    """The database for writing; `instead` says what to do while a server has it."""
    from alphaforge.storage.engine import Database  # noqa: PLC0415 - see above

    with busy_server(instead):
        database = await Database.open(settings.database_url.get_secret_value())
    try:
        yield database
    finally:
        await database.close()


@contextmanager
def busy_server(instead: str) -> Iterator[None]:
    """Says what to do `instead` where a running server holds the database."""
    try:
        yield
    except DatabaseInUse as error:
        raise DatabaseInUse(error.message, advice=instead) from error
