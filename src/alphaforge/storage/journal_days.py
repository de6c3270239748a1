"""The journal's trades summed up by trading day, in memory, and never behind the database.

Ten years are 2,600 days in a megabyte, from which every figure is made. What a question costs then depends on what
was written since the last one, not on how much there is: the database tells by one statement which days have changed,
and the trades of those alone are read again. Each process has days of its own; the first question reads everything.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from alphaforge.core.candles import Ints
from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.days import NO_DAYS, Days, replaced, summarised
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import Totals, totals_of
from alphaforge.storage.journal_changes import versions_statement
from alphaforge.storage.journal_results import DAY, MANY, ClosedEntries, read_closed
from alphaforge.storage.totals import kept_statement

_HOUR = 3_600
_ROWS_AT_ONCE = 5_000
_MOST_DAYS = 64
_NONE = np.zeros(0, np.int64)


@dataclass(frozen=True, slots=True)
class Known:
    """UTC days (since 1970, int64 (n,), ascending) on which trades closed, and the version of each."""

    days: Ints = field(default_factory=lambda: _NONE)
    versions: Ints = field(default_factory=lambda: _NONE)

    def of(self, days: Ints) -> Ints:
        """The version of each of these days, -1 where there is none."""
        if not len(self.days):
            return np.full(len(days), -1)
        place = np.minimum(np.searchsorted(self.days, days), len(self.days) - 1)
        return np.where(self.days[place] == days, self.versions[place], -1)

    def with_days(self, days: Ints, versions: Ints) -> "Known":
        """This one with days (ascending) of these versions; -1 takes a day away."""
        if np.array_equal(found := self.of(days), versions):
            return self
        if (found >= 0).all() and (versions >= 0).all():
            changed = self.versions.copy()
            changed[np.searchsorted(self.days, days)] = versions
            return Known(self.days, changed)
        kept, there = ~np.isin(self.days, days), versions >= 0
        merged = np.concatenate((self.days[kept], days[there]))
        order = np.argsort(merged)
        return Known(merged[order], np.concatenate((self.versions[kept], versions[there]))[order])


@dataclass(frozen=True, slots=True)
class Journal:
    """What the journal comes to at one moment: its trading days, and the totals over all entries, open ones too."""

    days: Days
    totals: Totals


@dataclass(slots=True)
class JournalDays:
    """The journal's days as this process knows them."""

    database: Database
    _days: Days = NO_DAYS
    _known: Known = field(default_factory=Known)
    _one_reads: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def now(self) -> Journal:
        """The journal as it is."""
        async with self.database.read() as connection:
            return await self.within(connection)

    async def within(self, connection: AsyncConnection) -> Journal:
        """The journal as this transaction sees it; who comes while it is read waits, and reads what changed since."""
        async with self._one_reads:
            totals, changed = await self._changed(connection)
            await self._catch_up(connection, changed)
            return Journal(self._days, totals)

    async def _changed(self, connection: AsyncConnection) -> tuple[Totals, Known]:
        """The totals, and the days that are not as they are known; those that are gone with a version of -1."""
        told = await _told(connection, int(self._known.versions.max(initial=0)))
        there = self._known.with_days(told.days, told.versions)
        if (len(there.days), int(there.versions.sum())) == (told.count, told.sum):
            days, versions = told.days, told.versions
        else:
            there = await _told(connection, 0)
            days = np.union1d(self._known.days, there.days)
            versions = there.of(days)
        new = self._known.of(days) != versions
        return told.totals, Known(days[new], versions[new])

    async def _catch_up(self, connection: AsyncConnection, changed: Known) -> None:
        """Read the days that changed; what is read is kept, even where the next part fails."""
        done, size = 0, 1
        while done < len(changed.days):
            days = changed.days[done : done + size]
            days = days[: _in_a_row(days)]
            read = await self._read(connection, days)
            self._known = self._known.with_days(days, changed.versions[done : done + len(days)])
            done += len(days)
            size = max(1, min(_MOST_DAYS, 2 * size, size * _ROWS_AT_ONCE // max(read, 1)))

    async def _read(self, connection: AsyncConnection, days: Ints) -> int:
        """Sum up the trading days that these UTC days belong to: its own until New York's evening, then the next."""
        wanted = np.union1d(days, days + 1)
        trades = (await closed_on(connection, wanted)).trades
        found = await asyncio.to_thread(summarised, trades) if len(trades) > MANY else summarised(trades)
        left = wanted[~np.isin(wanted, found.day)]
        place = np.searchsorted(self._days.day, left)  # what sorts all days to find two is ten times slower
        gone = left[np.append(self._days.day, -1)[place] == left]
        self._days = replaced(self._days, found, gone)
        return len(trades)


async def closed_on(connection: AsyncConnection, days: Ints, words: Sequence[str] = ()) -> ClosedEntries:
    """The trades of these trading days (since 1970, int64 (n,), ascending), with `words` as `read_closed` has them."""
    start, end = int(days[0]) * DAY - 3 * _HOUR, int(days[-1] + 1) * DAY - 2 * _HOUR  # 17:00 New York in UTC
    found = await read_closed(connection, start, end, words)
    return found.where(np.isin(trading_days(found.trades.closed), days))


def _in_a_row(days: Ints) -> int:
    """How many of these days follow one another from the first on: the trading days of each touch those of the next."""
    gaps = np.flatnonzero(np.diff(days) > 2)  # noqa: PLR2004 - a day, and the next trading day
    return int(gaps[0]) + 1 if len(gaps) else len(days)


@dataclass(frozen=True, slots=True)
class _Told(Known):
    """What the database tells: of all noted days the number and the sum of their versions; the totals."""

    count: int = 0
    sum: int = 0
    totals: Totals = field(default_factory=dict)


async def _told(connection: AsyncConnection, since: int) -> _Told:
    """With the days whose versions are not below `since`."""
    statement = f"SELECT * FROM ({kept_statement()}) t CROSS JOIN ({versions_statement(connection.dialect.name)}) v"  # noqa: S608 - statements of ours
    ((row,),) = await connection.fetch((statement, (since,)))
    *totals, count, total, text = row
    found = np.fromstring(text or "", np.int64, sep=",").reshape(-1, 2)
    days, versions = found[np.argsort(found[:, 0])].T
    return _Told(days, versions, int(count), int(total), totals_of(totals))
