"""Jobs that are run: by one engine, by several, by none in the background."""

import asyncio

import pytest

from alphaforge.core.errors import MarketUnavailable, NotFound
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job, JobRepository
from alphaforge.tasks import engine as engine_module
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import GiveUp, Running
from engines import SOON, kind, working


async def double(running: Running) -> object:
    return 2 * int(running.job.payload["n"])


async def test_a_job_is_run_and_its_result_is_kept(database: Database) -> None:
    async with working(database, kind(double)) as board:
        job = await board.ask("work", {"n": 21})
        done = await board.ended(job.id, SOON)
    assert (done.status, done.result, done.attempts, done.progress) == (DONE, 42, 1, 1.0)


async def test_a_job_queued_in_a_transaction_runs_when_that_is_committed(database: Database) -> None:
    async with working(database, kind(double)) as board:
        async with database.write("jobs") as connection:
            number = await JobRepository(connection).add("work", {"n": 1})
        assert number is not None
        assert (await board.ended(number, SOON)).result == 2


async def test_what_fails_is_tried_again_until_it_succeeds(database: Database) -> None:
    async def third_time(running: Running) -> object:
        if running.job.attempts < 3:
            raise MarketUnavailable("down")
        return "up"

    async with working(database, kind(third_time)) as board:
        done = await board.ended((await board.ask("work", {})).id, SOON)
    assert (done.status, done.result, done.attempts, done.error) == (DONE, "up", 3, None)


async def test_what_goes_on_failing_is_given_up_and_said(database: Database) -> None:
    told: list[tuple[int, str]] = []

    async def down(running: Running) -> object:
        raise MarketUnavailable("down")

    async def hopeless(running: Running) -> object:
        raise GiveUp("never")

    async def broken(running: Running) -> object:
        raise KeyError("secret")

    async def failed(job: Job, why: str) -> None:
        told.append((job.id, why))

    kinds = (kind(down, "down", attempts=2), kind(hopeless, "hopeless"), kind(broken, "broken", attempts=1))
    async with working(database, *kinds, failed=failed) as board:
        jobs = [await board.ended((await board.ask(one.name, {})).id, SOON) for one in kinds]
    assert [(job.status, job.error, job.attempts) for job in jobs] == [
        (FAILED, "down", 2),
        (FAILED, "never", 1),
        (FAILED, "Unexpected: KeyError", 1),
    ]
    assert told == [(job.id, job.error) for job in jobs]


async def test_what_takes_too_long_has_failed(database: Database) -> None:
    async def for_ever(running: Running) -> object:
        await asyncio.Event().wait()
        return None

    async with working(database, kind(for_ever, timeout=0.01, attempts=1)) as board:
        done = await board.ended((await board.ask("work", {})).id, SOON)
    assert (done.status, done.error) == (FAILED, "It took longer than 0.01 s")


@pytest.mark.parametrize(("how", "expected"), [({}, 2), ({"most": 1}, 1), ({"places": 3}, 3)])
async def test_no_more_run_at_once_than_there_are_places_in_their_pool(
    database: Database, how: dict[str, int], expected: int
) -> None:
    under_way, most = 0, 0
    full, release = asyncio.Event(), asyncio.Event()

    async def counted(running: Running) -> object:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        if most == expected:
            full.set()
        await release.wait()
        under_way -= 1
        return None

    async with working(database, kind(counted, **how), kind(double, "other", pool="other"), places=2) as board:
        jobs = [await board.ask("work", {}) for _ in range(5)]
        async with asyncio.timeout(SOON):
            await full.wait()
        other = await board.ask("other", {"n": 1})
        assert (await board.ended(other.id, SOON)).status == DONE  # a full pool holds up no other
        release.set()
        for job in jobs:
            await board.ended(job.id, SOON)
    assert most == expected


async def test_a_running_job_is_cancelled_and_its_work_ends(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.01)
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work(running: Running) -> object:
        running.progress(0.25)
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return None

    async with working(database, kind(work)) as board:
        job = await board.ask("work", {})
        await begun.wait()
        assert (await board.cancel(job.id)).status in {RUNNING, CANCELLED}
        done = await board.ended(job.id, SOON)
        await ended.wait()
        assert (await board.cancel(job.id)).status == CANCELLED  # again: it stays as it is
    assert (done.status, done.progress) == (CANCELLED, 0.25)


async def test_a_job_of_a_process_that_ends_is_put_back_for_the_next(database: Database) -> None:
    begun = asyncio.Event()

    async def work(running: Running) -> object:
        begun.set()
        await asyncio.Event().wait()
        return None

    async with working(database, kind(work)) as board:
        job = await board.ask("work", {"n": 3})
        await begun.wait()
    left = await board.get(job.id)
    assert (left.status, left.attempts) == (QUEUED, 0)
    async with working(database, kind(double), holder="next") as board:
        done = await board.ended(job.id, SOON)
    assert (done.result, done.attempts) == (6, 1)


async def test_a_job_of_a_process_that_was_killed_is_run_again(database: Database) -> None:
    async with database.write("jobs") as connection:
        jobs = JobRepository(connection)
        await jobs.add("work", {"n": 4})
        lost = await jobs.claim(("work",), "dead", -1.0)
    assert lost is not None
    async with working(database, kind(double)) as board:
        done = await board.ended(lost.id, SOON)
    assert (done.status, done.result, done.attempts) == (DONE, 8, 2)


async def test_two_engines_share_the_work_and_run_each_job_once(database: Database) -> None:
    ran: list[int] = []

    async def work(running: Running) -> object:
        ran.append(running.job.id)
        await asyncio.sleep(0)
        return None

    if not database.is_shared:
        pytest.skip("SQLite has one process")
    async with (
        working(database, kind(work), holder="a", places=2) as board,
        working(database, kind(work), holder="b", places=2),
    ):
        jobs = [await board.ask("work", {}) for _ in range(20)]
        for job in jobs:
            await board.ended(job.id, SOON)
    assert sorted(ran) == [job.id for job in jobs]


async def test_without_background_work_whoever_asks_does_it(database: Database) -> None:
    board = JobBoard(database, Engine(database, (kind(double),), 1, "me"), in_background=False)
    assert (await board.ask("work", {"n": 5})).result == 10


async def test_an_unknown_job_is_named(database: Database) -> None:
    board = JobBoard(database, Engine(database, (), 1, "me"), in_background=True)
    for asked in (board.get(7), board.cancel(7), board.ended(7, SOON)):
        with pytest.raises(NotFound, match="There is no job 7"):
            await asked
