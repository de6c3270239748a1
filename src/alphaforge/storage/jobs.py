"""Background work as rows: queued, held by one process at a time, done or failed.

A job is made in the transaction that wants it: rolled back, there never was one. Whoever holds a job says so again
every few seconds; of one who has died the next takes it over. All times are the database's clock's.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Select, Update, and_, case, delete, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.now import now
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import job_chunks, jobs

QUEUED, RUNNING, DONE, FAILED, CANCELLED = "queued", "running", "done", "failed", "cancelled"
STATUSES = (QUEUED, RUNNING, DONE, FAILED, CANCELLED)
ENDED = (DONE, FAILED, CANCELLED)
KEPT_SECONDS = 7 * 86_400.0
MARKET_LANE = "market"
"""Scans and settlements, one of them at a time: what settles must not overtake what decides."""

_c = jobs.c
_COLUMNS = [column for column in jobs.columns if column.name not in {"holder", "trace"}]


@dataclass(frozen=True, slots=True)
class Job:
    """`payload` and `result` as JSON has them; `progress` from 0 to 1; moments in epoch seconds.

    `attempts`: how often it was begun. `held_until`: when its holder is given up, while it runs.
    """

    id: int
    kind: str
    key: str | None
    lane: str | None
    payload: dict[str, Any]
    status: str
    attempts: int
    run_at: float
    held_until: float | None
    cancelling: bool
    progress: float | None
    result: Any
    error: str | None
    created_at: float
    started_at: float | None
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class Waiting:
    """Jobs of a kind that are queued, or that run. `oldest`: for how many seconds the first has been due, if any is."""

    kind: str
    status: str
    count: int
    oldest: float | None


@dataclass(frozen=True, slots=True)
class JobRepository:
    """Jobs, within one transaction. Whoever changes jobs opens it with `write("jobs")`."""

    connection: AsyncConnection

    async def add(
        self,
        kind: str,
        payload: Mapping[str, Any],
        *,
        key: str | None = None,
        lane: str | None = None,
        delay: float = 0,
    ) -> int | None:
        """Queue a job, to run in `delay` seconds at the earliest; None where there is one of this key already."""
        at = now(self.connection)
        row: dict[str, Any] = {"kind": kind, "key": key, "lane": lane, "status": QUEUED, "attempts": 0}
        row |= {"payload": encoded(payload), "cancelling": False}
        row |= {"created_at": at, "run_at": at + delay}
        statement = insert(self.connection, jobs).values(row).on_conflict_do_nothing(index_elements=["key"])
        made: int | None = await self.connection.scalar(statement.returning(_c.id))
        return made

    async def get(self, job_id: int) -> Job | None:
        """One job."""
        found = (await self.connection.execute(select(*_COLUMNS).where(_c.id == job_id))).one_or_none()
        return None if found is None else _job(found)

    async def page(
        self,
        kinds: Collection[str] = (),
        statuses: Collection[str] = (),
        *,
        before: int | None = None,
        limit: int,
    ) -> list[Job]:
        """Jobs, newest first, of these kinds and statuses (none: all), with ids below `before`."""
        statement = page_statement(kinds, statuses, before, limit)
        return [_job(row) for row in (await self.connection.execute(statement)).all()]

    async def claim(
        self, kinds: Collection[str], holder: str, seconds: float, *, job_id: int | None = None
    ) -> Job | None:
        """Hold the job that is due longest, for so many seconds; None where none is, or its lane is taken.

        With `job_id` that one and no other. Raises LaneTaken where another process takes one of its lane meanwhile.
        Only the last attempt's holder may finish a job: see `finish`.
        """
        at = now(self.connection)
        due = (
            select(_c.id)
            .where(_c.kind.in_(kinds), self._is_due(at), ~_lane_is_taken())
            .order_by(_c.run_at, _c.id)
            .limit(1)
        )
        if job_id is not None:
            due = due.where(_c.id == job_id)
        values = {"status": RUNNING, "holder": holder, "held_until": at + seconds, "started_at": at, "progress": None}
        statement = (
            update(jobs)
            .where(_c.id.in_(due.with_for_update(skip_locked=True)))
            .values(values | {"attempts": _c.attempts + 1})
            .returning(*_COLUMNS)
        )
        try:
            found = (await self.connection.execute(statement)).one_or_none()
        except IntegrityError:  # another took a job of the same lane at this moment
            raise LaneTaken from None
        return None if found is None else _job(found)

    async def next_due(self, kinds: Collection[str]) -> float | None:
        """In how many seconds the next of these jobs is due, below 0 for one that waits; None where there is none.

        One whose lane is taken is not due before that is free: whoever looked for it would find nothing, again and
        again.
        """
        moment = case((_c.status == QUEUED, _c.run_at), else_=_c.held_until)
        waiting = (QUEUED,) if self._is_alone else (QUEUED, RUNNING)
        statement = select(func.min(moment) - now(self.connection)).where(
            _c.kind.in_(kinds), _c.status.in_(waiting), ~_lane_is_taken()
        )
        seconds: float | None = await self.connection.scalar(statement)
        return seconds

    async def waiting_by_kind(self) -> list[Waiting]:
        """How many jobs wait or run, by kind and status, in no order."""
        found = await self.connection.execute(waiting_statement(now(self.connection)))
        return [Waiting(*row) for row in found.all()]

    async def hold(self, job: Job, holder: str, seconds: float, progress: float | None = None) -> bool | None:
        """Hold on for so many seconds; whether it is to be cancelled, None where it is ours no more."""
        values: dict[str, Any] = {"held_until": now(self.connection) + seconds}
        if progress is not None:
            values["progress"] = progress
        statement = update(jobs).where(*_held(job, holder)).values(values).returning(_c.cancelling)
        cancelling: bool | None = await self.connection.scalar(statement)
        return cancelling

    async def finish(
        self, job: Job, holder: str, status: str, *, result: object = None, error: str | None = None
    ) -> bool:
        """End a job that is held; False where it is ours no more.

        One whose result is stored already, with its work, is done whatever happened since; one that failed while it
        was to be cancelled is cancelled.
        """
        is_done, when_asked = _c.result.is_not(None), CANCELLED if status == FAILED else status
        values = {
            "status": case((is_done, DONE), (_c.cancelling, when_asked), else_=status),
            "result": func.coalesce(_c.result, None if result is None else encoded(result)),
            "error": case((is_done, None), else_=error),
            "progress": case((is_done, 1.0), else_=1.0 if status == DONE else _c.progress),
            "finished_at": now(self.connection),
            "held_until": None,
            "holder": None,
        }
        changed = await self.connection.execute(update(jobs).where(*_held(job, holder)).values(values))
        if changed.rowcount != 1:
            return False
        await self._forget_pieces(job.id, with_file=status != DONE)
        return True

    async def _forget_pieces(self, job_id: int, *, with_file: bool) -> None:
        """Remove what an ended job has no use for any more; the file only of one that is not done."""
        pieces = delete(job_chunks).where(job_chunks.c.job_id == job_id)
        await self.connection.execute(pieces if with_file else pieces.where(job_chunks.c.number < 0))

    async def put_back(self, job: Job, holder: str, delay: float, *, error: str | None, counted: bool = True) -> bool:
        """Queue a held job again, to run in `delay` seconds; `counted` off: this attempt was none.

        One that is to be cancelled, or whose result is stored already (see `finish`), ends instead.
        """
        is_done = _c.result.is_not(None)
        values = {
            "status": case((is_done, DONE), (_c.cancelling, CANCELLED), else_=QUEUED),
            "finished_at": case((or_(is_done, _c.cancelling), now(self.connection)), else_=None),
            "holder": None,
            "held_until": None,
            "run_at": now(self.connection) + delay,
            "error": error,
            "attempts": _c.attempts if counted else _c.attempts - 1,
        }
        return (await self.connection.execute(update(jobs).where(*_held(job, holder)).values(values))).rowcount == 1

    async def cancel(self, job_id: int) -> Job | None:
        """End a queued job, or ask a running one's holder to; the job then. None where there is no such job."""
        queued = update(jobs).where(_c.id == job_id, _c.status == QUEUED)
        status = case((_c.result.is_not(None), DONE), else_=CANCELLED)  # see `finish`
        ended = queued.values(status=status, finished_at=now(self.connection), cancelling=True)
        if (await self.connection.execute(ended)).rowcount:
            await self._forget_pieces(job_id, with_file=True)
        running = update(jobs).where(_c.id == job_id, _c.status == RUNNING)
        await self.connection.execute(running.values(cancelling=True))
        return await self.get(job_id)

    async def release_all(self) -> int:
        """Queue again whatever is held: for the only process of a database, at its start. Answers how many."""
        return int((await self.connection.execute(release_statement())).rowcount)

    async def prune(self, *, at_most: int) -> int:
        """Forget the oldest jobs that ended more than a week ago, never the newest of all; answers how many."""
        found = select(_c.id).where(is_old(self.connection)).order_by(_c.id).limit(at_most)
        ids: Sequence[int] = (await self.connection.execute(found)).scalars().all()
        if ids:
            await self.connection.execute(delete(job_chunks).where(job_chunks.c.job_id.in_(ids)))
            await self.connection.execute(delete(jobs).where(_c.id.in_(ids)))
        return len(ids)

    @property
    def _is_alone(self) -> bool:
        """Whether only one process can hold jobs: one that it seems to have given up it has only been slow with."""
        return self.connection.dialect.name == "sqlite"

    def _is_due(self, at: ColumnElement[Any]) -> ColumnElement[bool]:
        waiting = and_(_c.status == QUEUED, _c.run_at <= at)
        return waiting if self._is_alone else or_(waiting, and_(_c.status == RUNNING, _c.held_until < at))


