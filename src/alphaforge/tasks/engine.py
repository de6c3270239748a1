"""Runs jobs: as many at once as there are places, each held while it runs, tried again where it failed.

Every process that works in the background runs one engine over the same table. What a process holds when it dies is
taken over by the next engine that looks, at the latest when the word of the dead one has run out.
"""

import asyncio
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

import structlog
from structlog.contextvars import bound_contextvars

from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import AlphaForgeError, StorageError
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import CANCELLED, DONE, FAILED, Job, JobRepository, LaneTaken
from alphaforge.tasks.kinds import GiveUp, Running, TaskKind
from alphaforge.telemetry import tracing

log = structlog.get_logger(__name__)

HELD_SECONDS = 10.0
"""For how long a job is held: within this, and a look, the jobs of a dead process are taken over."""
BEAT_SECONDS = 2.0
LOOK_SECONDS = 2.0
"""How often an engine looks though nothing was announced, where others may have died."""
_AGAIN_SECONDS = 1.0
_ENDING_SECONDS = 3.0

RETRIED, LOST = "retried", "lost"
"""How an attempt at a job can end, beside the statuses of jobs that have ended."""

Failed = Callable[[Job, str], Awaitable[None]]


async def _nobody(job: Job, why: str) -> None:
    """Nobody is told of failures."""


