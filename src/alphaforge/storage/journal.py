"""The trader's journal. Rows are dicts with every column; their times are epoch seconds. Nothing here commits."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from sqlalchemy import Select, delete, exists, insert, select, update

from alphaforge.core.errors import InvalidInput
from alphaforge.storage import rows
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.listing import Page
from alphaforge.storage.lists import ENTRY_COLUMNS, JOURNAL_LIST, PICTURES, tag_patterns
from alphaforge.storage.rows import LARGEST_ID, Position
from alphaforge.storage.tables import journal, journal_totals
from alphaforge.storage.totals import MILLIONTHS, kept_statement

_c = journal.c
_WITHOUT_PICTURES = tuple(name for name in ENTRY_COLUMNS if name not in PICTURES)
_HOW_MANY = f"SELECT trades FROM {journal_totals.name}"  # noqa: S608 - a table of ours
_WORDS = {
    "trade_type": ("BUY", "SELL"),
    "session": ("ASIAN", "LONDON", "NEW_YORK", "OVERLAP"),
    "outcome": ("WIN", "LOSS", "BREAKEVEN"),
}
"""What the predecessor's enums know; its readers fail on anything else."""


@dataclass(frozen=True, slots=True)
class EntryCriteria:
    """Which entries; what is not given does not restrict. `symbols`: spellings, any of them.

    `start` and `end` in epoch seconds of the opening, `end` not included; `closed`: both of the closing.
    `tag`: one of an entry's tags; like `setup` in any case. `signal_id`: the signal that they follow.
    """

    symbols: tuple[str, ...] = ()
    trade_type: str | None = None
    outcome: str | None = None
    session: str | None = None
    start: float | None = None
    end: float | None = None
    setup: str | None = None
    tag: str | None = None
    signal_id: int | None = None
    closed: tuple[int, int] | None = None
    behind: Position | None = None

    def values(self) -> dict[str, tuple[Any, ...]]:
        """What is given, as `JOURNAL_LIST` takes it."""
        found: dict[str, tuple[Any, ...]] = {"symbol": self.symbols} if self.symbols else {}
        found |= rows.given(self, "trade_type", "outcome", "session", "start", "end", "setup", "signal_id")
        if self.tag is not None:
            found["tag"] = tag_patterns(self.tag)
        if self.closed is not None:
            found["closed"] = self.closed
        return found | rows.place(self.behind)


@dataclass(frozen=True, slots=True)
class NewEntry:
    """A trade for the journal; times in epoch seconds. Raises InvalidInput for words the columns do not know."""

    open_time: float
    symbol: str
    trade_type: str
    lots: float
    entry_price: float
    close_time: float | None = None
    exit_price: float | None = None
    stop_loss: float | None = None
    take_profit: float | None = None
    pips: float | None = None
    profit_loss: float | None = None
    mae: float | None = None
    mfe: float | None = None
    r_value: float | None = None
    trade_setup: str | None = None
    session: str | None = None
    duration_minutes: int | None = None
    notes: str | None = None
    tags: str | None = None
    screenshot_entry: str | None = None
    screenshot_exit: str | None = None
    screenshot_analysis: str | None = None
    outcome: str | None = None
    signal_id: int | None = None
    created_at: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        for name in _WORDS:
            _check_word(name, getattr(self, name))

    def row(self) -> dict[str, Any]:
        """Its columns."""
        return dict(zip(_ENTRY_FIELDS, _ENTRY_VALUES(self), strict=True)) | {"updated_at": self.created_at}


_ENTRY_FIELDS = tuple(NewEntry.__slots__)
_ENTRY_VALUES = attrgetter(*_ENTRY_FIELDS)
_CHANGEABLE = frozenset(_ENTRY_FIELDS) - {"created_at"} | {"updated_at"}


