"""Many signals or entries in one transaction, in batches that leave the event loop to others in between."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from sqlalchemy import Table, select

from alphaforge.storage import rows
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.journal_counting import counted_once
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.storage.tables import journal, signals

T = TypeVar("T")
BATCH = 500
"""Rows a statement: some milliseconds of the event loop, and below SQLite's limit of parameters."""

Row = dict[str, Any]


async def create_signals(connection: AsyncConnection, new: Sequence[NewSignal]) -> list[int]:
    """Store signals; answers their ids in their order."""
    repository = SignalRepository(connection)
    return [number for batch in _batches(new) for number in await repository.create_many(batch)]


async def create_entries(connection: AsyncConnection, new: Sequence[NewEntry]) -> list[int]:
    """Store entries; answers their ids in their order."""
    repository, ids = JournalRepository(connection), list[int]()
    async with counted_once(connection, ids):
        for batch in _batches(new):
            ids += await repository.create_many(batch)
    return ids


async def change_signals(connection: AsyncConnection, changes: Sequence[Row]) -> None:
    """Change signals by their `id`; NotFound where one is missing."""
    for batch in _batches(changes):
        await SignalRepository(connection).update_many(batch)


async def change_entries(connection: AsyncConnection, changes: Sequence[Row]) -> None:
    """Change entries by their `id`; NotFound where one is missing."""
    async with counted_once(connection, [change["id"] for change in changes]):
        for batch in _batches(changes):
            await JournalRepository(connection).update_many(batch)


async def held_signals(connection: AsyncConnection, names: Sequence[str], ids: Sequence[int]) -> dict[int, Row]:
    """The signals of these ids, with these columns: as they are and will be until this transaction ends."""
    return await _held(connection, signals, lambda name: name in names, ids)


async def held_entries(connection: AsyncConnection, ids: Sequence[int]) -> dict[int, Row]:
    """The entries of these ids without their pictures: as they are and will be until this transaction ends."""
    return await _held(connection, journal, lambda name: not name.startswith("screenshot_"), ids)


async def _held(
    connection: AsyncConnection, table: Table, wanted: Callable[[str], bool], ids: Sequence[int]
) -> dict[int, Row]:
    columns = [column for column in table.columns if column.name == "id" or wanted(column.name)]
    found: dict[int, Row] = {}
    for batch in _batches(sorted(set(ids))):  # in one order, so that two such transactions wait instead of deadlock
        statement = select(*columns).where(table.c.id.in_(batch)).order_by(table.c.id).with_for_update()
        found |= {row["id"]: row for row in await rows.dicts(connection, statement)}
    return found


def _batches(many: Sequence[T]) -> Iterator[Sequence[T]]:
    for start in range(0, len(many), BATCH):
        yield many[start : start + BATCH]
