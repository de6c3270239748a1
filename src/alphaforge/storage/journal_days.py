"""The journal's trades summed up by trading day, in memory, and never behind the database.

Ten years are 2,600 days in a megabyte, from which every figure is made. What a question costs then depends on what
was written since the last one, not on how much there is: the database tells by one statement which days have changed,
and the trades of those alone are read again. Each process has days of its own; the first question reads everything.
"""

import asyncio
from dataclasses import dataclass, field

import numpy as np

from alphaforge.core.candles import Ints
from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.days import NO_DAYS, Days, replaced, summarised
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import Totals, totals_of
from alphaforge.storage.journal_changes import versions_statement
from alphaforge.storage.journal_results import DAY, MANY, read_closed
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

    def with_days(self, others: "Known") -> "Known":
        """This one, with the days of `others` as those know them."""
        place = np.searchsorted(self.days, others.days)
        if len(self.days) and np.array_equal(self.days[np.minimum(place, len(self.days) - 1)], others.days):
            versions = self.versions.copy()
            versions[place] = others.versions
            return Known(self.days, versions)
        kept = ~np.isin(self.days, others.days)
        days = np.concatenate((self.days[kept], others.days))
        order = np.argsort(days)
        return Known(days[order], np.concatenate((self.versions[kept], others.versions))[order])

    def behind(self, others: "Known") -> "Known":
        """Those of `others` of which this one knows another version, or none."""
        if not len(self.days):
            return others
        place = np.minimum(np.searchsorted(self.days, others.days), len(self.days) - 1)
        new = (self.days[place] != others.days) | (self.versions[place] != others.versions)
        return others.part(np.flatnonzero(new))

    def part(self, places: Ints | slice) -> "Known":
        """The days at these places."""
        return Known(self.days[places], self.versions[places])


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
        """The journal as it is; whoever asks while it is read waits, and reads only what changed since."""
        async with self._one_reads, self.database.read() as connection:
            newest = int(self._known.versions.max(initial=0))
            totals, count, total, changed = await _asked(connection, newest)
            if (len((there := self._known.with_days(changed)).days), int(there.versions.sum())) != (count, total):
                _, _, _, changed = await _asked(connection, 0)
            await self._catch_up(connection, self._known.behind(changed))
            return Journal(self._days, totals)

    async def _catch_up(self, connection: AsyncConnection, behind: Known) -> None:
        """Read the days that differ; what is read is kept, even where the next part fails."""
        size = 1
        while len(behind.days):
            count = _first(behind.days, size)
            read = await self._read(connection, behind.days[:count])
            self._known = self._known.with_days(behind.part(slice(count)))
            behind = behind.part(slice(count, None))
            size = max(1, min(_MOST_DAYS, 2 * size, size * _ROWS_AT_ONCE // max(read, 1)))

    async def _read(self, connection: AsyncConnection, days: Ints) -> int:
        """Sum up the trading days that these UTC days belong to: its own until New York's evening, then the next."""
        wanted = np.union1d(days, days + 1)
        start, end = int(wanted[0]) * DAY - 3 * _HOUR, int(wanted[-1] + 1) * DAY - 2 * _HOUR  # 17:00 New York in UTC
        trades = (await read_closed(connection, start, end)).trades

        def summed() -> Days:
            return summarised(trades.where(np.isin(trading_days(trades.closed), wanted)))

        found = await asyncio.to_thread(summed) if len(trades) > MANY else summed()
        self._days = replaced(self._days, found, np.setdiff1d(wanted, found.day))
        return len(trades)


def _first(days: Ints, most: int) -> int:
    """How many of these days follow one another from the first on, `most` at most; the trading days of each touch."""
    gaps = np.flatnonzero(np.diff(days[:most]) > 2)  # noqa: PLR2004 - a day and the next trading day
    return int(gaps[0]) + 1 if len(gaps) else min(most, len(days))


async def _asked(connection: AsyncConnection, since: int) -> tuple[Totals, int, int, Known]:
    """The totals; of the noted days their number, the sum of their versions, and those whose versions are not below."""
    statement = f"SELECT * FROM ({kept_statement()}) t CROSS JOIN ({versions_statement(connection.dialect.name)}) v"  # noqa: S608 - statements of ours
    ((row,),) = await connection.fetch((statement, (since,)))
    *totals, count, total, text = row
    found = np.fromstring(text or "", np.int64, sep=",").reshape(-1, 2)
    days, versions = found[np.argsort(found[:, 0])].T
    return totals_of(totals), int(count), int(total), Known(days, versions)
