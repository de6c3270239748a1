"""Lists for answers: statements compiled once, rows as the driver has them, times as RFC 3339.

SQLAlchemy builds a statement, looks it up and makes an object of every row, each time; for a hundred rows of fifty
columns that costs more than reading them. Here the SQL of a list is made once for every set of filters and columns,
page and count travel together, and what has to be converted is converted a column at a time.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from operator import itemgetter
from typing import Any, Self

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ColumnElement,
    Dialect,
    Integer,
    Select,
    Table,
    and_,
    bindparam,
    func,
    select,
    true,
    tuple_,
)
from sqlalchemy.types import TypeEngine

from alphaforge.core.times import rfc3339
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.rows import LARGEST_ID, Position
from alphaforge.storage.types import Moment

Values = Mapping[str, tuple[Any, ...]]
"""What restricts a list: the name of a filter, and the values that it compares with."""

Shape = tuple[tuple[str, int], ...]
"""The names of `Values`, each with the number of its values: what the SQL depends on."""

Query = tuple[str, tuple[Any, ...]]
"""A statement as the driver takes it, and its parameters."""

_Reader = Callable[[Any], Any]
_PLACES = frozenset({"start", "end", "behind"})
"""What restricts a list to a part of its order, so that nothing within it is passed over."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of a list, by column.

    `columns` are as long as the page; a column's times are RFC 3339 text. `behind` is where the next page begins,
    None where this is the last one. `total` counts what matches on all pages, where that was asked for.
    """

    names: tuple[str, ...]
    columns: tuple[Sequence[Any], ...]
    behind: Position | None
    total: int | None = None

    def __len__(self) -> int:
        return len(self.columns[0])

    def __getitem__(self, name: str) -> Sequence[Any]:
        """A column."""
        return self.columns[self.names.index(name)]

    def rows(self) -> list[dict[str, Any]]:
        """The rows by column name, where there are few and a list is made of several."""
        return [dict(zip(self.names, row, strict=True)) for row in zip(*self.columns, strict=True)]

    def with_column(self, name: str, values: Iterable[Any]) -> Self:
        """The page with other values in one of its columns."""
        at = self.names.index(name)
        return replace(self, columns=(*self.columns[:at], list(values), *self.columns[at + 1 :]))


class Listing:
    """A table in the order of a time and an id, with the filters that it knows.

    `filters`: a column (equal to the value, or to one of them), or a condition whose parameters are called by the
    filter's name with `_0`, `_1` behind it. `epochs`: the columns of epoch seconds; others tell their time by type.
    """

    def __init__(
        self,
        table: Table,
        time: str,
        filters: Mapping[str, Column[Any] | ColumnElement[bool]],
        *,
        epochs: Sequence[str] = (),
        newest_first: bool = True,
    ) -> None:
        self.table = table
        self._time = table.c[time]
        self._id = table.c["id"]
        self._epochs = frozenset(epochs)
        self._newest_first = newest_first
        self._filters = {**filters, "behind": self._behind()}
        self._prepared = lru_cache(maxsize=256)(self._compiled)

    def _behind(self) -> ColumnElement[bool]:
        """The rows after a position, by the index on both columns."""
        here = tuple_(self._time, self._id)
        there = tuple_(bindparam("behind_0", type_=self._time.type), bindparam("behind_1", type_=Integer()))
        return here < there if self._newest_first else here > there

    def _matching(self, shape: Shape) -> list[ColumnElement[bool]]:
        conditions: list[ColumnElement[bool]] = []
        for name, count in shape:
            test = self._filters[name]
            if isinstance(test, Column):
                names = [f"{name}_{i}" for i in range(count)]
                test = test == bindparam(names[0]) if count == 1 else test.in_([bindparam(one) for one in names])
            conditions.append(test)
        return conditions

    def matching(self, values: Values) -> tuple[ColumnElement[bool], dict[str, Any]]:
        """What a row has to be, for statements of others, and its parameters."""
        return and_(true(), *self._matching(_shape(values))), _given(values)

    def statement(self, columns: Sequence[str], shape: Shape) -> Select[Any]:
        """A page; its parameters are those of the shape, `limit` and `skip`."""
        key = (self._time, self._id)
        return (
            select(*(self.table.c[name] for name in columns))
            .where(*self._matching(shape))
            .order_by(*((column.desc() for column in key) if self._newest_first else key))
            .limit(bindparam("limit", type_=Integer()))
            .offset(bindparam("skip", type_=Integer()))
        )

    def rows_statement(self, columns: Sequence[str], shape: Shape) -> Select[Any]:
        """The rows of a page in any order, found by their ids first.

        What a filter passes over is then read in an index that has its column, never in the table.
        """
        found = self.statement(("id",), shape).scalar_subquery()
        return select(*(self.table.c[name] for name in columns)).where(self._id.in_(found))

    def count_statement(self, shape: Shape) -> Select[Any]:
        """How many rows match."""
        return select(func.count()).select_from(self.table).where(*self._matching(shape))

    def page_statement(
        self, columns: Sequence[str], values: Values, *, skip: int = 0, limit: int | None = None
    ) -> Select[Any]:
        """A page with its parameters in place."""
        return self.statement(columns, _shape(values)).params(_parameters(values, skip, limit))

    def counted(self, values: Values) -> Select[Any]:
        """How many rows match, with the parameters in place."""
        return self.count_statement(_shape(values)).params(_parameters(values, 0, None))

    async def read(
        self,
        connection: AsyncConnection,
        columns: tuple[str, ...],
        values: Values,
        *,
        skip: int = 0,
        limit: int | None = None,
        total: bool | Query = False,
    ) -> Page:
        """A page of the list, and with `total` the number of rows that match wherever the page begins.

        A statement of its own may know the total better.
        """
        passes_over = skip > 0 or any(name not in _PLACES for name in values)
        page = self._prepared(columns, _shape(values), connection.dialect, by_id=passes_over)
        more = None if limit is None else limit + 1  # one more than asked for tells whether there is a next page
        queries = [page.query(_parameters(values, skip, more))]
        if isinstance(total, tuple):
            queries.append(total)
        elif total:
            rest = {name: value for name, value in values.items() if name != "behind"}
            count = self._prepared((), _shape(rest), connection.dialect)
            queries.append(count.query(_parameters(rest, 0, None)))
        found, *counts = await connection.fetch(*queries)
        if passes_over:
            found.sort(key=itemgetter(columns.index(self._time.name), columns.index("id")), reverse=self._newest_first)
        behind = None
        if limit is not None and len(found) > limit:
            found = found[:limit]
            behind = self._position(found[-1], columns, page.epoch)
        read = tuple(by_column(columns, found, page.readers))
        return Page(columns, read, behind, int(counts[0][0][0]) if total else None)

    def _position(self, row: Sequence[Any], columns: tuple[str, ...], epoch: _Reader | None) -> Position:
        time, identity = row[columns.index(self._time.name)], row[columns.index("id")]
        return Position(epoch(time) if epoch else time, identity)

    def _compiled(
        self, columns: tuple[str, ...], shape: Shape, dialect: Dialect, *, by_id: bool = False
    ) -> "_Prepared":
        page = self.rows_statement if by_id else self.statement
        statement = page(columns, shape) if columns else self.count_statement(shape)
        compiled = statement.compile(dialect=dialect)
        return _Prepared(
            str(compiled),
            tuple((name, _writer(compiled.binds[name].type, dialect)) for name in compiled.positiontup or ()),
            {name: bind.value for name, bind in compiled.binds.items() if not bind.required},
            tuple(text_reader(self.table.c[name], dialect, self._epochs) for name in columns),
            _processor(self._time.type, dialect),
        )


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A statement as the driver takes it: its parameters in their order, its columns' readers."""

    text: str
    binds: tuple[tuple[str, _Reader | None], ...]
    constants: Mapping[str, Any]
    readers: tuple[_Reader | None, ...]
    epoch: _Reader | None

    def query(self, parameters: Mapping[str, Any]) -> Query:
        values = {**self.constants, **parameters}
        return self.text, tuple(values[name] if writer is None else writer(values[name]) for name, writer in self.binds)


