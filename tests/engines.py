"""Engines at work, for tests that have jobs run."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress

from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import Job, JobRepository
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import Running, TaskKind

SOON = 20.0


def kind(run: Callable[[Running], Awaitable[object]], name: str = "work", **how: object) -> TaskKind:
    return TaskKind(name, run, **{"pauses": (0.01,), **how})  # type: ignore[arg-type]


@asynccontextmanager
async def working(
    database: Database, *kinds: TaskKind, places: int = 4, holder: str = "me", **how: object
) -> AsyncIterator[JobBoard]:
    """An engine at work, and its board."""
    engine = Engine(database, kinds, places, holder, **how)  # type: ignore[arg-type]
    task = asyncio.create_task(engine.run())
    try:
        yield JobBoard(database, engine, in_background=True)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def begun(database: Database, kind: TaskKind, job_id: int, *, holder: str = "dead", seconds: float = -1.0) -> Job:
    """An attempt at a job whose process is given up at once: the next engine takes the job over."""
    async with database.write("jobs") as connection:
        job = await JobRepository(connection).claim((kind.name,), holder, seconds, job_id=job_id)
    assert job is not None
    return job
