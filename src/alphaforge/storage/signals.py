"""Signals: the predecessor's, the trader's, and the strategy's.

Rows are dicts with every column but `decision`; their times are epoch seconds. Nothing here commits.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, case, func, insert, select, update

from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.explain import decision_to_dict
from alphaforge.signals.model import Decision, Outcome, Status
from alphaforge.signals.outcome import OpenSignal
from alphaforge.storage import rows
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.evaluations import is_first
from alphaforge.storage.listing import Page
from alphaforge.storage.lists import EVALUATED_SIGNALS, OLDEST_SIGNALS, SIGNAL_COLUMNS, SIGNAL_LIST
from alphaforge.storage.results import Unsettleable, read_open, read_results
from alphaforge.storage.rows import LARGEST_ID, Position
from alphaforge.storage.signal_status import status_row
from alphaforge.storage.signal_values import (
    M5,
    OPEN,
    NewSignal,
    SignalCriteria,
    decided_row,
    settled_row,
)
from alphaforge.storage.tables import signals

__all__ = ["NewSignal", "SignalCriteria", "SignalRepository"]

_c = signals.c
_EVERY = select(*(_c[name] for name in SIGNAL_COLUMNS))
_EVALUATED = ("id", "candle_time", "timestamp", "instrument", "market_condition", "direction", "confidence_score")
_OPEN_WORDS = [status.value for status in OPEN]
_SETTLED_WORDS = [Status.WON.value, Status.LOST.value, Status.CLOSED.value]
_CHANGEABLE = frozenset(NewSignal.__slots__) - {"instrument", "created_at", "source", "simulated"} | {
    *("entry_time", "entry_price", "exit_time", "exit_price", "outcome", "pips_captured", "actual_pnl"),
    *("potential_pnl", "duration_hours", "mae", "mfe", "slippage", "volatility_level", "updated_at"),
}


@dataclass(frozen=True, slots=True)
class SignalRepository:
    """The signals, within one transaction."""

    connection: AsyncConnection

    async def add(
        self,
        decision: Decision,
        *,
        symbol: str,
        source: str,
        simulated: bool,
        expires_at: int,
        context: Mapping[str, Any] | None = None,
    ) -> int | None:
        """Store a signal of the strategy; None where this evaluation is stored already, as whatever.

        `context`: what it was decided from beside candles, as JSON takes it; `decision_of` gives it back.

        Raises InvalidInput for a decision that is no signal.
        """
        if not decision.is_signal or decision.levels is None:
            message = f"{decision.instrument}: a decision that was refused ({decision.reason}) is no signal"
            raise InvalidInput(message)
        if not await is_first(self.connection, decision, source):
            return None
        row = decided_row(decision, decision.levels) | {
            "symbol": symbol,
            "source": source,
            "simulated": simulated,
            "expires_at": expires_at,
            "decision": msgspec.json.encode(decision_to_dict(decision) | {"context": context}).decode(),
        }
        return await self._insert(row)

    async def create(self, new: NewSignal) -> int:
        """Store a signal made by hand; answers its id."""
        return await self._insert(new.row())

    async def _insert(self, row: dict[str, Any]) -> int:
        return int((await self.connection.execute(insert(signals).values(row).returning(_c.id))).scalar_one())

    async def create_many(self, new: Sequence[NewSignal]) -> list[int]:
        """Store many; answers their ids in their order."""
        return await rows.insert_many(self.connection, signals, [one.row() for one in new])

    async def update_many(self, changes: Sequence[dict[str, Any]]) -> int:
        """Change columns of many signals, each named by its `id`; NotFound where one is missing, then none is."""
        for change in changes:
            rows.checked_changes(signals, _CHANGEABLE | {"id"}, change)
        return await rows.update_many(self.connection, signals, changes)

    async def get(self, signal_id: int) -> dict[str, Any] | None:
        """One signal."""
        if not 0 < signal_id <= LARGEST_ID:
            return None
        return await rows.first_dict(self.connection, _EVERY.where(_c.id == signal_id))

    async def some(self, ids: Collection[int]) -> list[dict[str, Any]]:
        """Those of these ids that are there, in any order."""
        return await rows.dicts(self.connection, _EVERY.where(_c.id.in_(ids))) if ids else []

    async def symbols(self, ids: Collection[int]) -> dict[int, str]:
        """By their id the instruments of those of these signals that are there; a symbol where it means none."""
        found: dict[int, str] = {}
        wanted = sorted(ids)
        for start in range(0, len(wanted), 500):  # below SQLite's limit of parameters
            part = _c.id.in_(wanted[start : start + 500])
            statement = select(_c.id, func.coalesce(_c.instrument, _c.symbol)).where(part)
            found |= {number: name for number, name in (await self.connection.execute(statement)).all()}  # noqa: C416 - rows are no pairs to mypy
        return found

    async def decision_of(self, signal_id: int) -> dict[str, Any] | None:
        """What the strategy decided and why; None for signals that are not its own."""
        if not 0 < signal_id <= LARGEST_ID:
            return None
        stored = await self.connection.scalar(select(_c.decision).where(_c.id == signal_id))
        return None if stored is None else msgspec.json.decode(stored, type=dict[str, Any])

    async def made_of(
        self, strategy: str, source: str, instrument: str, candle_time: int
    ) -> tuple[int, dict[str, Any]] | None:
        """The signal of a candle by its identity: its id, and what was decided."""
        identity = {"strategy": strategy, "source": source, "instrument": instrument, "candle_time": candle_time}
        statement = select(_c.id, _c.decision).where(*(_c[name] == value for name, value in identity.items()))
        row = (await self.connection.execute(statement)).one_or_none()
        return None if row is None else (row.id, msgspec.json.decode(row.decision, type=dict[str, Any]))

    async def page(self, criteria: SignalCriteria, *, skip: int = 0, limit: int | None) -> list[dict[str, Any]]:
        """Signals, newest first (by time, then id). `criteria.behind` goes on where another page ended."""
        return await rows.dicts(self.connection, page_statement(criteria, skip, limit))

    async def listed(
        self,
        criteria: SignalCriteria,
        *,
        columns: tuple[str, ...] = SIGNAL_COLUMNS,
        skip: int = 0,
        limit: int | None = None,
        total: bool = False,
        newest_first: bool = True,
    ) -> Page:
        """The same for answers: by column, times as RFC 3339; with `total` the number of all that match."""
        listing = SIGNAL_LIST if newest_first else OLDEST_SIGNALS
        return await listing.read(self.connection, columns, criteria.values(), skip=skip, limit=limit, total=total)

    async def evaluated(self, behind: Position | None, limit: int) -> Page:
        """The strategy's own by their candle, newest first, with what a list of evaluations shows."""
        values: dict[str, tuple[Any, ...]] = {"origin": ("strategy",), "evaluated": (), **rows.place(behind)}
        return await EVALUATED_SIGNALS.read(self.connection, _EVALUATED, values, limit=limit)

    async def count(self, criteria: SignalCriteria) -> int:
        """How many signals match."""
        return int((await self.connection.execute(SIGNAL_LIST.counted(criteria.values()))).scalar_one())

    async def counts_by_status_since(self, since: float) -> dict[str, int]:
        """How many of the signals made since a moment there are of each status that occurs."""
        statement = select(_c.status, func.count()).where(_c.timestamp >= since).group_by(_c.status)
        return await rows.pairs(self.connection, statement)

    async def counts_by_status(self) -> dict[str, int]:
        """How many signals there are of each status that occurs."""
        return await rows.pairs(self.connection, select(_c.status, func.count()).group_by(_c.status))

    async def performance(self, since: float) -> list[dict[str, Any]]:
        """Per instrument what the settled signals (WON, LOST, CLOSED) made since a moment brought.

        Keys: symbol, trades, wins, losses, pnl, pips, r_multiple; the last three are None where none is known.
        """
        return await rows.dicts(self.connection, performance_statement(since))

    async def set_status(self, signal_id: int, status: Status, *, exit_price: float | None, at: float) -> bool:
        """Say by hand what became of a signal; False where there is none of this id.

        A status that ends it sets the exit time; one that opens it again takes the end away.
        """
        if not 0 < signal_id <= LARGEST_ID:
            return False
        change = status_row(status, exit_price=exit_price, at=at)
        result = await self.connection.execute(update(signals).where(_c.id == signal_id).values(change))
        return result.rowcount == 1

    async def settle(self, signal_id: int, outcome: Outcome, at: float) -> bool:
        """Store how an open signal ended; False when it is not open (any more)."""
        hours = case((_c.candle_time.is_not(None), (outcome.exit_time - _c.candle_time - M5) / 3600.0))
        return await self._end(signal_id, settled_row(outcome, at) | {"duration_hours": hours})

    async def expire_unseen(self, signal_id: int, at: float) -> bool:
        """End an open signal whose candles are not to be had: EXPIRED without a price; False when it is not open."""
        return await self._end(signal_id, {"status": Status.EXPIRED.value, "exit_time": at, "updated_at": at})

    async def _end(self, signal_id: int, row: dict[str, Any]) -> bool:
        statement = update(signals).where(_c.id == signal_id, _c.status.in_(_OPEN_WORDS)).values(row)
        return (await self.connection.execute(statement)).rowcount == 1

    async def last_signal_times(self, source: str | None = None) -> dict[str, int]:
        """When the candle of the newest signal of each instrument closed (epoch seconds)."""
        statement = select(_c.instrument, func.max(_c.candle_time) + M5).where(_c.candle_time.is_not(None))
        if source is not None:
            statement = statement.where(_c.source == source)
        return await rows.pairs(self.connection, statement.group_by(_c.instrument))

    async def open_signals(
        self, *, own_only: bool, source: str | None = None, sourceless: bool = False
    ) -> list[OpenSignal]:
        """Signals that are PENDING or ACTIVE, oldest first; `own_only`: made since adoption.

        Those that no candle can settle are not among them: see `unsettleable`.
        """
        return (await read_open(self.connection, own_only=own_only, source=source, sourceless=sourceless))[0]

    async def unsettleable(self, *, own_only: bool, source: str | None = None) -> list[Unsettleable]:
        """Open signals that no candle can settle, having impossible levels or a symbol that means nothing."""
        return (await read_open(self.connection, own_only=own_only, source=source))[1]

    async def results(
        self, source: str | None, instruments: Sequence[str], count: int
    ) -> dict[str, list[tuple[float, float]]]:
        """The last `count` results of each instrument as (epoch seconds, R-multiple), oldest first.

        Settled signals' and the trader's own together; of one source, or of all with None.
        """
        return {name: await read_results(self.connection, name, count, source) for name in instruments}

    async def name_late(self) -> int:
        """Give instruments to signals that the predecessor wrote meanwhile; answers how many.

        A symbol that names no instrument stays without.
        """
        nameless = select(_c.symbol).where(_c.instrument.is_(None)).distinct()
        named = 0
        for symbol in (await self.connection.execute(nameless)).scalars().all():
            try:
                name = instrument_name(symbol)
            except UnknownInstrument:
                continue
            statement = update(signals).where(_c.instrument.is_(None), _c.symbol == symbol).values(instrument=name)
            named += (await self.connection.execute(statement)).rowcount
        return named


def page_statement(criteria: SignalCriteria, skip: int, limit: int | None) -> Select[Any]:
    """The list of signals."""
    return SIGNAL_LIST.page_statement(SIGNAL_COLUMNS, criteria.values(), skip=skip, limit=limit)


def performance_statement(since: float) -> Select[*tuple[Any, ...]]:
    """What settled signals brought."""

    def ended(status: Status) -> ColumnElement[int]:
        return func.sum(case((_c.status == status.value, 1), else_=0))

    # as a comparison that no index on the status serves: that of the time has all columns, and the table is not read
    settled = case((_c.status.in_(_SETTLED_WORDS), 1), else_=0) == 1
    return (
        select(
            func.min(_c.symbol).label("symbol"),
            func.count().label("trades"),
            ended(Status.WON).label("wins"),
            ended(Status.LOST).label("losses"),
            func.sum(_c.actual_pnl).label("pnl"),
            func.sum(_c.pips_captured).label("pips"),
            func.sum(_c.r_multiple).label("r_multiple"),
        )
        .where(_c.timestamp >= since, settled)
        .group_by(func.coalesce(_c.instrument, _c.symbol))
        .order_by(func.min(_c.symbol))
    )
