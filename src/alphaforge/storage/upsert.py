"""INSERT with a word on conflicts, which each database spells in a dialect of its own."""

from typing import TYPE_CHECKING

from sqlalchemy import Table
from sqlalchemy.dialects import sqlite

from alphaforge.storage.connection import AsyncConnection

if TYPE_CHECKING:
    from sqlalchemy.dialects.postgresql import Insert as PostgresqlInsert


def insert(connection: AsyncConnection, table: Table) -> "sqlite.Insert | PostgresqlInsert":
    """An INSERT into `table` that knows `on_conflict_do_nothing` and `on_conflict_do_update`."""
    if connection.dialect.name == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - costs a desk on SQLite 5 MB and a tenth of its start

    return postgresql.insert(table)
