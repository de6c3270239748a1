"""What is forgotten every day beside rejections: jobs with their files, and what happened."""

import pytest

from alphaforge.storage.engine import Database
from alphaforge.storage.events import EventRepository
from alphaforge.storage.job_pieces import JobPieces
from alphaforge.storage.jobs import DONE, JobRepository
from alphaforge.tasks import pruning
from alphaforge.tasks.pruning import BREATH, prune_events, prune_every_day, prune_jobs
from builders import GBP_USD, MONDAY, walk
from desks import desk_of, market_of


async def with_old_jobs(database: Database, count: int) -> None:
    """Jobs that ended long ago, each with three pieces of a file, and one that waits."""
    async with database.write("jobs") as connection:
        jobs = JobRepository(connection)
        for _ in range(count):
            await jobs.add("export", {})
            job = await jobs.claim(("export",), "me", 60.0)
            assert job is not None
            for number in range(3):
                await JobPieces(connection, job.id).put(number, b"piece")
            await jobs.finish(job, "me", DONE)
        await connection.exec_driver_sql("UPDATE jobs SET finished_at = 0")
        await jobs.add("export", {})


async def counted(database: Database, table: str) -> int:
    async with database.read() as connection:
        return int((await connection.exec_driver_sql(f"SELECT count(*) FROM {table}")).scalar_one())  # noqa: S608 - a table of ours


async def test_old_jobs_are_forgotten_files_first_with_a_breath_between_batches(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pruning, "PIECES", 4)
    monkeypatch.setattr(pruning, "BATCH", 2)
    pauses: list[float] = []

    async def wait(seconds: float) -> None:
        pauses.append(seconds)

    await with_old_jobs(database, 3)
    assert await prune_jobs(database, wait) == 3
    assert (await counted(database, "jobs"), await counted(database, "job_chunks")) == (1, 0)
    assert pauses == [BREATH] * 3, "nine pieces in three transactions, three jobs in two: whoever writes comes between"


async def test_old_events_are_forgotten(database: Database) -> None:
    async with database.write("candles") as connection:
        await EventRepository(connection).closed("GBP_USD", range(0, 1_500, 300))
        await connection.exec_driver_sql("UPDATE events SET at = 0 WHERE ref < 900")
    assert await prune_events(database) == 3
    assert await counted(database, "events") == 2


class Stopped(Exception):
    """The end of a task that never ends."""


async def test_every_day_has_its_jobs_and_events_forgotten(database: Database) -> None:
    async def wait(_: float) -> None:
        raise Stopped

    await with_old_jobs(database, 1)
    async with database.write("candles") as connection:
        await EventRepository(connection).closed("GBP_USD", (0, 300))
        await connection.exec_driver_sql("UPDATE events SET at = 0")
    desk = desk_of(database, market_of(walk(GBP_USD, 20, seed=1), moment=MONDAY + 400.0 * 86_400), ("GBP_USD",))
    with pytest.raises(Stopped):
        await prune_every_day(desk, 0, wait)
    assert (await counted(database, "jobs"), await counted(database, "events")) == (1, 1)
