"""What a database is, and how it becomes ours: created, adopted from the predecessor, migrated, or left alone.

    empty ───────────── create everything ──┐
    the predecessor's ─ backup, migrate ────┼──> current
    ours, older ─────── migrate ────────────┘
    newer, foreign ──── refused, untouched

Each way is one transaction: killed anywhere, the database is what it was or what it should be.
"""

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, text

from alphaforge.core.errors import DatabaseForeign, DatabaseNewer, StorageError
from alphaforge.storage import announcements, change_events, journal_changes, tables, totals, work_tables  # noqa: F401 - its tables are of the same metadata

if TYPE_CHECKING:  # Alembic takes a fifth of a second to import: only where there is something to migrate
    from alembic.config import Config

PREDECESSOR = "0001_predecessor"
HEAD = "0007_numbers"
KNOWN = (PREDECESSOR, "0002_alphaforge", "0003_answers", "0004_filters", "0005_background", "0006_measurements", HEAD)
MIGRATIONS = Path(__file__).parent / "migrations"
LEGACY_TABLES = (tables.signals, tables.journal, tables.analytics)
_VERSION_TABLE = text(
    "CREATE TABLE IF NOT EXISTS alembic_version"  # as Alembic creates it
    " (version_num VARCHAR(32) NOT NULL, CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num))"
)
_FIRST_OF_OURS = {tables.signals: "instrument", tables.journal: "signal_id"}
"""Where our columns begin behind the predecessor's."""


class State(StrEnum):
    """What a database turned out to be."""

    EMPTY = "empty"
    PREDECESSOR = "predecessor"
    OLDER = "older"
    CURRENT = "current"


@dataclass(frozen=True, slots=True)
class Catalog:
    """What there is: table names with their column names, and what `alembic_version` says."""

    tables: dict[str, frozenset[str]]
    revisions: tuple[str, ...]


def state_of(catalog: Catalog, where: str) -> State:
    """What this database is; raises DatabaseNewer or DatabaseForeign for one that must be left alone."""
    present = set(catalog.tables) - {"alembic_version"}
    if catalog.revisions == (HEAD,):
        return State.CURRENT
    if len(catalog.revisions) == 1 and catalog.revisions[0] in KNOWN:
        return State.OLDER
    legacy = {"trading_signals", "journal_entries"} <= present
    if catalog.revisions and legacy:
        message = f"{where} was written by a newer AlphaForge (revision {catalog.revisions[0]})"
        raise DatabaseNewer(
            message, advice="Install that version again, or go back to the backup beside the database. It is untouched."
        )
    if legacy:
        _complain_of_missing_columns(catalog, where)
        return State.PREDECESSOR
    if present or catalog.revisions:
        message = f"{where} holds other tables: {', '.join(sorted(present)[:5]) or 'alembic_version'}"
        raise DatabaseForeign(
            message, advice="Give AlphaForge a database of its own in DATABASE_URL. This one is untouched."
        )
    return State.EMPTY


def _complain_of_missing_columns(catalog: Catalog, where: str) -> None:
    for table, first in _FIRST_OF_OURS.items():
        names = list(table.columns.keys())
        missing = set(names[: names.index(first)]) - catalog.tables[table.name]
        if missing:
            message = f"{where}: {table.name} lacks {', '.join(sorted(missing)[:5])}"
            raise DatabaseForeign(message, advice="This is not a database that the predecessor left. It is untouched.")


def bring_up_to_date(connection: Connection, state: State) -> None:
    """Create or migrate, within the transaction of `connection`; the backup is the caller's."""
    if state is State.EMPTY:
        tables.metadata.create_all(connection)
        for statement in _programs(connection.dialect.name):
            connection.exec_driver_sql(statement)
        connection.execute(_VERSION_TABLE)
        connection.execute(text("INSERT INTO alembic_version (version_num) VALUES (:head)"), {"head": HEAD})
        return
    from alembic import command  # noqa: PLC0415 - see the imports above

    config = _config(connection)
    if state is State.PREDECESSOR:
        tables.analytics.create(connection, checkfirst=True)  # its older versions had none
        command.stamp(config, PREDECESSOR)
    command.upgrade(config, HEAD)


def create(connection: Connection, revision: str) -> None:
    """Make an empty database one of this revision, the newest or an older one, within the transaction."""
    if revision == HEAD:
        bring_up_to_date(connection, State.EMPTY)
        return
    from alembic import command  # noqa: PLC0415 - see the imports above

    command.upgrade(_config(connection), revision)


def _programs(dialect: str) -> list[str]:
    """What the database is to do by itself."""
    kept = (totals, change_events, journal_changes)
    found = [statement for each in kept for statement in each.create_statements(dialect)]
    if dialect == "postgresql":
        found += [*announcements.create_statements(), *announcements.trigger_statements(announcements.LATER_NOUNS)]
    return found


def take_back(connection: Connection) -> None:
    """Return to the predecessor's schema, within the transaction of `connection`; its rows stay, all of them."""
    from alembic import command  # noqa: PLC0415 - see the imports above

    command.downgrade(_config(connection), PREDECESSOR)


def _config(connection: Connection) -> "Config":
    from alembic.config import Config  # noqa: PLC0415 - see the imports above

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def not_adopted(where: str, state: State) -> StorageError:
    """For a reader that finds a database which only a server may create or migrate."""
    what = "is not there yet, or empty" if state is State.EMPTY else "is not up to date with this version of AlphaForge"
    message = f"{where} {what}"
    return StorageError(message, advice="Start the server once: it creates or adopts the database.")
