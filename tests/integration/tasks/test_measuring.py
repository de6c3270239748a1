"""What every process says of itself, and what each of them can answer for all."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from alphaforge.core.distribution import Distribution
from alphaforge.storage.engine import Database, PoolSettings
from alphaforge.storage.measurements import FOLDED_SECONDS, RETIRED, SILENT_SECONDS, FigureRepository
from alphaforge.storage.work_tables import performance_minutes, process_figures
from alphaforge.tasks.measuring import IN_MEMORY, Measurements
from alphaforge.telemetry.figures import Snapshot
from alphaforge.telemetry.minutes import Minute

ERRORS, SECONDS, THREADS, FLYING = (
    "alphaforge_query_errors_total",
    "alphaforge_query_seconds",
    "alphaforge_process_threads",
    "alphaforge_requests_in_flight",
)
NOON = int(time.time()) // 60 * 60
"""A minute of today, by the databases' clock: others are forgotten."""


def difference(now: Snapshot, before: Snapshot | None, peaks: Mapping[str, float], at: int) -> Minute:
    """As the service's own function, of one counter."""
    earlier: Any = before.values[ERRORS][("Busy",)] if before else 0
    count: Any = now.values[ERRORS][("Busy",)]
    return Minute(at, counts={"errors": count - earlier}, peaks=dict(peaks))


class Process:
    """A process of a desk: it counts, its clock is set, and its loop goes a second on when it is told to."""

    def __init__(self, database: Database, name: str = "me") -> None:
        self.database, self.name, self.count, self.peak, self.now = database, name, 0, 0.0, float(NOON)
        self.ticks = self.seconds = 0
        self.spread = Distribution()
        self._go = asyncio.Semaphore(0)
        self._waits = asyncio.Event()
        self.measurements = Measurements(
            database,
            self.snapshot,
            difference,
            peaks=self.take_peak,
            tick=self.tick,
            every=0,
            clock=lambda: self.now,
            wait=self.wait,
        )

    def snapshot(self) -> Snapshot:
        values: dict[str, Any] = {ERRORS: {("Busy",): self.count}, SECONDS: {("get",): self.spread.copy()}}
        return Snapshot(self.name, self.now, values | {THREADS: {(): 4}, FLYING: {(): 1}})

    def take_peak(self) -> dict[str, float]:
        peak, self.peak = self.peak, 0.0
        return {"concurrent": peak}

    def tick(self) -> None:
        self.ticks += 1

    def counts(self, times: int) -> None:
        self.count += times
        self.spread.add(0.25, times)

    async def wait(self, _: float) -> None:
        self._waits.set()
        await self._go.acquire()
        self._waits.clear()

    async def second(self, seconds: float = 1.0) -> None:
        """Let the clock go on, and the loop once around."""
        self.now += seconds
        self.seconds += 1
        await self._waits.wait()
        self._waits.clear()
        self._go.release()
        await self._waits.wait()

    async def stored(self) -> None:
        """Until what there is to store has been tried."""
        for _ in range(2):  # what is under way may have begun too early
            await self.second(0)
            storing = [task for task in asyncio.all_tasks() if task.get_name() == "measurements"]
            if storing:
                await asyncio.wait(storing)

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Process"]:
        task = asyncio.create_task(self.measurements.run())
        try:
            yield self
        finally:
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task

    async def die(self) -> None:
        """Its last word stays, and grows old."""
        await self.age(SILENT_SECONDS + 1)

    async def age(self, seconds: float) -> None:
        async with self.database.write("process_figures") as connection:
            own = process_figures.c.process == self.name
            await connection.execute(update(process_figures).where(own).values(at=process_figures.c.at - seconds))


async def minutes_of(database: Database) -> dict[tuple[int, str], Minute]:
    async with database.read() as connection:
        rows = (await connection.execute(select(performance_minutes))).all()
    return {(row.at, row.process): msgspec.msgpack.decode(row.figures, type=Minute) for row in rows}


async def errors_of(process: Process) -> Any:
    return (await process.measurements.everywhere()).figures.values[ERRORS][("Busy",)]


@pytest.fixture
async def fleet(postgres_database: str) -> AsyncIterator[Callable[[str], Any]]:
    """Opens processes of one desk."""
    opened: list[Database] = []

    async def process(name: str) -> Process:
        opened.append(await Database.open(postgres_database, PoolSettings(timeout=1.0)))
        return Process(opened[-1], name)

    yield process
    for database in opened:
        await database.close()


# minutes


