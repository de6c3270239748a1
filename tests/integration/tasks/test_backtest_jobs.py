"""Backtests as jobs: shared among processes, killed and taken over, and always the same report."""

import asyncio
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from alphaforge.backtests.composition import composed
from alphaforge.backtests.model import Market
from alphaforge.backtests.perform import perform
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.core.market_hours import hours_of
from alphaforge.storage.backtests import CANCELLED_WORDS, TASKS, Backtest, BacktestRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.job_pieces import packed, unpacked
from alphaforge.storage.jobs import CANCELLED, DONE, JobRepository
from alphaforge.tasks import backtest_jobs, engine
from alphaforge.tasks.backtest_jobs import backtest_kinds
from alphaforge.tasks.kinds import TaskKind
from alphaforge.workflows.backtest_processes import Processes, processes
from alphaforge.workflows.backtest_request import Request
from api_bench import SQLITE
from backtests_at_hand import END, SETTINGS, SOURCE, START, candles, keep_candles, report
from builders import GBP_USD
from engines import begun, working

SOON = 60.0
POSTGRESQL = pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
SINGLE = Plan.from_dict(
    {"instruments": ["GBP_USD"], "start": START, "end": END, "settings": SETTINGS, "version": "2.0.0"}
)
GRID = Plan.from_dict(
    {
        **SINGLE.to_dict(),
        "sweep": {"minimum_votes": [1.5 + 0.05 * number for number in range(21)]},
        "minimum_trades": 1,
    }
)


def kinds(database: Database) -> list[TaskKind]:
    return [replace(kind, pauses=(0.01,)) for kind in backtest_kinds(database)]


async def add(database: Database, plan: Plan = SINGLE, *, controls: bool = True) -> int:
    """A backtest that is asked for."""
    await keep_candles(database)
    request = Request(plan, SOURCE, True, (GBP_USD,), {"GBP_USD": hours_of("GBP_USD")}, controls)
    schedule = Schedule.of(plan)
    async with database.write("backtests", "jobs") as connection:
        tasks = [task.to_dict() for task in schedule.ready({})]
        return (await BacktestRepository(connection).add(request.to_dict() | {"total": schedule.total}, tasks))[0]


async def get(database: Database, number: int) -> Backtest:
    async with database.read() as connection:
        return await BacktestRepository(connection).get(number)


async def ended(database: Database, number: int) -> Backtest:
    """The backtest when it has ended."""
    async with asyncio.timeout(SOON):
        with database.commits.heard("backtests", "jobs") as changed:
            while (found := await get(database, number)).finished_at is None:
                await changed.wait()
                changed.clear()
            return found


async def document(database: Database, number: int) -> Any:
    async with database.read() as connection:
        kept = await BacktestRepository(connection).report(number)
    assert kept is not None
    return msgspec.json.decode(unpacked(kept))


def as_json(value: object) -> Any:
    return msgspec.json.decode(msgspec.json.encode(value))


@pytest.fixture
def children(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[Callable[[Processes], None]], None]]:
    """Have something done to the processes of each attempt, as soon as they are begun."""

    def arrange(harm: Callable[[Processes], None]) -> None:
        @asynccontextmanager
        async def begun(folder: Path, count: int) -> AsyncIterator[Processes]:
            async with processes(folder, count) as made:
                harm(made)
                yield made

        monkeypatch.setattr(backtest_jobs, "processes", begun)

    return arrange  # type: ignore[return-value]


@SQLITE
async def test_a_killed_process_is_a_new_attempt_and_the_report_is_the_same(database: Database, children: Any) -> None:
    killed: list[int] = []

    def kill_the_first(made: Processes) -> None:
        if not killed:
            made.begun[0].process.send_signal(signal.SIGKILL)
            killed.append(made.begun[0].process.pid)

    children(kill_the_first)
    number = await add(database)
    async with working(database, *kinds(database)):
        found = await ended(database, number)
    assert (found.error, len(killed)) == (None, 1)
    assert await document(database, number) == as_json(report())


