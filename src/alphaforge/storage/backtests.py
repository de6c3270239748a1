"""Backtests as rows: what was asked, what its tasks have come to, and the report.

A backtest is worked on by jobs, any number of processes at once: each stores the results of its tasks, and whoever
stores the last one that was known queues the job that goes on from there. All of it is done in transactions that hold
the backtest's row, so that of two who finish at once one sees the other's result.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import msgspec
from sqlalchemy import Select, delete, func, or_, select, update

from alphaforge.core.errors import NotFound
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.jobs import ENDED, JobRepository, encoded
from alphaforge.storage.now import now
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import backtest_parts, backtests, jobs

TASKS, NEXT = "backtest", "backtest_report"
"""The kinds of its jobs: one performs tasks, one goes on when all are performed: to further tasks, or to the report."""
CANCELLED_WORDS = "Cancelled"
"""The `error` of a backtest that somebody ended."""
_MOST_JOBS = 16
"""Jobs of one round. Each reads the candles once: more would spend their time on that."""

_c, _p = backtests.c, backtest_parts.c
_SHOWN = [column for column in backtests.columns if column.name != "report"]


@dataclass(frozen=True, slots=True)
class Backtest:
    """`asked`, `summary` as JSON has them; `parts`: tasks known so far; moments in epoch seconds.

    `error`: why there is no report; `finished_at` None while it goes on.
    """

    id: int
    created_at: float
    asked: dict[str, Any]
    parts: int
    summary: dict[str, Any] | None
    error: str | None
    finished_at: float | None


@dataclass(frozen=True, slots=True)
class Work:
    """How far the jobs of a backtest are: tasks performed, and of its jobs how many there are in each status."""

    done: int
    jobs: Mapping[str, int]
    error: str | None


@dataclass(frozen=True, slots=True)
class BacktestRepository:
    """Backtests, within one transaction: of `write("backtests", "jobs")` where anything is changed."""

    connection: AsyncConnection

    async def add(self, asked: Mapping[str, Any], tasks: Sequence[Mapping[str, Any]]) -> tuple[int, list[int]]:
        """Store a backtest and queue its first tasks; its id, and those of the jobs."""
        row = {"created_at": now(self.connection), "asked": encoded(asked), "parts": 0}
        statement = insert(self.connection, backtests).values(row).returning(_c.id)
        made: int = (await self.connection.execute(statement)).scalar_one()
        return made, await self.go_on(made, tasks)

    async def go_on(self, backtest_id: int, tasks: Sequence[Mapping[str, Any]]) -> list[int]:
        """Queue further tasks, as dicts with their `number`; the ids of the jobs that perform them.

        Asked again for the same tasks it does nothing.
        """
        repository = JobRepository(self.connection)
        made = []
        for share in _shares(tasks):
            key = f"{TASKS}/{backtest_id}/{share[0]['number']}"
            job = await repository.add(TASKS, {"backtest": backtest_id, "tasks": share}, key=key)
            if job is not None:
                made.append(job)
        if made:
            grown = update(backtests).where(_c.id == backtest_id).values(parts=_c.parts + len(tasks))
            await self.connection.execute(grown)
        return made

    async def get(self, backtest_id: int) -> Backtest:
        """One backtest without its report. Raises NotFound."""
        found = (await self.connection.execute(select(*_SHOWN).where(_c.id == backtest_id))).one_or_none()
        return _backtest(_found(found, backtest_id))

    async def held(self, backtest_id: int) -> Backtest | None:
        """The same while it goes on, held until the transaction ends; None where it has ended or is gone."""
        statement = select(*_SHOWN).where(_c.id == backtest_id, _c.finished_at.is_(None)).with_for_update()
        found = (await self.connection.execute(statement)).one_or_none()
        return None if found is None else _backtest(found)

    async def page(self, *, before: int | None, limit: int) -> list[Backtest]:
        """Backtests, newest first, with ids below `before`."""
        return [_backtest(row) for row in (await self.connection.execute(page_statement(before, limit))).all()]

    async def report(self, backtest_id: int) -> bytes | None:
        """The report as it is kept, gzipped JSON; None where there is none. Raises NotFound."""
        found = (await self.connection.execute(select(_c.report).where(_c.id == backtest_id))).one_or_none()
        report: bytes | None = _found(found, backtest_id).report
        return report

    async def put(self, backtest_id: int, number: int, result: bytes) -> None:
        """Store what a task came to; queue what goes on from there where it was the last. In a held backtest."""
        row = {"backtest_id": backtest_id, "number": number, "result": result}
        statement = insert(self.connection, backtest_parts).values(row)
        await self.connection.execute(
            statement.on_conflict_do_update(
                index_elements=["backtest_id", "number"], set_={"result": statement.excluded.result}
            )
        )
        stored = select(func.count()).where(_p.backtest_id == backtest_id).scalar_subquery()
        known, done = (await self.connection.execute(select(_c.parts, stored).where(_c.id == backtest_id))).one()
        if done >= known:
            key = f"{NEXT}/{backtest_id}/{known}"
            await JobRepository(self.connection).add(NEXT, {"backtest": backtest_id, "after": known}, key=key)

    async def performed(self, backtest_id: int) -> set[int]:
        """The numbers of the tasks whose results are stored."""
        found = await self.connection.execute(select(_p.number).where(_p.backtest_id == backtest_id))
        return set(found.scalars())

    async def results(self, backtest_id: int) -> dict[int, bytes]:
        """What the tasks came to, by number."""
        statement = select(_p.number, _p.result).where(_p.backtest_id == backtest_id).order_by(_p.number)
        return {row.number: row.result for row in (await self.connection.execute(statement)).all()}

    async def finish(self, backtest_id: int, report: bytes, summary: Mapping[str, Any]) -> None:
        """Store the report; what the tasks came to is not needed any more."""
        await self._end(backtest_id, report=report, summary=encoded(summary))

    async def fail(self, backtest_id: int, why: str) -> bool:
        """End a backtest without a report, and its jobs; False where it had ended."""
        if await self.held(backtest_id) is None:
            return False
        await self._end(backtest_id, error=why)
        await self._end_jobs(backtest_id)
        return True

    async def delete(self, backtest_id: int) -> None:
        """Remove a backtest, ending what works on it. Raises NotFound."""
        await self.get(backtest_id)
        await self._end_jobs(backtest_id)
        await self.connection.execute(delete(backtest_parts).where(_p.backtest_id == backtest_id))
        await self.connection.execute(delete(backtests).where(_c.id == backtest_id))

    async def work(self, backtest_ids: Collection[int]) -> dict[int, Work]:
        """How far the jobs of these backtests are."""
        counts = select(_p.backtest_id, func.count()).where(_p.backtest_id.in_(backtest_ids)).group_by(_p.backtest_id)
        done = {row[0]: row[1] for row in (await self.connection.execute(counts)).all()}
        found: dict[int, dict[str, int]] = {number: {} for number in backtest_ids}
        errors: dict[int, str | None] = {}
        for job in (await self.connection.execute(self._jobs_of(backtest_ids))).all():
            number = int(job.key.split("/")[1])
            found[number][job.status] = found[number].get(job.status, 0) + 1
            errors[number] = errors.get(number) or (job.error if job.status in ENDED else None)
        return {one: Work(done.get(one, 0), found[one], errors.get(one)) for one in backtest_ids}

    async def job_ids(self, backtest_id: int) -> list[int]:
        """Its jobs that have not ended, oldest first."""
        rows = (await self.connection.execute(self._jobs_of([backtest_id]))).all()
        return sorted(row.id for row in rows if row.status not in ENDED)

    def _jobs_of(self, backtest_ids: Collection[int]) -> Select[Any]:
        ours = [jobs.c.key.like(f"{kind}/{number}/%") for number in backtest_ids for kind in (TASKS, NEXT)]
        of_kind = jobs.c.kind.in_((TASKS, NEXT))
        return select(jobs.c.id, jobs.c.key, jobs.c.status, jobs.c.error).where(of_kind, or_(*ours))

    async def _end(self, backtest_id: int, **values: object) -> None:
        changed = {"finished_at": now(self.connection), **values}
        await self.connection.execute(update(backtests).where(_c.id == backtest_id).values(changed))
        await self.connection.execute(delete(backtest_parts).where(_p.backtest_id == backtest_id))

    async def _end_jobs(self, backtest_id: int) -> None:
        repository = JobRepository(self.connection)
        for job in await self.job_ids(backtest_id):
            await repository.cancel(job)


def page_statement(before: int | None, limit: int) -> Select[Any]:
    """See `BacktestRepository.page`."""
    statement = select(*_SHOWN).order_by(_c.id.desc()).limit(limit)
    return statement if before is None else statement.where(_c.id < before)


def _shares(tasks: Sequence[Mapping[str, Any]]) -> list[list[Mapping[str, Any]]]:
    """Tasks in their order, as evenly as it goes among the jobs of one round."""
    count = min(len(tasks), _MOST_JOBS)
    edges = [len(tasks) * number // count for number in range(count + 1)] if count else [0]
    return [list(tasks[begin:end]) for begin, end in pairwise(edges)]


def _found(row: Any, backtest_id: int) -> Any:  # noqa: ANN401 - a row of SQLAlchemy's
    if row is None:
        message = f"There is no backtest {backtest_id}"
        raise NotFound(message, advice="GET /api/backtests lists them.")
    return row


def _backtest(row: Any) -> Backtest:  # noqa: ANN401 - a row of SQLAlchemy's
    values = dict(row._mapping)  # noqa: SLF001 - its public name for this
    for name in ("asked", "summary"):
        values[name] = None if values[name] is None else msgspec.json.decode(values[name])
    return Backtest(**values)
