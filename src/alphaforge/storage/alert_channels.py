"""How sending to each channel goes: failures in a row, and whether it was given up."""

from dataclasses import dataclass

from sqlalchemy import case, func, select, update

from alphaforge.storage.alerts import ALERT
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.jobs import QUEUED
from alphaforge.storage.now import now
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import alert_channels, jobs

_c, _j = alert_channels.c, jobs.c


@dataclass(frozen=True, slots=True)
class ChannelState:
    """`failures` in a row; `disabled_at` in epoch seconds; `last_error` shows nothing of the address."""

    failures: int = 0
    disabled_at: float | None = None
    last_error: str | None = None


@dataclass(frozen=True, slots=True)
class ChannelRepository:
    """Channels by key, within one transaction that writes `jobs`."""

    connection: AsyncConnection

    async def states(self) -> dict[str, ChannelState]:
        """Of those that ever failed."""
        found = await self.connection.execute(select(_c.key, _c.failures, _c.disabled_at, _c.last_error))
        return {row.key: ChannelState(row.failures, row.disabled_at, row.last_error) for row in found.all()}

    async def state(self, key: str) -> ChannelState:
        """Of one."""
        return (await self.states()).get(key, ChannelState())

    async def failed(self, key: str, error: str, most: int) -> ChannelState:
        """One more failure; with `most` of them in a row the channel is disabled."""
        first = {"key": key, "failures": 1, "last_error": error, "disabled_at": None}
        at = case((_c.disabled_at.is_not(None), _c.disabled_at), (_c.failures + 1 >= most, now(self.connection)))
        statement = insert(self.connection, alert_channels).values(first)
        statement = statement.on_conflict_do_update(
            index_elements=["key"], set_={"failures": _c.failures + 1, "last_error": error, "disabled_at": at}
        )
        await self.connection.execute(statement)
        return await self.state(key)

    async def works(self, key: str) -> None:
        """Forget the failures: it took a message, or somebody wants it tried again."""
        values = {"failures": 0, "disabled_at": None, "last_error": None}
        await self.connection.execute(update(alert_channels).where(_c.key == key).values(values))

    async def postpone(self, lane: str, seconds: float) -> None:
        """Try nothing of a lane before so many seconds have passed: what failed now would fail at once again."""
        until = now(self.connection) + seconds
        waiting = update(jobs).where(_j.kind == ALERT, _j.lane == lane, _j.status == QUEUED, _j.run_at < until)
        await self.connection.execute(waiting.values(run_at=until))

    async def hasten(self, lane: str) -> None:
        """Try at once what was postponed; what is gathered until a certain moment has a key that says so."""
        waiting = update(jobs).where(_j.kind == ALERT, _j.lane == lane, _j.status == QUEUED)
        waiting = waiting.where(~func.coalesce(_j.key, "").like("%:gathered:%"))
        await self.connection.execute(waiting.values(run_at=now(self.connection)))