def page_statement(kinds: Collection[str], statuses: Collection[str], before: int | None, limit: int) -> Select[Any]:
    """See `JobRepository.page`."""
    statement = select(*_COLUMNS).order_by(_c.id.desc()).limit(limit)
    if kinds:
        statement = statement.where(_c.kind.in_(kinds))
    if statuses:
        statement = statement.where(_c.status.in_(statuses))
    return statement if before is None else statement.where(_c.id < before)


def waiting_statement(at: ColumnElement[Any]) -> Select[Any]:
    """See `JobRepository.waiting_by_kind`."""
    due = case((and_(_c.status == QUEUED, _c.run_at <= at), _c.run_at))
    counted = select(_c.kind, _c.status, func.count(), at - func.min(due))
    return counted.where(_c.status.in_((QUEUED, RUNNING))).group_by(_c.kind, _c.status)


def release_statement() -> Update:
    """Queue again whatever is held."""
    values = {"status": QUEUED, "holder": None, "held_until": None}
    return update(jobs).where(_c.status == RUNNING).values(values)


def is_old(connection: AsyncConnection) -> ColumnElement[bool]:
    """Whether a job ended more than a week ago; never the newest of all."""
    last = select(func.max(_c.id)).scalar_subquery()
    return and_(_c.status.in_(ENDED), _c.finished_at < now(connection) - KEPT_SECONDS, _c.id < last)


def encoded(value: object) -> str:
    """As the table has payloads and results."""
    return msgspec.json.encode(value).decode()


class LaneTaken(Exception):
    """Two processes took jobs of one lane at once, and this one came second; its transaction is to be given up."""


def _lane_is_taken() -> ColumnElement[bool]:
    """Whether another job of the same lane runs."""
    other = jobs.alias("other")
    return exists().where(other.c.lane == _c.lane, other.c.status == RUNNING, other.c.id != _c.id)


def _held(job: Job, holder: str) -> tuple[ColumnElement[bool], ...]:
    return _c.id == job.id, _c.status == RUNNING, _c.holder == holder, _c.attempts == job.attempts


def _job(row: Any) -> Job:  # noqa: ANN401 - a row of SQLAlchemy's
    values = dict(row._mapping)  # noqa: SLF001 - its public name for this
    values["payload"] = msgspec.json.decode(values["payload"])
    values["result"] = None if values["result"] is None else msgspec.json.decode(values["result"])
    return Job(**values)
