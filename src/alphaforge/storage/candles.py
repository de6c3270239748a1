"""Closed M5 candles, kept per source: the sandbox's never mix with the broker's.

A candle is one row with its thirteen numbers packed, 104 bytes: a late or revised candle is one small row, 13,000
are read in a fraction of the time that thirteen columns take, and a double comes back bit for bit from either
database.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from sqlalchemy import ColumnElement, LargeBinary, Select, delete, exists, func, literal, select

from alphaforge.core.candles import CandleSeries, Ints, empty_series, series_from_columns
from alphaforge.core.errors import InvalidInput, StorageError
from alphaforge.core.granularity import Granularity
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.events import EventRepository
from alphaforge.storage.tables import candles

_PACKED = np.dtype([("prices", "<f8", (12,)), ("volume", "<i8")])
_ROWS_AT_ONCE = 5_000
"""Fifteen thousand rows as Python objects take 5 MB, which the process would keep for ever."""
_NEWS_SECONDS = 3_600
"""How much older than the newest stored candle one may be for its revision to be news."""
_NEWEST = "SELECT max(time) FROM candles WHERE source = {} AND instrument = {}"
_KEEP_SQLITE = """
INSERT INTO candles (source, instrument, time, packed)
SELECT ?1, ?2, given.value, substr(?4, 1 + ?5 * given.key, ?5)
FROM json_each(?3) AS given WHERE true
ON CONFLICT (source, instrument, time) DO UPDATE SET packed = excluded.packed WHERE candles.packed <> excluded.packed
RETURNING time
"""
"""One statement for thousands of rows: a quarter of the time of one each, and other threads run meanwhile."""
_KEEP_POSTGRESQL = """
INSERT INTO candles (source, instrument, time, packed)
SELECT $1::varchar, $2::varchar, given.time, given.packed
FROM unnest($3::bigint[], $4::bytea[]) AS given (time, packed)
ON CONFLICT (source, instrument, time) DO UPDATE SET packed = excluded.packed WHERE candles.packed <> excluded.packed
RETURNING candles.time
"""


@dataclass(frozen=True, slots=True)
class CandleRepository:
    """The M5 candles of one source."""

    connection: AsyncConnection
    source: str

    async def newest(self, instrument: str, count: int, *, until: float | None = None) -> CandleSeries:
        """The newest `count` candles, oldest first; of those that start at or before `until`, where it is given."""
        statement = self._of(instrument).order_by(candles.c.time.desc()).limit(count)
        if until is not None:
            statement = statement.where(candles.c.time <= int(until // 1))
        return await self._series(instrument, statement)

    async def between(self, instrument: str, start: float, end: float) -> CandleSeries:
        """The candles that start at or after `start` and before `end` (epoch seconds)."""
        within = (candles.c.time >= _up(start)) & (candles.c.time < _up(end))
        return await self._series(instrument, self._of(instrument).where(within).order_by(candles.c.time))

    async def keep(self, series: CandleSeries) -> list[int]:
        """Store candles, replacing those that differ; answers the starts of those that were new or differed.

        Raises InvalidInput for candles other than M5: longer ones are derived.
        """
        if series.granularity is not Granularity.M5:
            message = f"Only M5 candles are stored, not {series.granularity}"
            raise InvalidInput(message)
        changed: list[int] = []
        for start in range(0, len(series), _ROWS_AT_ONCE):
            changed += await self._keep(series.rows(start, start + _ROWS_AT_ONCE))
        return changed

    async def take(self, series: CandleSeries) -> list[int]:
        """Store candles as the market sent them; answers the starts of those that were new or differed.

        Each that closed since, or came back revised, is an event; history that is only now fetched is none.
        """
        newest = await self.newest_start(series.instrument)
        changed = await self.keep(series)
        if newest is not None:
            news = [start for start in changed if start >= newest - _NEWS_SECONDS]
            await EventRepository(self.connection).closed(series.instrument, news)
        return changed

    async def _keep(self, series: CandleSeries) -> list[int]:
        times, packed = series.time.tolist(), _pack(series)
        key, size = (self.source, series.instrument), _PACKED.itemsize
        if self.connection.dialect.name == "sqlite":
            result = await self.connection.exec_driver_sql(_KEEP_SQLITE, (*key, str(times), packed, size))
        else:
            rows = [packed[at : at + size] for at in range(0, len(packed), size)]
            result = await self.connection.exec_driver_sql(_KEEP_POSTGRESQL, (*key, times, rows))
        return list(result.scalars())

    async def span(self, instrument: str) -> tuple[int, int, int] | None:
        """The first and the last candle's start (epoch seconds), and how many there are."""
        time = candles.c.time
        statement = select(func.min(time), func.max(time), func.count()).where(*self._key(instrument))
        first, last, count = (await self.connection.execute(statement)).one()
        return (first, last, count) if count else None

    async def newest_start(self, instrument: str) -> int | None:
        """The start of the newest candle."""
        places = ("?", "?") if self.connection.dialect.name == "sqlite" else ("$1", "$2")
        asked = _NEWEST.format(*places), (self.source, instrument)
        start: int | None = (await self.connection.fetch(asked))[0][0][0]
        return start

    async def several(self, instruments: Collection[str], start: int, end: int) -> list[CandleSeries]:
        """The candles of each of these instruments that start at or after `start` and before `end`, where any do."""
        own = candles.c
        which = (own.source == self.source, own.instrument.in_(instruments), own.time >= start, own.time < end)
        times, packed = self._joined(own.time, own.packed)
        statement = select(own.instrument, times, packed).where(*which).group_by(own.instrument)
        return [self._unpacked(*row) for row in (await self.connection.execute(statement)).all()]

    async def instruments(self) -> list[str]:
        """The instruments that have candles, by name."""
        statement = select(candles.c.instrument).where(candles.c.source == self.source).distinct()
        return sorted((await self.connection.execute(statement)).scalars())

    async def delete_source(self) -> int:
        """Remove every candle of this source; answers how many there were."""
        result = await self.connection.execute(delete(candles).where(candles.c.source == self.source))
        return int(result.rowcount)

    def _key(self, instrument: str) -> tuple[Any, Any]:
        return candles.c.source == self.source, candles.c.instrument == instrument

    async def _series(self, instrument: str, statement: Select[tuple[int, bytes]]) -> CandleSeries:
        """The candles of a statement, joined by the database into one row: thousands of rows would be objects each."""
        part = statement.subquery()
        times, packed = (await self.connection.execute(select(*self._joined(part.c.time, part.c.packed)))).one()
        return self._unpacked(instrument, times, packed)

    def _joined(self, time: ColumnElement[int], packed: ColumnElement[bytes]) -> tuple[Any, Any]:
        """What joins rows into one."""
        if self.connection.dialect.name == "sqlite":
            return func.group_concat(time), func.group_concat(func.hex(packed), "")
        return func.array_agg(time), func.string_agg(packed, literal(b"", LargeBinary))

    def _unpacked(self, instrument: str, times: Any, packed: Any) -> CandleSeries:  # noqa: ANN401 - as each database joins
        if not times:
            return empty_series(instrument, Granularity.M5)
        if self.connection.dialect.name == "sqlite":
            return _unpack(instrument, np.fromstring(times, np.int64, sep=","), bytes.fromhex(packed))
        return _unpack(instrument, times, packed)

    def _of(self, instrument: str) -> Select[tuple[int, bytes]]:
        return select(candles.c.time, candles.c.packed).where(*self._key(instrument))