@dataclass(frozen=True, slots=True)
class JournalRepository:
    """The journal, within one transaction."""

    connection: AsyncConnection

    async def create(self, entry: NewEntry) -> int:
        """Store an entry; answers its id."""
        result = await self.connection.execute(insert(journal).values(entry.row()).returning(_c.id))
        return int(result.scalar_one())

    async def create_many(self, entries: Sequence[NewEntry]) -> list[int]:
        """Store many; answers their ids in their order."""
        return await rows.insert_many(self.connection, journal, [entry.row() for entry in entries])

    async def update(self, entry_id: int, fields: dict[str, Any]) -> bool:
        """Change columns of an entry; False where there is none of this id."""
        change = _checked(fields)
        if not 0 < entry_id <= LARGEST_ID:
            return False
        result = await self.connection.execute(update(journal).where(_c.id == entry_id).values(change))
        return result.rowcount == 1

    async def update_many(self, changes: Sequence[dict[str, Any]]) -> int:
        """Change columns of many entries, each named by its `id`; NotFound where one is missing, then none is."""
        return await rows.update_many(
            self.connection, journal, [{"id": change["id"], **_checked(_without_id(change))} for change in changes]
        )

    async def delete(self, entry_id: int) -> bool:
        """Remove an entry; False where there is none of this id."""
        if not 0 < entry_id <= LARGEST_ID:
            return False
        return (await self.connection.execute(delete(journal).where(_c.id == entry_id))).rowcount == 1

    async def get(self, entry_id: int) -> dict[str, Any] | None:
        """One entry."""
        if not 0 < entry_id <= LARGEST_ID:
            return None
        return await rows.first_dict(self.connection, select(*journal.columns).where(_c.id == entry_id))

    async def page(
        self, skip: int = 0, limit: int | None = None, *, behind: Position | None = None, pictures: bool = True
    ) -> list[dict[str, Any]]:
        """Entries, newest first (by opening time, then id); without `pictures` their columns are left out."""
        return await rows.dicts(self.connection, page_statement(skip, limit, behind, pictures=pictures))

    async def listed(
        self,
        criteria: EntryCriteria,
        *,
        columns: tuple[str, ...] = ENTRY_COLUMNS,
        skip: int = 0,
        limit: int | None = None,
    ) -> Page:
        """The same for answers: by column, times as RFC 3339; `total` counts the whole journal."""
        values = criteria.values()
        if len(criteria.symbols) > 1:
            values["symbol"] = await self._occurring(criteria.symbols)
        return await JOURNAL_LIST.read(self.connection, columns, values, skip=skip, limit=limit, total=(_HOW_MANY, ()))

    async def _occurring(self, symbols: tuple[str, ...]) -> tuple[str, ...]:
        """The spellings that entries have: mostly one, whose entries an index has in the list's order."""
        found = (await self.connection.execute(select(*(exists().where(_c.symbol == one) for one in symbols)))).one()
        return tuple(one for one, occurs in zip(symbols, found, strict=True) if occurs) or symbols[:1]

    async def count(self) -> int:
        """How many entries there are."""
        return int((await self.connection.execute(select(journal_totals.c.trades))).scalar_one())

    async def statistics(self) -> dict[str, Any]:
        """Figures over all entries, whatever their number, from the totals that the database keeps: see `totals_of`."""
        ((row,),) = await self.connection.fetch((kept_statement(), ()))
        return totals_of(row)


Totals = dict[str, Any]


def totals_of(row: Sequence[Any]) -> Totals:
    """A row of `totals.kept_statement` as figures.

    Keys: total_trades, wins, losses, total_pnl, total_pips, avg_r (over the entries whose R is known and
    not zero, as the predecessor has it; None where there is none).
    """
    trades, wins, losses, r_count, *sums = map(int, row)
    pnl, pips, r_sum = (total / MILLIONTHS for total in sums)
    return {
        "total_trades": trades,
        "wins": wins,
        "losses": losses,
        "total_pnl": pnl,
        "total_pips": pips,
        "avg_r": r_sum / r_count if r_count else None,
    }


def page_statement(skip: int, limit: int | None, behind: Position | None, *, pictures: bool) -> Select[Any]:
    """The list of entries."""
    columns = ENTRY_COLUMNS if pictures else _WITHOUT_PICTURES
    return JOURNAL_LIST.page_statement(columns, rows.place(behind), skip=skip, limit=limit)


def _without_id(change: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in change.items() if name != "id"}


def _checked(fields: dict[str, Any]) -> dict[str, Any]:
    change = rows.checked_changes(journal, _CHANGEABLE, fields)
    _check_words(change)
    return {"updated_at": time.time(), **change}


def _check_words(row: dict[str, Any]) -> None:
    for name in _WORDS:
        _check_word(name, row.get(name))


def _check_word(name: str, word: object) -> None:
    if word is not None and word not in _WORDS[name]:
        message = f"{name} {word!r} is not one of {', '.join(_WORDS[name])}"
        raise InvalidInput(message)
