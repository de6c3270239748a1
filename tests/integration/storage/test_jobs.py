"""Jobs, leases and events as rows, on both databases."""

import asyncio

import pytest

from alphaforge.signals.model import Direction, Status
from alphaforge.storage.engine import Database
from alphaforge.storage.events import EventRepository
from alphaforge.storage.jobs import CANCELLED, DONE, FAILED, QUEUED, RUNNING, Job, JobRepository, LaneTaken
from alphaforge.storage.leases import LeaseRepository
from alphaforge.storage.signals import NewSignal, SignalRepository

LONG = 60.0


class Undone(Exception):
    pass


async def add(database: Database, kind: str = "work", **how: object) -> int | None:
    async with database.write("jobs") as connection:
        return await JobRepository(connection).add(kind, {"n": 1}, **how)  # type: ignore[arg-type]


async def claim(database: Database, holder: str = "me", seconds: float = LONG, kind: str = "work") -> Job | None:
    async with database.write("jobs") as connection:
        return await JobRepository(connection).claim((kind,), holder, seconds)


async def get(database: Database, job_id: int) -> Job:
    async with database.read() as connection:
        found = await JobRepository(connection).get(job_id)
    assert found is not None
    return found


async def finish(database: Database, job: Job, holder: str = "me", status: str = DONE) -> bool:
    async with database.write("jobs") as connection:
        return await JobRepository(connection).finish(job, holder, status, result={"ok": 1})


async def test_a_job_of_a_transaction_that_rolls_back_never_was(database: Database) -> None:
    async def give_up() -> None:
        async with database.write("jobs") as connection:
            await JobRepository(connection).add("work", {})
            raise Undone

    with pytest.raises(Undone):
        await give_up()
    assert await claim(database) is None


async def test_a_job_is_held_by_one_until_it_is_done(database: Database) -> None:
    number = await add(database)
    job = await claim(database)
    assert job is not None
    assert (job.id, job.status, job.attempts, job.payload) == (number, RUNNING, 1, {"n": 1})
    assert await claim(database, "other") is None
    assert not await finish(database, job, "other")
    assert await finish(database, job)
    done = await get(database, job.id)
    assert (done.status, done.result, done.progress) == (DONE, {"ok": 1}, 1.0)
    assert done.created_at <= (done.started_at or 0) <= (done.finished_at or 0)
    assert await claim(database) is None


async def test_of_many_takers_each_job_has_one(database: Database) -> None:
    numbers = {await add(database) for _ in range(12)}
    taken = await asyncio.gather(*(claim(database, f"taker-{n}") for n in range(20)))
    found = [job.id for job in taken if job is not None]
    while (job := await claim(database)) is not None:  # a locked row is skipped, so some may be left
        found.append(job.id)
    assert sorted(found) == sorted(number for number in numbers if number is not None)


async def test_who_has_died_is_given_up_and_cannot_finish_any_more(database: Database) -> None:
    await add(database)
    lost = await claim(database, "dead", seconds=-1.0)
    assert lost is not None
    if not database.is_shared:
        assert await claim(database, "alive") is None  # there is no other: it was only slow
        return
    again = await claim(database, "alive")
    assert again is not None
    assert (again.id, again.attempts) == (lost.id, 2)
    assert not await finish(database, lost, "dead")
    async with database.write("jobs") as connection:
        assert await JobRepository(connection).hold(lost, "dead", LONG) is None
        assert await JobRepository(connection).hold(again, "alive", LONG, 0.5) is False
    assert (await get(database, again.id)).progress == 0.5


async def test_of_one_key_there_is_one_job(database: Database) -> None:
    first = await add(database, key="alert:1")
    assert first is not None
    assert await add(database, key="alert:1") is None
    async with database.read() as connection:
        (found,) = await JobRepository(connection).page(limit=10)
    assert (found.id, found.key) == (first, "alert:1")


