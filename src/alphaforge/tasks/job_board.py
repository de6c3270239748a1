"""Where jobs are asked for, waited for and cancelled."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from alphaforge.core.errors import NoData, NotFound
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import ENDED, Job, JobRepository
from alphaforge.tasks.engine import Engine

_LOOK_SECONDS = 2.0
"""How often a job is looked at though nothing was announced."""


class JobBoard:
    """The jobs of a desk. Without background work in this process whoever asks for a job runs it himself."""

    def __init__(self, database: Database, engine: Engine, *, in_background: bool) -> None:
        self._database = database
        self._engine = engine
        self._in_background = in_background

    async def ask(self, kind: str, payload: Mapping[str, Any], *, lane: str | None = None) -> Job:
        """Queue a job in a transaction of its own, and start it. Raises StorageError."""
        async with self._database.write("jobs") as connection:
            made = await JobRepository(connection).add(kind, payload, lane=lane)
        if made is None:
            raise NoData("The job could not be queued")
        await self.start(made)
        return await self.get(made)

    async def start(self, job_id: int) -> None:
        """Have a queued job run: here, where no background work does it."""
        if not self._in_background:
            await self._engine.run_now(job_id)

    async def get(self, job_id: int) -> Job:
        """One job. Raises NotFound."""
        async with self._database.read() as connection:
            return _found(await JobRepository(connection).get(job_id), job_id)

    async def cancel(self, job_id: int) -> Job:
        """End a job that waits, ask a running one to end; one that has ended stays as it is. Raises NotFound."""
        async with self._database.write("jobs") as connection:
            return _found(await JobRepository(connection).cancel(job_id), job_id)

    async def ended(self, job_id: int, seconds: float) -> Job:
        """The job when it has ended. Raises TimeoutError where it takes longer, and NotFound."""
        async with asyncio.timeout(seconds):
            with self._database.commits.heard("jobs") as changed:
                while (job := await self.get(job_id)).status not in ENDED:
                    with suppress(TimeoutError):
                        async with asyncio.timeout(_LOOK_SECONDS):
                            await changed.wait()
                    changed.clear()
                return job


def _found(job: Job | None, job_id: int) -> Job:
    if job is None:
        raise NotFound(f"There is no job {job_id}", advice="Jobs are kept for a week; GET /api/jobs lists them.")
    return job