async def test_a_minute_is_closed_at_its_end_with_what_happened_in_it_and_the_highest_peak(database: Database) -> None:
    async with Process(database).running() as process:
        process.counts(3)
        process.peak = 7
        await process.second()
        process.peak = 2
        await process.second(60)
        process.counts(5)
        await process.second(60)
        await process.stored()
        closed = [(minute.at, minute.counts, minute.peaks) for minute in process.measurements.own.closed]
        assert closed == [
            (NOON, {"errors": 3}, {"concurrent": 7}),
            (NOON + 60, {"errors": 5}, {"concurrent": 0}),
        ]
        found = await minutes_of(database)
        assert {at: found[at, "me"].counts for at, _ in found if at < NOON + 120} == {
            NOON: {"errors": 3},
            NOON + 60: {"errors": 5},
        }
        assert ((NOON + 120, "me") in found) == database.is_shared, "the running one is for others, where there are any"
        assert process.ticks == process.seconds


async def test_the_last_word_is_said_at_the_end(database: Database) -> None:
    async with Process(database).running() as process:
        await process.second()
        await process.stored()
        process.counts(9)
    assert (await minutes_of(database))[NOON, "me"].counts == {"errors": 9}


async def test_a_clock_that_is_set_neither_stops_the_minutes_nor_counts_anything_twice(database: Database) -> None:
    jumps = [61, -30, -40, 45, -7_200, 90, 10**7, 1, -(10**7), 60, 60]
    async with Process(database).running() as process:
        for jump in jumps:
            process.counts(1)
            await process.second(jump)
        closed = list(process.measurements.own.closed)
        assert sum(minute.counts["errors"] for minute in (*closed, process.measurements.own.running())) == len(jumps)
        assert len(closed) == 9, "one for each time that the minute is another, a step back within a minute is none"
    assert len(await minutes_of(database)) <= len(closed) + 1


async def test_a_clock_that_goes_mad_leaves_a_bounded_memory(sqlite_database: str) -> None:
    database = await Database.open(sqlite_database)
    process = Process(database)
    for number in range(1_000):
        process.measurements.own.look(NOON + 3_600 * number)
    assert len(process.measurements.own.closed) == len(process.measurements.own.unstored) == IN_MEMORY
    await database.close()


async def test_the_minutes_of_all_processes_are_one_list(fleet: Callable[[str], Any]) -> None:
    one, other = await fleet("one"), await fleet("other")
    async with one.running(), other.running():
        for process, count in ((one, 2), (other, 5)):
            process.counts(count)
            process.peak = count
            await process.second(60)
            process.counts(1)
            await process.second()
            await process.stored()
        one.counts(10)
        found, problem = await one.measurements.minutes(NOON)
        assert problem is None
        assert [(minute.at, minute.counts["errors"]) for minute in found] == [(NOON, 7), (NOON + 60, 12)]
        assert found[0].peaks == {"concurrent": 7}
        assert [minute.at for minute in (await one.measurements.minutes(NOON + 1))[0]] == [NOON + 60]
        again = (await one.measurements.minutes(NOON))[0]
        assert again == found, "asking changes nothing"


async def test_minutes_that_are_no_more_in_memory_come_from_the_database(database: Database) -> None:
    async with Process(database).running() as process:
        for _ in range(IN_MEMORY + 4):
            process.counts(1)
            await process.second(60)
            await process.stored()
        found, problem = await process.measurements.minutes(NOON)
    assert problem is None
    assert [minute.at for minute in found] == [NOON + 60 * number for number in range(IN_MEMORY + 5)]
    assert [minute.counts["errors"] for minute in found] == [1] * (IN_MEMORY + 4) + [0]


# figures


async def test_on_sqlite_a_process_answers_for_itself_and_its_figures_are_nowhere_stored(sqlite_database: str) -> None:
    database = await Database.open(sqlite_database)
    async with Process(database).running() as process:
        process.counts(3)
        await process.second()
        await process.stored()
        figures, processes, problem = await process.measurements.everywhere()
    assert (figures.values[ERRORS], processes, problem) == ({("Busy",): 3}, ["me"], None)
    assert figures.values[THREADS] == {("me",): 4}
    async with database.read() as connection:
        assert await FigureRepository(connection).others("") == []
    await database.close()


async def test_whoever_is_asked_answers_for_all(fleet: Callable[[str], Any]) -> None:
    one, other = await fleet("one"), await fleet("other")
    one.counts(3)
    other.counts(4)
    async with one.running(), other.running():
        for process in (one, other):
            await process.second()
            await process.stored()
        for asked, names in ((one, ["one", "other"]), (other, ["other", "one"])):
            figures, processes, problem = await asked.measurements.everywhere()
            assert (processes, problem) == (names, None)
            assert figures.values[ERRORS] == {("Busy",): 7}
            assert figures.values[THREADS] == {("one",): 4, ("other",): 4}
            spread = figures.values[SECONDS][("get",)]
            assert isinstance(spread, Distribution)
            assert (spread.count, spread.total) == (7, 1.75)


