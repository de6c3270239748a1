"""What is true of a database at work and not of its copy: put right before a restored one is handed over."""

from sqlalchemy import Connection

from alphaforge.storage import tables

_ANEW: dict[str, str] = {}
"""By table: what to do with rows that speak of processes which the restored database has never known."""


def begin_anew(connection: Connection) -> None:
    """Forget who was at work, and let what they were at be done again."""
    for name, statement in _ANEW.items():
        if name in tables.metadata.tables:
            connection.exec_driver_sql(statement)
