"""Break the journal down: the same figures for each instrument, side, session, hour, weekday, month, setup or tag."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from itertools import chain

import numpy as np

from alphaforge.core.candles import Ints
from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.statistics.breakdown import Group, group_figures
from alphaforge.statistics.calendar import SESSIONS, WEEKDAYS, hours, month_name, months, sessions, weekdays
from alphaforge.statistics.days import Days, summarised_by
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal_days import JournalDays, closed_on
from alphaforge.storage.journal_results import MANY, ClosedEntries

MOST_GROUPS = 500
_ROWS_AT_ONCE = 20_000


class Dimension(StrEnum):
    """What the journal is broken down by. Session, hour, weekday and month are those of the opening."""

    INSTRUMENT = "instrument"
    SIDE = "side"
    SESSION = "session"
    HOUR = "hour"
    WEEKDAY = "weekday"
    MONTH = "month"
    SETUP = "setup"
    TAG = "tag"


async def break_down_journal(
    journal: JournalDays, by: Dimension, start: int | None = None, end: int | None = None
) -> list[Group]:
    """The groups of the trades that closed on trading days from `start` on and before `end` (days since 1970).

    In the order of their keys; trades without a key are the last group, of key None. In one transaction, a part at a
    time. Raises InvalidInput where there are more than `MOST_GROUPS`.
    """
    groups = _Groups(by)
    async with journal.database.long_reads, journal.database.read() as connection:
        days = (await journal.within(connection)).days
        async for entries in _parts(connection, days, groups.way.words, start, end):
            if len(entries.trades) > MANY:
                await asyncio.to_thread(groups.add, entries)
            else:
                groups.add(entries)
    return await asyncio.to_thread(groups.found)


async def _parts(
    connection: AsyncConnection, days: Days, words: Sequence[str], start: int | None, end: int | None
) -> AsyncIterator[ClosedEntries]:
    """The trades of whole trading days, some thousands at a time."""
    first = 0 if start is None else int(np.searchsorted(days.day, start))
    last = len(days) if end is None else int(np.searchsorted(days.day, end))
    passed = np.concatenate(([0.0], np.cumsum(days.of("trades"))))
    while first < last:
        beyond = int(np.searchsorted(passed, passed[first] + _ROWS_AT_ONCE, side="right")) - 1
        until = min(max(beyond, first + 1), last)
        yield await closed_on(connection, days.day[first:until], words)
        first = until


@dataclass(frozen=True, slots=True)
class _Way:
    """How trades are told apart: the words that are read, what each trade says, the keys of that, and their order."""

    words: tuple[str, ...]
    said: Callable[[ClosedEntries], Sequence[str | int | None]]
    keys: Callable[[str | int], Iterable[str]]
    order: Sequence[str] = ()


@dataclass(slots=True)
class _Groups:
    """The groups as far as they are read: of each its days, a part at a time. Words are the same in any case."""

    by: Dimension
    names: list[str | None] = field(default_factory=lambda: [None])
    parts: list[list[Days]] = field(default_factory=lambda: [[]])
    _numbers: dict[str, int] = field(default_factory=dict)
    _known: dict[str | int | None, tuple[int, ...]] = field(default_factory=lambda: {None: (0,)})

    @property
    def way(self) -> _Way:
        return _WAYS[self.by]

    def add(self, entries: ClosedEntries) -> None:
        said = self.way.said(entries)
        for one in set(said) - self._known.keys():
            if one is not None:
                self._known[one] = tuple({self._number(key): None for key in self.way.keys(one)}) or (0,)
        several = [self._known[one] for one in said]
        positions = np.repeat(np.arange(len(several)), [len(each) for each in several])
        codes = np.fromiter(chain.from_iterable(several), np.int64, len(positions))
        for number, days in summarised_by(entries.trades, codes, positions).items():
            self.parts[number].append(days)

    def _number(self, key: str) -> int:
        number = self._numbers.setdefault(key.casefold(), len(self.names))
        if number == len(self.names):
            if number > MOST_GROUPS:
                message = f"The journal has more than {MOST_GROUPS} groups by {self.by}"
                raise InvalidInput(message, advice="Ask for a shorter time, with from and to.")
            self.names.append(key)
            self.parts.append([])
        self.names[number] = min(key, self.names[number] or key)
        return number

    def found(self) -> list[Group]:
        named = zip(self.names, self.parts, strict=True)
        groups = [Group(name, group_figures(_joined(days))) for name, days in named if days]
        place = {key: number for number, key in enumerate(self.way.order)}
        return sorted(groups, key=lambda one: (one.key is None, place.get(one.key or "", len(place)), one.key or ""))


def _joined(parts: Sequence[Days]) -> Days:
    return Days(np.concatenate([one.day for one in parts]), np.concatenate([one.values for one in parts], axis=1))


def _one(said: str) -> list[str]:
    return [said.strip()] if said.strip() else []


def _word(name: str, keys: Callable[[str], Iterable[str]] = _one) -> _Way:
    return _Way((name,), lambda entries: entries.words[name], lambda said: keys(str(said)))


def _instrument(symbol: str) -> list[str]:
    try:
        return [instrument_name(symbol)]
    except UnknownInstrument:
        return _one(symbol)


def _tags(tags: str) -> list[str]:
    return [tag.strip() for tag in tags.split(",") if tag.strip()]


def _opening(code: Callable[[Ints], Ints], name: Callable[[int], str], order: Sequence[str] = ()) -> _Way:
    return _Way((), lambda entries: code(_opened(entries)).tolist(), lambda said: [name(int(said))], order)


def _opened(entries: ClosedEntries) -> Ints:
    return np.floor(entries.trades.opened).astype(np.int64)


def _session(entries: ClosedEntries) -> list[str]:
    """The trader's own word counts before the clocks of the places."""
    clocks = sessions(_opened(entries)).tolist()
    return [said or SESSIONS[clock] for said, clock in zip(entries.words["session"], clocks, strict=True)]


_WAYS = {
    Dimension.INSTRUMENT: _word("symbol", _instrument),
    Dimension.SIDE: _word("trade_type"),
    Dimension.SESSION: _Way(("session",), _session, lambda said: [str(said)], SESSIONS),
    Dimension.HOUR: _opening(hours, lambda hour: f"{hour:02d}:00"),
    Dimension.WEEKDAY: _opening(weekdays, lambda day: WEEKDAYS[day], WEEKDAYS),
    Dimension.MONTH: _opening(months, month_name),
    Dimension.SETUP: _word("trade_setup"),
    Dimension.TAG: _word("tags", _tags),
}
