"""What the repositories share: rows as plain dicts, identities as lists, places in lists."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from sqlalchemy import (
    Dialect,
    Executable,
    Table,
    Update,
    bindparam,
    insert,
    select,
    text,
    update,
)

from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.storage.connection import AsyncConnection

LARGEST_ID = 2**31 - 1
"""What the predecessor's id columns hold on PostgreSQL."""

_Writer = Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list that is newest first: behind the row of this time (epoch seconds) and id."""

    time: float
    id: int


def place(behind: Position | None) -> dict[str, tuple[Any, ...]]:
    """Where a page begins, as a list takes it: nothing for the first page."""
    return {} if behind is None else {"behind": (behind.time, behind.id)}


def given(criteria: object, *names: str) -> dict[str, tuple[Any, ...]]:
    """Those of the named criteria that restrict, as a list takes them."""
    values = {name: getattr(criteria, name) for name in names}
    return {name: (value,) for name, value in values.items() if value is not None}


async def dicts(connection: AsyncConnection, statement: Executable) -> list[dict[str, Any]]:
    """The rows of a statement, by column name."""
    result = await connection.execute(statement)
    names = list(result.keys())
    return [dict(zip(names, row, strict=True)) for row in result.all()]


async def first_dict(connection: AsyncConnection, statement: Executable) -> dict[str, Any] | None:
    """The first row of a statement, or None."""
    rows = await dicts(connection, statement)
    return rows[0] if rows else None


async def pairs(connection: AsyncConnection, statement: Executable) -> dict[str, Any]:
    """A statement of two columns as a dict."""
    return {key: value for key, value in (await connection.execute(statement)).all()}  # noqa: C416 - rows are no pairs to mypy


async def insert_many(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> list[int]:
    """Insert rows that all have the same keys; answers their ids, in their order."""
    if not rows:
        return []
    ids = await _next_ids(connection, table, len(rows))
    if connection.dialect.name == "sqlite":
        prepared, writers = _prepared_insert(table, tuple(rows[0]), connection.dialect)
        await connection.exec_driver_sql(prepared, _written(ids, rows, writers))
        return ids
    # with RETURNING SQLAlchemy sends hundreds of rows a statement, without it one: triggers count statements
    statement = insert(table).returning(table.c.id)
    await connection.execute(statement, [{"id": i, **row} for i, row in zip(ids, rows, strict=True)])
    return ids


@lru_cache(maxsize=64)
def _prepared_insert(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, Mapping[str, _Writer | None]]:
    """An INSERT as the driver takes it, and how the values of each column are written; the id comes first.

    SQLAlchemy looks at every value of every row: for thousands of rows that takes longer than storing them.
    """
    compiled = insert(table).compile(dialect=dialect, column_keys=["id", *names])
    order = [str(name) for name in compiled.positiontup or ()]
    kinds = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in order if name != "id"}
    if order[0] != "id":
        message = f"The first column of {table.name} is not its id"
        raise ValueError(message)
    return str(compiled), kinds


def _written(
    ids: Sequence[int], rows: Sequence[Mapping[str, Any]], writers: Mapping[str, _Writer | None]
) -> list[tuple[Any, ...]]:
    """The rows as the driver takes them; what has to be converted is converted a column at a time."""
    columns = [
        map(itemgetter(name), rows) if write is None else map(write, map(itemgetter(name), rows))
        for name, write in writers.items()
    ]
    return list(zip(ids, *columns, strict=True))


async def _next_ids(connection: AsyncConnection, table: Table, count: int) -> list[int]:
    if connection.dialect.name == "sqlite":
        # what SQLite itself would give; the write lock is ours from this statement on
        start = (await connection.execute(text(f"SELECT COALESCE(MAX(id), 0) FROM {table.name}"))).scalar_one()  # noqa: S608 - a table of ours
        return list(range(start + 1, start + 1 + count))
    taken = text("SELECT nextval(pg_get_serial_sequence(:name, 'id')) FROM generate_series(1, :count)")
    return list((await connection.execute(taken, {"name": table.name, "count": count})).scalars())


def checked_changes(table: Table, allowed: frozenset[str], changes: dict[str, Any]) -> dict[str, Any]:
    """The changes, if all of them may be made; raises InvalidInput naming the first that may not."""
    for name, value in changes.items():
        if name not in allowed:
            message = f"{name} cannot be changed"
            raise InvalidInput(message)
        if value is None and not table.c[name].nullable:
            message = f"{name} cannot be empty"
            raise InvalidInput(message)
    return changes


async def update_many(connection: AsyncConnection, table: Table, rows: Sequence[dict[str, Any]]) -> int:
    """Change rows by their `id`; raises NotFound, naming them, where some are not there."""
    by_names: dict[frozenset[str], list[dict[str, Any]]] = {}
    for row in rows:
        by_names.setdefault(frozenset(row), []).append(row)
    await _complain_of_missing(connection, table, [row["id"] for row in rows])
    for names, alike in by_names.items():
        changed = sorted(names - {"id"})
        statement: Update = (
            update(table)
            .where(table.c.id == bindparam("of_id"))
            .values({name: bindparam(f"new_{name}") for name in changed})
        )
        await connection.execute(
            statement, [{"of_id": row["id"], **{f"new_{name}": row[name] for name in changed}} for row in alike]
        )
    return len(rows)


async def _complain_of_missing(connection: AsyncConnection, table: Table, ids: Sequence[int]) -> None:
    wanted = {i for i in ids if 0 < i <= LARGEST_ID}
    found: set[int] = set()
    ordered = sorted(wanted)
    for start in range(0, len(ordered), 500):  # below SQLite's limit of parameters
        part = ordered[start : start + 500]
        found.update((await connection.execute(select(table.c.id).where(table.c.id.in_(part)))).scalars())
    missing = [i for i in ids if i not in found]
    if missing:
        message = f"There is no row {', '.join(map(str, missing[:10]))}"
        raise NotFound(message)
