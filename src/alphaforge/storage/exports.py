"""Whole tables a part at a time, in the order of their ids.

Every part is a transaction of its own and costs the same, whatever the filter: so many rows by their key, of which the
matching ones are answered. An export that held one snapshot would hold a connection, SQLite's WAL and PostgreSQL's
vacuum as long as its slowest reader takes. Ids never change: each row that is there from the beginning to the end
comes exactly once, as it was when its part was read, and what is added meanwhile does not come.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Dialect, Integer, Select, Table, bindparam, func, select, true

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal import EntryCriteria
from alphaforge.storage.listing import Page, Query, by_column, text_reader
from alphaforge.storage.lists import EPOCHS_OF_SIGNALS, JOURNAL_LIST, PICTURES
from alphaforge.storage.signals import SignalCriteria
from alphaforge.storage.tables import journal, signals
from alphaforge.storage.types import Moment

_UNTOLD = frozenset({"decision"})


@dataclass(frozen=True, slots=True, eq=False)
class Export:
    """The columns of the rows that match. `size`: how many rows are looked at, and at most held, at once.

    `parameters` are those of `matching`.
    """

    table: Table
    names: tuple[str, ...]
    matching: ColumnElement[bool]
    size: int
    parameters: Mapping[str, Any] = field(default_factory=dict)

    def part_statement(self, after: int, until: int) -> Select[Any]:
        """The matching rows with `after < id <= until`."""
        own = self.table.c
        statement = select(*(own[name] for name in self.names)).where(*_between(own.id, after, until), self.matching)
        return statement.order_by(own.id).params(self.parameters)

    def end_statement(self, after: int, until: int) -> Select[Any]:
        """The last id of the next part, of `size` rows at most."""
        own = self.table.c.id
        part = select(own).where(*_between(own, after, until)).order_by(own).limit(self.size).subquery()
        return select(func.max(part.c.id))


def _between(identity: Column[int], after: int, until: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return identity > bindparam("after", after, Integer()), identity <= bindparam("until", until, Integer())


@dataclass(frozen=True, slots=True)
class Part:
    """Some rows by column, times as RFC 3339, and the id up to which the table has been looked at."""

    rows: Page
    last: int


def signal_export(criteria: SignalCriteria, size: int) -> Export:
    """Signals with every column but the strategy's trace: of these statuses, this instrument, this span and so on."""
    own = signals.c
    matching: ColumnElement[bool] = true()
    if criteria.statuses:
        matching &= own.status.in_([status.value for status in criteria.statuses])
    if criteria.instrument is not None:
        matching &= own.instrument == criteria.instrument
    if criteria.direction is not None:
        matching &= own.direction == criteria.direction.value
    if criteria.min_confidence is not None:
        matching &= own.confidence_score >= criteria.min_confidence
    if criteria.start is not None:
        matching &= own.timestamp >= criteria.start
    if criteria.end is not None:
        matching &= own.timestamp < criteria.end
    return Export(signals, _names(signals, _UNTOLD), matching, size)


def journal_export(criteria: EntryCriteria, size: int, *, pictures: bool) -> Export:
    """Entries with every column, the pictures' only where they are wanted."""
    names = _names(journal, frozenset() if pictures else frozenset(PICTURES))
    matching, parameters = JOURNAL_LIST.matching(criteria.values())
    return Export(journal, names, matching, size, parameters)


def _names(table: Table, untold: frozenset[str]) -> tuple[str, ...]:
    return tuple(str(column.name) for column in table.columns if column.name not in untold)


async def newest_id(connection: AsyncConnection, export: Export) -> int:
    """The greatest id of the table; 0 where it is empty."""
    return int(await connection.scalar(select(func.max(export.table.c.id))) or 0)


async def read_part(connection: AsyncConnection, export: Export, after: int, until: int) -> Part | None:
    """The next part with `after < id <= until`; None where there is nothing left."""
    prepared = _prepared(export, connection.dialect)
    ((last,),) = (await connection.fetch(prepared.end(after, until)))[0]
    if last is None:
        return None
    (found,) = await connection.fetch(prepared.part(after, last))
    columns = by_column(export.names, found, prepared.readers)
    return Part(Page(export.names, tuple(columns), None), last)


@dataclass(frozen=True, slots=True)
class _Prepared:
    """An export's statements as the driver takes them, and its columns' readers."""

    end: Callable[[int, int], Query]
    part: Callable[[int, int], Query]
    readers: tuple[Callable[[Any], Any] | None, ...]


@lru_cache(maxsize=32)
def _prepared(export: Export, dialect: Dialect) -> _Prepared:
    """Made once for the thousands of parts of an export."""
    return _Prepared(
        _query(export.end_statement, dialect),
        _query(export.part_statement, dialect),
        tuple(text_reader(export.table.c[name], dialect, EPOCHS_OF_SIGNALS) for name in export.names),
    )


def _query(statement: Callable[[int, int], Select[Any]], dialect: Dialect) -> Callable[[int, int], Query]:
    """A statement compiled once for whatever ids."""
    compiled = statement(0, 0).compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names, text, values = tuple(compiled.positiontup or ()), str(compiled), dict(compiled.params)
    for name in names:
        if name in compiled.binds and isinstance(kind := compiled.binds[name].type, Moment):
            values[name] = kind.bind_processor(dialect)(values[name])

    def query(after: int, until: int) -> Query:
        given = {**values, "after": after, "until": until}
        return text, tuple(given[name] for name in names)

    return query
