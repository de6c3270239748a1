"""Alerts on their way: up to where events were told, what waits for a channel, which troubles are known."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.events import EventRepository
from alphaforge.storage.jobs import DONE, FAILED, QUEUED, RUNNING, Job, JobRepository
from alphaforge.storage.lists import SIGNAL_COLUMNS
from alphaforge.storage.now import now
from alphaforge.storage.settings import SettingRepository
from alphaforge.storage.tables import app_settings, signals
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import events, jobs

ALERT = "alert"
"""The kind of these jobs."""
CURSOR = "alerts_cursor"
STATUSES = {"queued": QUEUED, "sending": RUNNING, "sent": DONE, "failed": FAILED}
"""How alerts are spoken of, by the status of their job."""
_TROUBLE = "alerts_trouble:"
_TOLD = ("signal", "outcome")

_e, _j, _s = events.c, jobs.c, app_settings.c


def alert_status(job: Job) -> str:
    """What became of a message: `held` while it waits for the end of quiet hours or of its minute."""
    if job.status == QUEUED and not job.attempts and job.payload["why"] is not None:
        return "held"
    return next((word for word, status in STATUSES.items() if status == job.status), job.status)


@dataclass(frozen=True, slots=True)
class News:
    """A signal that was made or ended. `row` as the table of signals has it, times in epoch seconds.

    `trace`: of the transaction that did it, where that is recorded.
    """

    id: int
    at: float
    kind: str
    row: Mapping[str, Any]
    trace: str | None = None


@dataclass(frozen=True, slots=True)
class AlertRepository:
    """Alerts, within one transaction. Whoever changes something opens it with `write("jobs", "app_settings")`."""

    connection: AsyncConnection

    async def now(self) -> float:
        """The database's clock, epoch seconds."""
        return float(await self.connection.scalar(select(now(self.connection))))

    async def cursor(self, *, hold: bool = False) -> int | None:
        """The number of the last event that was told; with `hold` nobody else tells until the transaction ends."""
        statement = select(_s.value).where(_s.key == CURSOR)
        value: str | None = await self.connection.scalar(statement.with_for_update() if hold else statement)
        return None if value is None else int(value)

    async def begin_at_newest(self) -> None:
        """Tell what happens from now on; where somebody tells already, go on from there."""
        newest = await EventRepository(self.connection).newest()
        row = {"key": CURSOR, "value": str(newest), "updated_at": time.time()}
        await self.connection.execute(
            insert(self.connection, app_settings).values(row).on_conflict_do_nothing(index_elements=["key"])
        )

    async def move_cursor(self, number: int) -> None:
        """Everything up to this event is told."""
        await SettingRepository(self.connection).put(CURSOR, str(number))

    async def forget_cursor(self) -> None:
        """Tell nobody: the next one to tell begins with what is new then."""
        await self.connection.execute(delete(app_settings).where(_s.key == CURSOR))

    async def news(self, after: int, at_most: int) -> tuple[list[News], int]:
        """What happened to signals behind an event, oldest first, and the number up to which this is all."""
        # first: on PostgreSQL each statement sees what is committed at its own moment
        newest = await EventRepository(self.connection).newest()
        statement = (
            select(_e.id.label("event"), _e.at, _e.kind, _e.trace, *(signals.c[name] for name in SIGNAL_COLUMNS))
            .join(signals, signals.c.id == _e.ref)
            .where(_e.id > after, _e.id <= newest, _e.kind.in_(_TOLD))
            .order_by(_e.id)
            .limit(at_most)
        )
        found = []
        for row in (await self.connection.execute(statement)).mappings():
            signal = {name: row[name] for name in SIGNAL_COLUMNS}
            found.append(News(row["event"], row["at"], row["kind"], signal, row["trace"]))
        return found, found[-1].id if len(found) == at_most else newest

    async def queue(
        self, key: str, lane: str, payload: Mapping[str, Any], *, delay: float = 0.0, trace: str | None = None
    ) -> bool:
        """Queue a message in its channel's lane; False where there is one of this key already."""
        made = await JobRepository(self.connection).add(ALERT, payload, key=key, lane=lane, delay=delay, trace=trace)
        return made is not None

    async def waiting(self, key: str) -> dict[str, Any] | None:
        """The payload of a message that nobody has begun to send, held until the transaction ends."""
        statement = select(_j.payload).where(_j.key == key, _j.status == QUEUED, _j.attempts == 0)
        payload: str | None = await self.connection.scalar(statement.with_for_update())
        return None if payload is None else msgspec.json.decode(payload, type=dict[str, Any])

    async def change_waiting(self, key: str, payload: Mapping[str, Any]) -> None:
        """Put another payload into a message that `waiting` holds."""
        values = {"payload": msgspec.json.encode(payload).decode()}
        await self.connection.execute(update(jobs).where(_j.key == key).values(values))

    async def made_lately(self, lane: str, seconds: float, at_most: int) -> int:
        """How many messages of a lane were made within so many seconds, counted up to `at_most`."""
        newest = select(_j.created_at).where(_j.kind == ALERT, _j.lane == lane).order_by(_j.id.desc()).limit(at_most)
        made = newest.subquery()
        counted = select(func.count()).select_from(made).where(made.c.created_at > now(self.connection) - seconds)
        return int(await self.connection.scalar(counted))

    async def last_sent(self) -> dict[str, float]:
        """When each channel's lane last took a message, of those that are kept (epoch seconds)."""
        statement = select(_j.lane, func.max(_j.finished_at)).where(_j.kind == ALERT, _j.status == DONE)
        found: Sequence[Any] = (await self.connection.execute(statement.group_by(_j.lane))).all()
        return {row[0]: row[1] for row in found}

    async def trouble_begins(self, name: str, at: float) -> bool:
        """Note that something is wrong; False where that is known."""
        row = {"key": _TROUBLE + name, "value": repr(at), "updated_at": time.time()}
        statement = insert(self.connection, app_settings).values(row).on_conflict_do_nothing(index_elements=["key"])
        return (await self.connection.execute(statement)).rowcount == 1

    async def trouble_ends(self, name: str) -> float | None:
        """Note that it is right again: since when it was wrong (epoch seconds), None where it was not."""
        statement = delete(app_settings).where(_s.key == _TROUBLE + name).returning(_s.value)
        value: str | None = await self.connection.scalar(statement)
        return None if value is None else float(value)

    async def is_trouble(self, name: str) -> bool:
        """Whether something is known to be wrong."""
        return await self.connection.scalar(select(_s.key).where(_s.key == _TROUBLE + name)) is not None

    async def troubles_over(self, prefix: str) -> list[str]:
        """Of the troubles whose name is a prefix and a kind of job, those since which such a job was done."""
        statement = select(_s.key, _s.value).where(_s.key.startswith(_TROUBLE + prefix, autoescape=True))
        over = []
        for key, since in (await self.connection.execute(statement)).all():
            name = key.removeprefix(_TROUBLE)
            done = select(_j.id).where(
                _j.kind == name.removeprefix(prefix), _j.status == DONE, _j.finished_at > float(since)
            )
            if await self.connection.scalar(done.limit(1)) is not None:
                over.append(name)
        return over
