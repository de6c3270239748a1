"""The journal's closed trades as columns, a stretch of days at a time, read from an index alone.

A trade is a result once its close is known, between 1970 and 2100; what it brought may be unknown (NaN). Amounts of
10^12 and more count as unknown, as the totals have it, and so does an excursion below zero. Rows come in the order of
closing, then of their ids, whichever statement read them: figures are the same bit for bit.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial
from itertools import compress
from typing import Any

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats
from alphaforge.statistics.trades import Classes, ResultClass, Trades
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.types import epochs_of_texts

DAY = 86_400
LAST_DAY = 47_481
"""2099-12-31, in days since 1970."""
_EPOCH, _TO_ORDINAL = datetime(1970, 1, 1), date(1970, 1, 1).toordinal()  # noqa: DTZ001 - what is kept carries no zone
_LARGEST = 1e12
_CLASS = "CASE CAST(outcome AS text) WHEN 'WIN' THEN 1 WHEN 'LOSS' THEN -1 WHEN 'BREAKEVEN' THEN 0 END"
_NUMBERS = (_CLASS, "profit_loss", "r_value", "pips", "mae", "mfe")
_WIDTH = 3 + len(_NUMBERS)
"""Id, close, opening, then the numbers."""
_OTHER_FORM = (
    "(length(close_time) <> 26 OR substr(close_time, 11, 1) <> ' ') AND strftime('%s', close_time) IS NOT NULL"
)
"""Of a time that is none as it is mostly written."""
MANY = 1_000
"""Rows that are worth a thread: below, it takes longer to hand them over."""

_Cells = tuple[Sequence[Any], Callable[[Sequence[Any]], list[Any]], int]
"""What a database answers, what makes columns of it, and how many rows they have."""


@dataclass(frozen=True, slots=True)
class ClosedEntries:
    """Closed trades, and by name what the trader wrote beside each: symbol, trade_type, session, trade_setup, tags."""

    trades: Trades
    words: Mapping[str, Sequence[str | None]]

    def where(self, chosen: npt.NDArray[np.bool_]) -> "ClosedEntries":
        """The chosen ones, by mask."""
        if chosen.all():
            return self
        words = {name: list(compress(said, chosen.tolist())) for name, said in self.words.items()}
        return ClosedEntries(self.trades.where(chosen), words)


async def read_closed(connection: AsyncConnection, start: int, end: int, words: Sequence[str] = ()) -> ClosedEntries:
    """The trades that closed at or after `start` and before `end` (epoch seconds), with these `words` beside them.

    What lies outside 1970 to 2100 is left out. Thousands of rows are put into columns in a thread.
    """
    start, end = max(start, 0), min(end, (LAST_DAY + 1) * DAY)
    start = min(start, end)  # far days have no date
    read = _rows_of_sqlite if connection.dialect.name == "sqlite" else _row_of_postgresql
    cells, columns_of, count = await read(connection, start, end, words)

    def closed() -> ClosedEntries:
        columns = columns_of(cells)
        said = dict(zip(words, columns[_WIDTH:], strict=True))
        return _ordered(columns[:_WIDTH], said, start, end)

    return await asyncio.to_thread(closed) if count > MANY else closed()


async def _rows_of_sqlite(connection: AsyncConnection, start: int, end: int, words: Sequence[str]) -> _Cells:
    """A time may have been written in another form, or with an offset: in a text order it is off by a day at most."""
    names = ", ".join(("id", "close_time", "open_time", *_NUMBERS, *words))
    statement = f"""SELECT {names} FROM journal_entries INDEXED BY ix_journal_closed
        WHERE close_time >= ? AND close_time < ? AND (close_time BETWEEN ? AND ? OR {_OTHER_FORM})"""  # noqa: S608 - names of this module only
    days = [date.fromordinal(_TO_ORDINAL + day).isoformat() for day in (start // DAY - 1, (end - 1) // DAY + 2)]
    moments = [str(_EPOCH + timedelta(seconds=moment)) for moment in (start, end)]
    (rows,) = await connection.fetch((statement, (*days, *moments)))
    return rows, partial(_columns_of_rows, width=_WIDTH + len(words)), len(rows)


def _columns_of_rows(rows: Sequence[tuple[Any, ...]], width: int) -> list[Any]:
    ids, closed, opened, *others = zip(*rows, strict=True) if rows else [()] * width
    numbers = [np.array(one, np.float64) for one in others[: len(_NUMBERS)]]
    times = [epochs_of_texts(closed), epochs_of_texts(opened)]
    return [np.array(ids, np.float64), *times, *numbers, *others[len(_NUMBERS) :]]


async def _row_of_postgresql(connection: AsyncConnection, start: int, end: int, words: Sequence[str]) -> _Cells:
    """One row with a column's values in each cell: as many rows as trades would take many times as long."""
    times = [f"CAST(extract(epoch FROM {name}) AS float8) AS {name}" for name in ("close_time", "open_time")]
    numbers = [f"CAST({number} AS float8) AS n{place}" for place, number in enumerate(_NUMBERS)]
    said = [f"CAST({word} AS text) AS {word}" for word in words]
    rows = f"SELECT {', '.join(('id', *times, *numbers, *said))} FROM journal_entries"  # noqa: S608 - names of this module only
    places = ("CAST(id AS float8)", "close_time", "open_time", *(f"n{place}" for place in range(len(_NUMBERS))))
    joined = [f"string_agg(float8send(coalesce({one}, 'NaN'::float8)), ''::bytea)" for one in places]
    joined += [f"array_agg({word})" for word in words]
    within = "close_time >= $1::timestamp AND close_time < $2::timestamp"
    statement = f"SELECT {', '.join(joined)} FROM ({rows} WHERE {within}) e"  # noqa: S608 - the same
    moments = tuple(_EPOCH + timedelta(seconds=moment) for moment in (start, end))
    ((cells,),) = await connection.fetch((statement, moments))
    return cells, _columns_of_cells, len(cells[0] or b"") // 8


def _columns_of_cells(cells: Sequence[Any]) -> list[Any]:
    columns = [np.frombuffer(one or b"", ">f8").astype(np.float64) for one in cells[:_WIDTH]]
    return [*columns, *(one or [] for one in cells[_WIDTH:])]


def _ordered(columns: list[Floats], words: dict[str, Sequence[str | None]], start: int, end: int) -> ClosedEntries:
    ids, closed, opened, outcome, *amounts = columns
    there = np.flatnonzero((closed >= start) & (closed < end) & np.isfinite(opened))
    order = there[np.lexsort((ids[there], closed[there]))]
    amount, r_value, pips, mae, mfe = (_known(one[order]) for one in amounts)
    trades = Trades(
        opened[order],
        closed[order],
        amount,
        np.full(len(order), np.nan),
        r_value,
        pips,
        np.where(mae >= 0, mae, np.nan),
        np.where(mfe >= 0, mfe, np.nan),
        _classes(outcome[order], amount),
    )
    places = order.tolist()
    return ClosedEntries(trades, {name: [said[place] for place in places] for name, said in words.items()})


def _known(amounts: Floats) -> Floats:
    return np.where(np.abs(amounts) < _LARGEST, amounts, np.nan)


def _classes(outcome: Floats, amount: Floats) -> Classes:
    """The trader's own word; without one the sign of the money."""
    meant = np.where(np.isnan(outcome), np.sign(amount), outcome)
    return np.where(np.isnan(meant), float(ResultClass.UNKNOWN), meant).astype(np.int8)