@SQLITE
async def test_a_process_that_dies_again_and_again_is_an_error_that_names_the_task(
    database: Database, children: Any
) -> None:
    children(lambda made: made.begun[0].process.send_signal(signal.SIGKILL))
    number = await add(database, GRID)
    async with working(database, *kinds(database)):
        found = await ended(database, number)
    assert found.error is not None
    assert "was killed by signal 9" in found.error
    assert "points 0 to 19" in found.error


@SQLITE
async def test_a_cancelled_backtest_kills_its_process(
    database: Database, children: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine, "BEAT_SECONDS", 0.05)
    begun_processes: list[Any] = []
    there = asyncio.Event()

    def stop(made: Processes) -> None:
        made.begun[0].process.send_signal(signal.SIGSTOP)  # it will never answer
        begun_processes.append(made.begun[0].process)
        there.set()

    children(stop)
    number = await add(database)
    async with working(database, *kinds(database)) as board:
        await asyncio.wait_for(there.wait(), SOON)
        async with database.write("backtests", "jobs") as connection:
            assert await BacktestRepository(connection).fail(number, CANCELLED_WORDS)
            [job] = await JobRepository(connection).page((TASKS,), limit=9)
        assert (await board.ended(job.id, SOON)).status == CANCELLED
    assert begun_processes[0].returncode == -signal.SIGKILL
    assert (await get(database, number)).error == CANCELLED_WORDS


@POSTGRESQL
async def test_two_processes_share_a_grid_and_a_third_that_died_costs_nothing(
    database: Database, database_url: str
) -> None:
    number = await add(database, GRID, controls=False)
    async with database.read() as connection:
        first, second = sorted(await JobRepository(connection).page((TASKS,), limit=9), key=lambda job: job.id)
    await begun(database, kinds(database)[0], first.id)  # its process is dead
    other = await Database.open(database_url)
    async with working(database, *kinds(database)) as here, working(other, *kinds(other), holder="there") as there:
        found = await ended(database, number)
        shares = [await here.get(job.id) for job in (first, second)]
        attempts = [board._engine.attempts.get((TASKS, DONE)) for board in (here, there)]
    await other.close()
    assert found.error is None
    assert [(job.status, job.attempts) for job in shares] == [(DONE, 2), (DONE, 1)]
    assert all(attempts), "each performed a share"
    assert await document(database, number) == as_json(in_one_process(GRID))


def in_one_process(plan: Plan) -> Any:
    """The report of a plan whose tasks are performed here, one after another, without controls."""
    market = Market({"GBP_USD": candles()}, (GBP_USD,), {"GBP_USD": hours_of("GBP_USD")}, SOURCE, simulated=True)
    results: dict[int, Any] = {}
    while tasks := Schedule.of(plan).ready(results):
        for task in tasks:
            results[task.number] = perform(task, market, seeds=1)
            if "segment" in results[task.number]:
                results[task.number]["segment"]["controls"] = None
    return composed(plan, results)


@SQLITE
async def test_what_a_dead_attempt_had_stored_is_not_performed_again(database: Database) -> None:
    number = await add(database)
    market = Market({"GBP_USD": candles()}, (GBP_USD,), {"GBP_USD": hours_of("GBP_USD")}, SOURCE, simulated=True)
    [task] = Schedule.of(SINGLE).ready({})
    async with database.write("backtests", "jobs") as connection:
        [job] = await JobRepository(connection).page((TASKS,), limit=9)
        repository = BacktestRepository(connection)
        assert await repository.held(number) is not None
        await repository.put(number, task.number, packed(msgspec.json.encode(perform(task, market))))
    async with working(database, *kinds(database)) as board:
        assert (await board.ended(job.id, SOON)).result == {"performed": 0}
        assert (await ended(database, number)).error is None
    assert await document(database, number) == as_json(report())