def text_reader(column: Column[Any], dialect: Dialect, epochs: Collection[str]) -> _Reader | None:
    """How a column's values are read for answers; None where they stay as the driver has them."""
    if isinstance(column.type, Moment):
        return column.type.text_processor(dialect)
    if column.name in epochs:
        return _time_of_epoch
    if isinstance(column.type, Boolean) and dialect.name == "sqlite":
        return {0: False, 1: True}.get
    return None


def by_column(names: tuple[str, ...], found: Sequence[Sequence[Any]], readers: Iterable[_Reader | None]) -> list[Any]:
    """The driver's rows as columns, each read for answers."""
    columns = zip(*found, strict=True) if found else [()] * len(names)
    return [
        values if reader is None else list(map(reader, values)) for reader, values in zip(readers, columns, strict=True)
    ]


def _shape(values: Values) -> Shape:
    return tuple((name, len(given)) for name, given in values.items())


def _given(values: Values) -> dict[str, Any]:
    return {f"{name}_{i}": value for name, given in values.items() for i, value in enumerate(given)}


def _parameters(values: Values, skip: int, limit: int | None) -> dict[str, Any]:
    return _given(values) | {
        "skip": min(skip, LARGEST_ID),
        "limit": LARGEST_ID if limit is None else min(limit, LARGEST_ID),
    }


def _writer(kind: TypeEngine[Any], dialect: Dialect) -> _Reader | None:
    if isinstance(kind, BigInteger):
        return int  # a position's time is a float
    return kind.bind_processor(dialect) if isinstance(kind, Moment) else None


def _processor(kind: TypeEngine[Any], dialect: Dialect) -> _Reader | None:
    return kind.result_processor(dialect, None) if isinstance(kind, Moment) else None


@lru_cache(maxsize=1_024)
def _time_of_epoch(moment: float | None) -> str | None:
    return None if moment is None else rfc3339(moment)