async def test_of_one_lane_one_runs_at_a_time(database: Database) -> None:
    await add(database, lane="a")
    await add(database, lane="a")
    other = await add(database, lane="b")
    first = await claim(database)
    second = await claim(database)
    assert first is not None
    assert second is not None
    assert second.id == other
    assert await claim(database) is None
    await finish(database, first)
    assert await claim(database) is not None


async def test_what_waits_behind_its_lane_is_not_due_before_that_is_free(database: Database) -> None:
    async def due() -> float | None:
        async with database.read() as connection:
            return await JobRepository(connection).next_due(("work",))

    await add(database, lane="a")
    await add(database, lane="a")
    first = await claim(database)
    assert first is not None
    seconds = await due()
    assert seconds is None or seconds > LONG / 2  # on PostgreSQL its holder may die
    await finish(database, first)
    seconds = await due()
    assert seconds is not None
    assert seconds <= 0


async def test_two_that_take_a_lane_at_once_do_not_both_get_it(database: Database) -> None:
    if not database.is_shared:
        pytest.skip("SQLite has one writer")
    await add(database, lane="a")
    await add(database, lane="a")
    async with database.write("jobs") as connection:
        assert await JobRepository(connection).claim(("work",), "one", LONG) is not None

        async def second() -> None:
            async with database.write("jobs") as later:
                await JobRepository(later).claim(("work",), "two", LONG)

        waiting = asyncio.create_task(second())
        await asyncio.wait({waiting}, timeout=0.3)  # it waits for the first one's end, whichever that is
    with pytest.raises(LaneTaken):
        await waiting


async def test_a_job_comes_when_it_is_due_and_the_oldest_first(database: Database) -> None:
    later = await add(database, delay=3_600)
    first, second = await add(database), await add(database)
    found = [await claim(database), await claim(database), await claim(database)]
    assert [job and job.id for job in found] == [first, second, None]
    async with database.read() as connection:
        due = await JobRepository(connection).next_due(("work",))
        assert await JobRepository(connection).next_due(("nothing",)) is None
    assert due is not None
    assert 0 < due <= (LONG if database.is_shared else 3_600)  # of the held ones, where they may be given up
    assert (await get(database, later or 0)).status == QUEUED


async def test_what_failed_comes_again_later(database: Database) -> None:
    await add(database)
    job = await claim(database)
    assert job is not None
    async with database.write("jobs") as connection:
        assert await JobRepository(connection).put_back(job, "me", 3_600, error="no")
    stored = await get(database, job.id)
    assert (stored.status, stored.error, stored.attempts) == (QUEUED, "no", 1)
    assert await claim(database) is None


async def test_a_queued_job_is_cancelled_at_once_and_a_running_one_is_asked_to_end(database: Database) -> None:
    queued, running = await add(database, "later"), await add(database)
    job = await claim(database)
    assert job is not None
    async with database.write("jobs") as connection:
        repository = JobRepository(connection)
        one, two = await repository.cancel(queued or 0), await repository.cancel(running or 0)
        assert await repository.cancel(10_000) is None
        assert one is not None
        assert two is not None
        assert (one.status, two.status, two.cancelling) == (CANCELLED, RUNNING, True)
        assert await repository.hold(job, "me", LONG) is True


async def test_the_only_process_takes_up_again_what_it_held_before_it_was_killed(database: Database) -> None:
    await add(database)
    job = await claim(database)
    async with database.write("jobs") as connection:
        assert await JobRepository(connection).release_all() == 1
    again = await claim(database)
    assert job is not None
    assert again is not None
    assert again.id == job.id


async def test_jobs_are_listed_newest_first_by_kind_and_status(database: Database) -> None:
    ids = [await add(database), await add(database, "other"), await add(database)]
    job = await claim(database)
    assert job is not None
    await finish(database, job, status=FAILED)
    async with database.read() as connection:
        repository = JobRepository(connection)
        assert [one.id for one in await repository.page(limit=10)] == ids[::-1]
        assert [one.id for one in await repository.page(("work",), limit=10)] == [ids[2], ids[0]]
        assert [one.id for one in await repository.page((), (FAILED,), limit=10)] == [ids[0]]
        assert [one.id for one in await repository.page(before=ids[2], limit=1)] == [ids[1]]


