"""Creating, adopting and migrating a PostgreSQL database, whoever of several processes comes first."""

from collections.abc import Callable
from datetime import UTC, datetime

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from alphaforge.storage.adoption import (
    HEAD,
    LEGACY_TABLES,
    Catalog,
    State,
    bring_up_to_date,
    not_adopted,
    state_of,
)
from alphaforge.storage.connection import transaction

_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(4701201905)")  # any number that only AlphaForge uses
_NOT_FOR_EVER = text("SET LOCAL lock_timeout = '10s'")
_TABLES = text("SELECT tablename FROM pg_tables WHERE schemaname = current_schema()")
_COLUMNS = text("SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = current_schema()")
_REVISION = text("SELECT version_num FROM alembic_version")


async def claim(engine: Engine, where: str) -> None:
    """Make the database ours and current."""
    if await is_current(engine):
        return
    async with transaction(engine) as connection:
        await connection.execute(_ONE_AT_A_TIME)
        await connection.execute(_NOT_FOR_EVER)
        await connection.run_sync(_bring_up_to_date, where)


async def is_current(engine: Engine) -> bool:
    """The one question of an ordinary start."""
    async with transaction(engine) as connection:
        try:
            return (await connection.execute(_REVISION)).scalars().all() == [HEAD]
        except DBAPIError as error:
            if getattr(error.orig, "sqlstate", None) == "42P01":  # no such table
                return False
            raise


async def check_current(engine: Engine, where: str) -> None:
    """For readers: raises StorageError where only a server can make the database usable."""
    if not await is_current(engine):
        async with transaction(engine) as connection:
            state = await connection.run_sync(lambda plain: state_of(catalog(plain), where))
        raise not_adopted(where, state)


async def over_engine(engine: Engine, work: Callable[[Connection], None]) -> None:
    """Run `work` in one transaction while no one else migrates."""
    async with transaction(engine) as connection:
        await connection.execute(_ONE_AT_A_TIME)
        await connection.execute(_NOT_FOR_EVER)
        await connection.run_sync(work)


def _bring_up_to_date(connection: Connection, where: str) -> None:
    state = state_of(catalog(connection), where)
    if state is State.PREDECESSOR:
        _back_up(connection)
    if state is not State.CURRENT:
        bring_up_to_date(connection, state)


def catalog(connection: Connection) -> Catalog:
    """What there is in the schema of this connection."""
    columns: dict[str, set[str]] = {name: set() for (name,) in connection.execute(_TABLES)}
    for table, column in connection.execute(_COLUMNS):
        if table in columns:
            columns[table].add(column)
    revisions: list[str] = []
    if columns.get("alembic_version") == {"version_num"}:
        revisions = list(connection.execute(_REVISION).scalars())
    return Catalog({name: frozenset(found) for name, found in columns.items()}, tuple(revisions))


def _back_up(connection: Connection) -> None:
    """A copy of the predecessor's tables in a schema of its own: pg_dump may not be at hand."""
    schema = f"alphaforge_backup_{datetime.now(UTC).strftime('%Y%m%dt%H%M%Sz')}"
    present = set(connection.execute(_TABLES).scalars())
    connection.execute(text(f"CREATE SCHEMA {schema}"))
    for table in LEGACY_TABLES:
        if table.name in present:
            # nothing is written between the copy and the change
            connection.execute(text(f"LOCK TABLE {table.name} IN ACCESS EXCLUSIVE MODE"))
            connection.execute(text(f"CREATE TABLE {schema}.{table.name} AS TABLE {table.name}"))