class Engine:
    """Runs the jobs of `kinds`, of each pool at most `places` at once. `holder` names this process among all.

    `failed` is told of each job that is given up for good, and why. `attempts`: seconds of those that ended here, by
    kind and by what became of the job: `done`, `failed`, `cancelled`, `retried`, or `lost` to another process.
    """

    def __init__(
        self, database: Database, kinds: Sequence[TaskKind], places: int, holder: str, failed: Failed = _nobody
    ) -> None:
        self._database = database
        self._kinds = {kind.name: kind for kind in kinds}
        self._places = places
        self._holder = holder
        self._failed = failed
        self.attempts: dict[tuple[str, str], Distribution] = defaultdict(Distribution)

    async def run(self) -> None:
        """Run jobs until cancelled; those under way are then put back, for others or for the next start."""
        if not self._database.is_shared:
            async with self._database.write("jobs") as connection:
                await JobRepository(connection).release_all()
        async with asyncio.TaskGroup() as group:
            for pool in sorted({kind.pool for kind in self._kinds.values()}):
                names = [kind.name for kind in self._kinds.values() if kind.pool == pool]
                group.create_task(self._serve(names), name=f"jobs {pool}")

    async def run_now(self, job_id: int) -> None:
        """Run one job here and now, if it is still to be had: for a process without background work.

        Once and not again: whoever waits for it may ask anew.
        """
        async with self._database.write("jobs") as connection:
            job = await JobRepository(connection).claim(tuple(self._kinds), self._holder, HELD_SECONDS, job_id=job_id)
        if job is not None:
            await self._work(job, last=True)

    async def _serve(self, names: Sequence[str]) -> None:
        """Give each job of these kinds that is due a place as soon as one is free."""
        kinds = [self._kinds[name] for name in names]
        least, most = max(kind.places for kind in kinds), min(kind.most or self._places for kind in kinds)
        places = asyncio.Semaphore(max(least, min(most, self._places)))
        with self._database.commits.heard("jobs") as woken:
            async with asyncio.TaskGroup() as group:
                while True:
                    await places.acquire()
                    job = await self._next(names, woken)
                    task = group.create_task(self._work(job), name=f"job {job.id} {job.kind}")
                    task.add_done_callback(lambda _: places.release())

    async def _next(self, names: Sequence[str], woken: asyncio.Event) -> Job:
        while True:
            woken.clear()
            try:
                job, seconds = await self._look(names)
            except StorageError as error:
                log.error("jobs_not_read", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
                await asyncio.sleep(_AGAIN_SECONDS)
                continue
            if job is not None:
                return job
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await woken.wait()

    async def _look(self, names: Sequence[str]) -> tuple[Job | None, float | None]:
        """A job to be run; where there is none, in how many seconds to look again (None: when woken)."""
        database = self._database
        ready = [name for name in names if self._kinds[name].is_ready()]
        if not ready:
            return None, LOOK_SECONDS
        async with database.read() as connection:
            due = await JobRepository(connection).next_due(ready)
        longest = LOOK_SECONDS if database.is_shared else None
        if due is None or due > 0:
            return None, longest if due is None else min(due + 0.001, longest or due + 0.001)
        try:
            async with database.write("jobs") as connection:
                job = await JobRepository(connection).claim(ready, self._holder, HELD_SECONDS)
        except LaneTaken:
            return None, 0.0
        return job, LOOK_SECONDS  # due, but its lane is taken or another was quicker: whoever ends will say so

    async def _work(self, job: Job, *, last: bool = False) -> None:
        """Run a job that is held, and store what became of it; `last`: it is not tried again."""
        with bound_contextvars(job=job.id, kind=job.kind):
            running = Running(job)
            kind = self._kinds[job.kind]
            began = time.monotonic()
            task = asyncio.create_task(self._run(kind, running))
            try:
                is_ours = await self._hold(task, running)
            except asyncio.CancelledError:
                task.cancel()
                await asyncio.wait({task})
                if task.cancelled() or task.exception() is not None:
                    await self._put_back_unfinished(job)
                else:  # it brought to an end what must not be done twice
                    await self._store(job, DONE, result=task.result())
                raise
            seconds = time.monotonic() - began
            outcome = await self._ended(kind, job, task, last=last) if is_ours else LOST
            self.attempts[kind.name, outcome].add(seconds)

    @staticmethod
    async def _run(kind: TaskKind, running: Running) -> object:
        job = running.job
        about = {"alphaforge.job": job.id, "alphaforge.attempt": job.attempts}
        with tracing.continued(job.trace, f"job {job.kind}", about):
            async with asyncio.timeout(kind.timeout):
                return await kind.run(running)

    async def _hold(self, task: "asyncio.Task[object]", running: Running) -> bool:
        """Say every few seconds that it is still run here, until it ends; False where it is ours no more."""
        while True:
            await asyncio.wait({task}, timeout=BEAT_SECONDS)
            if task.done():
                return True
            try:
                async with self._database.write("leases") as connection:  # nothing that others wait for
                    repository = JobRepository(connection)
                    word = await repository.hold(running.job, self._holder, HELD_SECONDS, running.told)
            except StorageError as error:
                log.warning("job_not_held", error=error.message)
                continue
            if word is not False:  # cancelled, or another's by now
                task.cancel()
                await asyncio.wait({task})
                return word is True

    async def _ended(self, kind: TaskKind, job: Job, task: "asyncio.Task[object]", *, last: bool) -> str:
        """Store what became of an attempt; answers how it ended."""
        if task.cancelled():
            log.info("job_cancelled")
            return CANCELLED if await self._store(job, CANCELLED) else LOST
        error = task.exception()
        if error is None:
            return DONE if await self._store(job, DONE, result=task.result()) else LOST
        why = _words(error, kind)
        pause = None if last or isinstance(error, GiveUp) else kind.pause_after(job.attempts)
        if pause is None:
            log.error("job_failed", error=why, attempts=job.attempts)
            result = error.result if isinstance(error, GiveUp) else None
            if not await self._store(job, FAILED, error=why, result=result):
                return LOST
            await self._failed(job, why)
            return FAILED
        log.warning("job_tried_again", error=why, attempts=job.attempts, in_seconds=pause)
        is_back = await self._insist(lambda jobs: jobs.put_back(job, self._holder, pause, error=why))
        return RETRIED if is_back else LOST

    async def _store(self, job: Job, status: str, *, result: object = None, error: str | None = None) -> bool:
        return await self._insist(lambda jobs: jobs.finish(job, self._holder, status, result=result, error=error))

    async def _insist(self, change: Callable[[JobRepository], Awaitable[bool]]) -> bool:
        """Store what became of a job; while the database cannot, again, until the job would be another's anyway."""
        until = asyncio.get_running_loop().time() + HELD_SECONDS
        while True:
            try:
                async with self._database.write("jobs") as connection:
                    return await change(JobRepository(connection))
            except StorageError as error:
                if asyncio.get_running_loop().time() > until:
                    log.error("job_not_stored", error=error.message, advice="It is run again.")  # noqa: TRY400 - said in words
                    return False
                await asyncio.sleep(_AGAIN_SECONDS)

    async def _put_back_unfinished(self, job: Job) -> None:
        """At the end of the process: the next may have it at once."""
        try:
            async with asyncio.timeout(_ENDING_SECONDS), self._database.write("jobs") as connection:
                await JobRepository(connection).put_back(job, self._holder, 0.0, error=None, counted=False)
        except (StorageError, TimeoutError) as error:
            log.warning("job_not_put_back", error=str(error) or "too slow")


def _words(error: BaseException, kind: TaskKind) -> str:
    """Why a job failed, for people; what nobody foresaw goes to the log with its trace."""
    if isinstance(error, AlphaForgeError):
        return error.message
    if isinstance(error, TimeoutError):
        return f"It took longer than {kind.timeout:g} s"
    log.error("job_broke", exc_info=error)
    return f"Unexpected: {type(error).__name__}"
