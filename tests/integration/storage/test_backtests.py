"""Backtests as rows, on both databases: their tasks are shared among jobs, and the last result is seen by somebody."""

import asyncio
from typing import Any

import pytest

from alphaforge.core.errors import NotFound
from alphaforge.storage.backtests import CANCELLED_WORDS, NEXT, TASKS, BacktestRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import CANCELLED, QUEUED, Job, JobRepository


def tasks(count: int, first: int = 0) -> list[dict[str, Any]]:
    return [{"number": number, "say": "x"} for number in range(first, first + count)]


async def add(database: Database, count: int = 2) -> tuple[int, list[int]]:
    async with database.write("backtests", "jobs") as connection:
        return await BacktestRepository(connection).add({"instruments": ["GBP_USD"]}, tasks(count))


async def put(database: Database, backtest: int, number: int) -> None:
    async with database.write("backtests", "jobs") as connection:
        repository = BacktestRepository(connection)
        assert await repository.held(backtest) is not None
        await repository.put(backtest, number, b"result %d" % number)


async def jobs(database: Database, kind: str) -> list[Job]:
    async with database.read() as connection:
        return await JobRepository(connection).page((kind,), limit=100)


async def test_tasks_are_shared_evenly_among_at_most_sixteen_jobs(database: Database) -> None:
    backtest, made = await add(database, 40)
    found = [job.payload for job in reversed(await jobs(database, TASKS))]
    assert len(found) == len(made) == 16
    assert {one["backtest"] for one in found} == {backtest}
    assert {len(one["tasks"]) for one in found} == {2, 3}
    assert [task["number"] for one in found for task in one["tasks"]] == list(range(40))


async def test_the_last_result_queues_what_goes_on_and_nothing_does_so_twice(database: Database) -> None:
    backtest, _ = await add(database, 2)
    await put(database, backtest, 1)
    assert await jobs(database, NEXT) == []
    await put(database, backtest, 0)
    await put(database, backtest, 0)
    [following] = await jobs(database, NEXT)
    assert following.payload == {"backtest": backtest, "after": 2}
    async with database.write("backtests", "jobs") as connection:
        assert len(await BacktestRepository(connection).go_on(backtest, tasks(3, 2))) == 3
        assert await BacktestRepository(connection).go_on(backtest, tasks(3, 2)) == []
        assert (await BacktestRepository(connection).get(backtest)).parts == 5
    for number in (2, 3, 4):
        await put(database, backtest, number)
    assert [job.payload["after"] for job in await jobs(database, NEXT)] == [5, 2]
    async with database.read() as connection:
        assert await BacktestRepository(connection).results(backtest) == {n: b"result %d" % n for n in range(5)}


async def test_of_all_who_finish_at_once_one_sees_the_last_result(database: Database) -> None:
    backtest, _ = await add(database, 12)
    await asyncio.gather(*(put(database, backtest, number) for number in range(12)))
    assert len(await jobs(database, NEXT)) == 1


async def test_a_report_takes_the_place_of_its_parts(database: Database) -> None:
    backtest, _ = await add(database, 1)
    await put(database, backtest, 0)
    async with database.write("backtests", "jobs") as connection:
        await BacktestRepository(connection).finish(backtest, b"report", {"evidence": "No edge shown."})
    async with database.read() as connection:
        repository = BacktestRepository(connection)
        found = await repository.get(backtest)
        assert (found.summary, found.error) == ({"evidence": "No edge shown."}, None)
        assert found.finished_at is not None
        assert await repository.report(backtest) == b"report"
        assert await repository.results(backtest) == {}
        assert (await repository.work([backtest]))[backtest].done == 0


async def test_a_failure_ends_the_other_jobs_and_is_told_once(database: Database) -> None:
    backtest, _ = await add(database, 3)
    other, _ = await add(database, 1)
    async with database.write("backtests", "jobs") as connection:
        assert await BacktestRepository(connection).fail(backtest, CANCELLED_WORDS)
        assert not await BacktestRepository(connection).fail(backtest, "too late")
        assert await BacktestRepository(connection).held(backtest) is None
    async with database.read() as connection:
        assert (await BacktestRepository(connection).get(backtest)).error == CANCELLED_WORDS
        work = await BacktestRepository(connection).work([backtest, other])
    assert (work[backtest].jobs, work[other].jobs) == ({CANCELLED: 3}, {QUEUED: 1})


async def test_backtest_1_is_not_backtest_11(database: Database) -> None:
    numbers = [(await add(database, 1))[0] for _ in range(11)]
    async with database.write("backtests", "jobs") as connection:
        await BacktestRepository(connection).fail(numbers[0], "why")
        work = await BacktestRepository(connection).work(numbers)
    assert [one.jobs for one in work.values()] == [{CANCELLED: 1}, *[{QUEUED: 1}] * 10]


async def test_they_are_listed_newest_first_and_deleted_with_all_they_have(database: Database) -> None:
    numbers = [(await add(database, 1))[0] for _ in range(3)]
    async with database.write("backtests", "jobs") as connection:
        repository = BacktestRepository(connection)
        assert [one.id for one in await repository.page(before=numbers[2], limit=9)] == numbers[1::-1]
        await repository.delete(numbers[0])
        assert [one.id for one in await repository.page(before=None, limit=9)] == numbers[:0:-1]
        with pytest.raises(NotFound, match=f"There is no backtest {numbers[0]}"):
            await repository.get(numbers[0])
        with pytest.raises(NotFound):
            await repository.report(numbers[0])