async def test_who_is_asked_next_answers_no_less(fleet: Callable[[str], Any]) -> None:
    """However old what the first one had said to the database was."""
    one, other = await fleet("one"), await fleet("other")
    before = 0
    for turn in range(10):
        asked = (one, other)[turn % 2]
        asked.counts(turn)
        told = await errors_of(asked)
        assert told >= before
        before = told
    assert before == sum(range(10))


async def test_counters_stay_when_a_process_dies_is_folded_and_another_begins(fleet: Callable[[str], Any]) -> None:
    one, other = await fleet("one"), await fleet("other")
    one.counts(3)
    other.counts(4)
    await other.measurements.everywhere()
    assert await errors_of(one) == 7
    await other.die()
    figures, processes, _ = await one.measurements.everywhere()
    assert processes == ["one"]
    assert figures.values[ERRORS] == {("Busy",): 7}
    assert figures.values[FLYING] == {(): 1}
    assert figures.values[THREADS] == {("one",): 4}
    await other.age(FOLDED_SECONDS)
    async with one.running():
        await one.second()
        await one.stored()
    async with one.database.read() as connection:
        assert [row.process for row in await FigureRepository(connection).others("one")] == [RETIRED]
    assert await errors_of(one) == 7


async def test_one_that_slept_while_others_folded_it_is_not_counted_twice(fleet: Callable[[str], Any]) -> None:
    one, sleeper = await fleet("one"), await fleet("sleeper")
    sleeper.counts(4)
    for turn in range(1, 4):
        assert await errors_of(sleeper) == 4 * turn
        await sleeper.age(FOLDED_SECONDS + 1)
        async with one.running():
            one.measurements._tidied = None
            await one.second()
            await one.stored()
        assert await errors_of(one) == 4 * turn
        sleeper.counts(4)
        assert await errors_of(sleeper) == 4 * (turn + 1)
        assert await errors_of(one) == 4 * (turn + 1)


async def test_what_another_version_said_is_left_out_and_told(fleet: Callable[[str], Any]) -> None:
    one = await fleet("one")
    one.counts(2)
    async with one.database.write("process_figures") as connection:
        await FigureRepository(connection).put("newer", b"what nobody reads")
    with capture_logs() as logs:
        assert await errors_of(one) == 2
    assert [line["event"] for line in logs] == ["measurements_unreadable"]


# a database that is away


async def test_a_database_that_is_away_is_told_once_and_what_was_closed_meanwhile_is_stored_later(
    database_url: str,
) -> None:
    database = await Database.open(database_url, PoolSettings(1, 0, timeout=0.02))
    while not await database.freshness.ascertain():  # noqa: ASYNC110 - its listener takes a connection first
        await asyncio.sleep(0.01)
    async with Process(database).running() as process:
        with capture_logs() as logs:
            async with database.write():
                for _ in range(3):
                    process.counts(1)
                    await process.second(60)
                    await process.stored()
            assert [line["event"] for line in logs] == ["measurements_not_stored"]
            await process.second()
            await process.stored()
        assert [line["event"] for line in logs] == ["measurements_not_stored", "measurements_stored_again"]
        found = await minutes_of(database)
        assert {at for at, _ in found} >= {NOON, NOON + 60, NOON + 120}
    await database.close()


async def test_without_its_database_a_process_answers_from_memory_and_counters_stay(
    fleet: Callable[[str], Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    one, other = await fleet("one"), await fleet("other")
    one.counts(3)
    other.counts(4)
    await other.measurements.everywhere()
    assert await errors_of(one) == 7
    small = await Database.open(await address_of(one), PoolSettings(1, 0, timeout=0.02))
    while not await small.freshness.ascertain():  # noqa: ASYNC110 - its listener takes a connection first
        await asyncio.sleep(0.01)
    one.measurements._database = small
    async with small.read():
        one.counts(1)
        figures, processes, problem = await one.measurements.everywhere()
        assert (figures.values[ERRORS], processes) == ({("Busy",): 8}, ["one"])
        assert figures.values[THREADS] == {("one",): 4}
        assert problem == "Other processes are not known: All connections to the database are in use"
        found, problem = await one.measurements.minutes(NOON)
        assert [(minute.at, minute.counts) for minute in found] == [(NOON, {"errors": 4})]
        assert problem == "Only what this process remembers is known: All connections to the database are in use"
    await small.close()


async def address_of(process: Process) -> str:
    url = process.database._reader.url
    return url.set(drivername="postgresql").render_as_string(hide_password=False)
