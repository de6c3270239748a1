"""Whether a database is whole and agrees with itself, for those who ask before something goes wrong."""

from sqlalchemy import Connection, text

from alphaforge.storage import journal_changes, tables, totals
from alphaforge.storage.engine import Database


async def complaints(database: Database, most: int = 5) -> list[str]:
    """What SQLite's own check complains of, at most `most`; PostgreSQL looks after itself and has none."""
    async with database.read() as connection:
        if database.dialect != "sqlite":
            return []
        found = (await connection.exec_driver_sql(f"PRAGMA quick_check({int(most)})")).scalars().all()
    return [str(line) for line in found if line != "ok"]


async def contradictions(database: Database) -> list[str]:
    """Where what is stored contradicts itself: the journal's totals and days, the numbers that new rows would get."""
    async with database.read() as connection:
        return await connection.run_sync(_contradictions)


def _contradictions(connection: Connection) -> list[str]:
    found = []
    kept = connection.exec_driver_sql(totals.kept_statement()).fetchone()
    counted = connection.exec_driver_sql(totals.counted_statement(connection.dialect.name)).fetchone()
    if kept is None or counted is None or tuple(kept) != tuple(counted):
        found.append("the journal's totals are not the sums of its entries")
    if connection.exec_driver_sql(journal_changes.unnoted_statement(connection.dialect.name)).scalar():
        found.append("the journal has entries that closed on days which it does not know of")
    if connection.dialect.name == "postgresql":
        found += [
            f"the next row of {table.name} would get a number that is taken"
            for table in tables.metadata.sorted_tables
            if any(_is_behind(connection, table.name, column.name) for column in table.primary_key.columns)
        ]
    return found


def _is_behind(connection: Connection, table: str, column: str) -> bool:
    """Whether the sequence of a column has not reached its largest value."""
    asked = text("SELECT pg_get_serial_sequence(:table, :column)")
    sequence = connection.scalar(asked, {"table": table, "column": column})
    if sequence is None:
        return False
    reached = f"SELECT CASE WHEN is_called THEN last_value ELSE last_value - 1 END FROM {sequence}"  # noqa: S608 - PostgreSQL's own name
    statement = f"SELECT coalesce(max({column}), 0) > ({reached}) FROM {table}"  # noqa: S608 - names of our tables
    return bool(connection.scalar(text(statement)))
