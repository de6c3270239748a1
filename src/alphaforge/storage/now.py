"""The time by the database's clock, the one clock that all processes of a desk share."""

from typing import Any

from sqlalchemy import ColumnElement, Double, literal_column

from alphaforge.storage.connection import AsyncConnection

_SQLITE = literal_column("((julianday('now') - 2440587.5) * 86400.0)", Double)
_POSTGRESQL = literal_column("CAST(extract(epoch FROM clock_timestamp()) AS double precision)", Double)


def now(connection: AsyncConnection) -> ColumnElement[Any]:
    """Epoch seconds, to a millisecond, as part of a statement."""
    return _SQLITE if connection.dialect.name == "sqlite" else _POSTGRESQL
