"""Run by Alembic: over the connection that storage/adoption.py hands in, or from the `alembic` command line."""

import asyncio
import os

from alembic import context
from sqlalchemy import Connection

from alphaforge.storage.engine import over_database
from alphaforge.storage.tables import metadata


def run(connection: Connection) -> None:
    """The whole way in the caller's transaction, so that it is gone or not at all."""
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


handed_in = context.config.attributes.get("connection")
if handed_in is not None:
    run(handed_in)
else:
    url = context.get_x_argument(as_dictionary=True).get("url") or os.environ.get("DATABASE_URL")
    asyncio.run(over_database(url or "sqlite:///./trading_signals.db", run))