@dataclass(frozen=True, slots=True)
class CandleStore:
    """The archive of one source: every call a transaction of its own."""

    database: Database
    source: str

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        """The newest `count` M5 candles, oldest first."""
        async with self.database.read() as connection:
            return await CandleRepository(connection, self.source).newest(instrument, count)

    async def between(self, instrument: str, start: float, end: float) -> CandleSeries:
        """The candles that start at or after `start` and before `end` (epoch seconds)."""
        async with self.database.read() as connection:
            return await CandleRepository(connection, self.source).between(instrument, start, end)


def _up(moment: float) -> int:
    """The first whole second at or after `moment`."""
    return -int(-moment // 1)


def _pack(series: CandleSeries) -> bytes:
    """One candle after the other."""
    _, *prices, volume = series.columns()
    rows = np.empty(len(series), _PACKED)
    rows["prices"] = np.stack(prices, axis=1)
    rows["volume"] = volume
    return rows.tobytes()


def _unpack(instrument: str, times: Sequence[int] | Ints, packed: bytes) -> CandleSeries:
    if len(packed) != len(times) * _PACKED.itemsize:
        message = f"The stored candles of {instrument} are damaged"
        raise StorageError(message, advice="Delete the candles of this source; they are fetched again.")
    time = np.array(times, np.int64)
    order = np.argsort(time)  # both were joined in one order, whichever it was
    unpacked = np.frombuffer(packed, _PACKED)[order]
    prices = np.ascontiguousarray(unpacked["prices"].T)
    volume = np.ascontiguousarray(unpacked["volume"])
    return series_from_columns(instrument, Granularity.M5, [time[order], *prices, volume])


async def sources_of(connection: AsyncConnection, instrument: str | None = None) -> list[str]:
    """Whose candles there are, of one instrument or of any, by name."""
    # from one source to the next through the key: DISTINCT would look at every candle there is
    source = candles.c.source
    each = select(func.min(source).label("source")).cte("each", recursive=True)
    following = select(func.min(source)).where(source > each.c.source).scalar_subquery()
    each = each.union_all(select(following).where(each.c.source.is_not(None)))
    statement = select(each.c.source).where(each.c.source.is_not(None)).order_by(each.c.source)
    if instrument is not None:
        statement = statement.where(exists().where(source == each.c.source, candles.c.instrument == instrument))
    return list((await connection.execute(statement)).scalars())


async def spans_of_all(connection: AsyncConnection) -> list[tuple[str, str, int, int, int]]:
    """What there is: source, instrument, the first and the last candle's start (epoch seconds), how many; in order."""
    key, time = (candles.c.source, candles.c.instrument), candles.c.time
    statement = select(*key, func.min(time), func.max(time), func.count()).group_by(*key).order_by(*key)
    return [tuple(row) for row in (await connection.execute(statement)).all()]
