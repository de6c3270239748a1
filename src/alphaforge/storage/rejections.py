"""Evaluations that ended in no signal: what was seen, what refused it, and how near it came."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import CompoundSelect, Select, delete, func, insert, literal, select, union_all

from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import from_epoch
from alphaforge.signals.explain import decision_to_dict
from alphaforge.signals.model import Decision, FilterName
from alphaforge.storage import rows
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.evaluations import is_first
from alphaforge.storage.listing import Page
from alphaforge.storage.lists import DAY_OF_REJECTIONS, EVALUATED_REJECTIONS, REJECTION_COLUMNS
from alphaforge.storage.rows import Position
from alphaforge.storage.tables import evaluations, rejections

_c = rejections.c
_SHOWN = [column for column in rejections.columns if column.name != "decision"]


@dataclass(frozen=True, slots=True)
class RejectionRepository:
    """The rejections, within one transaction.

    Rows are dicts: every column, with `decided_at` also as `timestamp` (epoch seconds), `date` (`2025-07-07`, UTC)
    and `hour` (0-23, UTC).
    """

    connection: AsyncConnection

    async def add(self, decision: Decision, *, source: str, simulated: bool) -> bool:
        """Store a rejection; False where this evaluation is stored already, as whatever.

        Raises InvalidInput for a decision that is a signal.
        """
        if decision.reason is None:
            message = f"{decision.instrument}: a decision that passed every filter is no rejection"
            raise InvalidInput(message)
        if not await is_first(self.connection, decision, source):
            return False
        row = _row(decision) | {"source": source, "simulated": simulated, "reason": decision.reason.value}
        await self.connection.execute(insert(rejections), row)
        return True

    async def some(self, ids: Collection[int]) -> list[dict[str, Any]]:
        """Those of these ids that are there, in any order; no `decision`."""
        return await rows.dicts(self.connection, select(*_SHOWN).where(_c.id.in_(ids))) if ids else []

    async def of_day(self, start: float, end: float) -> list[dict[str, Any]]:
        """The rejections decided at or after `start` and before `end` (epoch seconds), oldest first; no `decision`."""
        return [_shown(row) for row in await rows.dicts(self.connection, day_statement(start, end))]

    async def listed(
        self,
        start: float,
        end: float,
        *,
        instrument: str | None = None,
        behind: Position | None = None,
        limit: int | None = None,
    ) -> Page:
        """The same for answers: by column, times as RFC 3339; of one instrument, behind a row, `limit` at most."""
        values: dict[str, tuple[Any, ...]] = {} if instrument is None else {"instrument": (instrument,)}
        values |= {"start": (start,), "end": (end,)} | rows.place(behind)
        return await DAY_OF_REJECTIONS.read(self.connection, REJECTION_COLUMNS, values, limit=limit)

    async def evaluated(self, behind: Position | None, limit: int) -> Page:
        """Rejections by their candle, newest first."""
        return await EVALUATED_REJECTIONS.read(self.connection, REJECTION_COLUMNS, rows.place(behind), limit=limit)

    async def newest_moment(self) -> float | None:
        """When the newest rejection was decided (epoch seconds)."""
        moment: float | None = await self.connection.scalar(select(func.max(_c.decided_at)))
        return moment

    async def newest(self, instrument: str | None, count: int) -> list[dict[str, Any]]:
        """The newest rejections, of one instrument or of all, newest first; `decision` as a dict."""
        found = await rows.dicts(self.connection, newest_statement(instrument, count))
        return [_shown(row) | {"decision": msgspec.json.decode(row["decision"])} for row in found]

    async def last_evaluated(self, source: str, instruments: Sequence[str]) -> dict[str, int]:
        """The start (epoch seconds) of the newest candle evaluated of each of these instruments, signal or not."""
        if not instruments:
            return {}
        found = await rows.pairs(self.connection, last_evaluated_statement(source, instruments))
        return {name: start for name, start in found.items() if start is not None}

    async def prune(self, before: float, *, source: str, at_most: int) -> int:
        """Forget a source's oldest rejections decided before a moment; answers how many.

        Their candles are never evaluated again.
        """
        statement = delete(rejections).where(_c.id.in_(old_statement(before, source, at_most)))
        return int((await self.connection.execute(statement)).rowcount)


def day_statement(start: float, end: float) -> Select[Any]:
    """The rejections of a span of time."""
    return select(*_SHOWN).where(_c.decided_at >= start, _c.decided_at < end).order_by(_c.decided_at, _c.id)


def newest_statement(instrument: str | None, count: int) -> Select[Any]:
    """The newest rejections."""
    statement = select(*rejections.columns).order_by(_c.decided_at.desc(), _c.id.desc()).limit(count)
    return statement if instrument is None else statement.where(_c.instrument == instrument)


def old_statement(before: float, source: str, count: int) -> Select[Any]:
    """The oldest rejections, by id."""
    old = select(_c.id).where(_c.decided_at < before, _c.source == source)
    return old.order_by(_c.decided_at, _c.id).limit(count)


def last_evaluated_statement(source: str, instruments: Sequence[str]) -> CompoundSelect[Any]:
    """The newest evaluated candle by instrument, each looked up: over all together the whole index would be read."""
    of = evaluations.c
    return union_all(
        *(
            select(literal(name), func.max(of.candle_time)).where(of.source == source, of.instrument == name)
            for name in instruments
        )
    )


def _shown(row: dict[str, Any]) -> dict[str, Any]:
    moment = from_epoch(row["decided_at"])
    return row | {"timestamp": row["decided_at"], "date": moment.strftime("%Y-%m-%d"), "hour": moment.hour}


def _row(decision: Decision) -> dict[str, Any]:
    passed = {result.name: result.passed for result in decision.filters}
    levels = decision.levels
    return {
        "strategy": decision.strategy,
        "instrument": decision.instrument,
        "candle_time": decision.candle_time,
        "decided_at": decision.as_of,
        "regime": decision.regime.value,
        "strength": decision.strength,
        "agreement": decision.agreement,
        "buy_votes": decision.buy_votes,
        "sell_votes": decision.sell_votes,
        "confidence": decision.confidence,
        "atr_pct": None if decision.atr is None else 100 * decision.atr / decision.close,
        "adx": decision.adx,
        "volatility_ok": passed.get(FilterName.VOLATILITY),
        "strength_ok": passed.get(FilterName.STRENGTH),
        "adx_ok": passed.get(FilterName.TREND),
        "last_price": decision.close,
        "suggested_direction": None if decision.direction is None else decision.direction.value,
        "proposed_entry": None if levels is None else levels.entry,
        "proposed_stop_loss": None if levels is None else levels.stop,
        "proposed_take_profit": None if levels is None else levels.target,
        "decision": msgspec.json.encode(decision_to_dict(decision)).decode(),
    }