async def test_old_jobs_are_forgotten_but_not_the_newest(database: Database) -> None:
    for _ in range(3):
        await add(database)
        job = await claim(database)
        assert job is not None
        await finish(database, job)
    async with database.write("jobs") as connection:
        assert await JobRepository(connection).prune(at_most=10) == 0
        await connection.exec_driver_sql("UPDATE jobs SET finished_at = 0")
        assert await JobRepository(connection).prune(at_most=10) == 2


async def test_a_lease_has_one_holder_until_it_runs_out_or_comes_back(database: Database) -> None:
    async def take(holder: str, seconds: float = LONG) -> bool:
        async with database.write("leases") as connection:
            return await LeaseRepository(connection).take("leader", holder, seconds)

    assert await take("a")
    assert not await take("b")
    assert await take("a", seconds=-1.0)
    assert await take("b")
    assert not await take("a")
    async with database.write("leases") as connection:
        await LeaseRepository(connection).give_back("leader", "a")  # which it has no more
        await LeaseRepository(connection).give_back("leader", "b")
    assert await take("a")


NEW = NewSignal("GBP_USD", Direction.BUY, entry=1.3, stop_loss=1.29, tp1=1.32, created_at=1_751_868_000.0)


async def test_every_change_of_a_signal_is_an_event_whoever_makes_it(database: Database) -> None:
    async with database.write("trading_signals") as connection:
        signals = SignalRepository(connection)
        first = await signals.create(NEW)
        (second,) = await signals.create_many([NEW])
        await signals.set_status(first, Status.ACTIVE, exit_price=None, at=1.0)
        await signals.set_status(first, Status.ACTIVE, exit_price=None, at=2.0)  # nothing happened
        await signals.set_status(first, Status.WON, exit_price=1.32, at=3.0)
    async with database.write() as connection:
        await connection.exec_driver_sql(f"UPDATE trading_signals SET status = 'LOST' WHERE id = {second}")  # noqa: S608 - a number
    async with database.read() as connection:
        repository = EventRepository(connection)
        found = await repository.after(0, 100)
        assert [one.id for one in await repository.after(found[1].id, 1)] == [found[2].id]
        assert await repository.newest() == found[-1].id
        assert await repository.newest_before(-1.0) == found[-1].id
        assert await repository.newest_before(3_600.0) == 0
    assert [(one.kind, one.ref) for one in found] == [
        ("signal", first),
        ("signal", second),
        ("signal", first),
        ("outcome", first),
        ("outcome", second),
    ]
    assert {one.instrument for one in found} == {"GBP_USD"}


async def test_no_event_becomes_visible_before_one_with_a_lower_number(database: Database) -> None:
    """Whoever has read up to a number has missed nothing below it."""
    if not database.is_shared:
        pytest.skip("SQLite has one writer")

    async def write_by_hand() -> None:
        async with database.write() as connection:  # names no noun, as a hand at psql: the trigger takes the lock
            await connection.exec_driver_sql("UPDATE trading_signals SET status = 'WON' WHERE id = 1")

    async def write() -> None:
        async with database.write("trading_signals") as connection:
            await SignalRepository(connection).create(NEW)

    await write()
    for second in (write, write_by_hand):
        async with database.write("trading_signals") as connection:
            await SignalRepository(connection).create(NEW)
            later = asyncio.create_task(second())
            await asyncio.wait({later}, timeout=0.3)
            assert not later.done()
        await later


async def test_old_events_are_forgotten_but_never_the_newest(database: Database) -> None:
    async with database.write("trading_signals") as connection:
        await SignalRepository(connection).create_many([NEW, NEW, NEW])
        await connection.exec_driver_sql("UPDATE events SET at = 0")
    async with database.write("events") as connection:
        repository = EventRepository(connection)
        assert await repository.prune(at_most=10) == 2
        assert len(await repository.after(0, 10)) == 1
