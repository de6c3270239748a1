"""What happened, in the order of commits; see change_events.py for who writes it down."""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, insert, select, update

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.now import now
from alphaforge.storage.work_tables import events

KEPT_SECONDS = 86_400.0

_c = events.c


@dataclass(frozen=True, slots=True)
class Event:
    """`kind`: signal, outcome, rejection, candle. `ref`: the row's id, or the candle's start. `at` in epoch seconds."""

    id: int
    at: float
    kind: str
    instrument: str | None
    ref: int


@dataclass(frozen=True, slots=True)
class EventRepository:
    """Events, within one transaction."""

    connection: AsyncConnection

    async def closed(self, instrument: str, starts: Collection[int]) -> None:
        """Write down that candles closed, or were revised. In a transaction that writes `candles`."""
        if starts:
            statement = insert(events).values(at=now(self.connection), kind="candle")
            rows = [{"instrument": instrument, "ref": start} for start in sorted(starts)]
            await self.connection.execute(statement, rows)

    async def belong(self, after: int, trace: str) -> None:
        """The events behind a number came about in this trace, which W3C's `traceparent` names."""
        await self.connection.execute(update(events).where(_c.id > after).values(trace=trace))

    async def newest(self) -> int:
        """The newest event's number, 0 before the first."""
        return int(await self.connection.scalar(select(func.coalesce(func.max(_c.id), 0))))

    async def newest_before(self, seconds: float) -> int:
        """The number of the newest event that is older than so many seconds, 0 where none is."""
        moment = now(self.connection) - seconds
        return int(await self.connection.scalar(select(func.coalesce(func.max(_c.id), 0)).where(_c.at < moment)))

    async def after(self, number: int, at_most: int) -> list[Event]:
        """The events behind a number, oldest first."""
        statement = select(_c.id, _c.at, _c.kind, _c.instrument, _c.ref).where(_c.id > number)
        found = await self.connection.execute(statement.order_by(_c.id).limit(at_most))
        return [Event(*row) for row in found.all()]

    async def prune(self, *, at_most: int) -> int:
        """Forget the oldest events of more than a day ago, never the newest of all; answers how many."""
        old = _c.at < now(self.connection) - KEPT_SECONDS
        last = select(func.max(_c.id)).scalar_subquery()
        ids = select(_c.id).where(old, _c.id < last).order_by(_c.id).limit(at_most)
        return int((await self.connection.execute(delete(events).where(_c.id.in_(ids)))).rowcount)
