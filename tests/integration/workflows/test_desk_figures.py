"""What a desk counts of itself is what was done: faults, waits, scans, decisions and jobs, as they were made."""

import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import aclosing, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, Self

import msgspec
import pytest

from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import DatabaseBusy, MarketError, MarketUnavailable
from alphaforge.desk_figures import desk_figures, job_figures, market_figures, task_figures
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import JobRepository
from alphaforge.tasks import engine as engine_module
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.kinds import GiveUp, Running
from alphaforge.tasks.leader import Leadership
from alphaforge.telemetry.figures import _DESK, _MARKET, _TASKS, BY_NAME, Kind, Values
from alphaforge.workflows.scan_market import scan_market
from engines import SOON, begun, kind, working
from workflow_rooms import GBP, M5, PATIENT, Room

ONCE = replace(PATIENT, attempts=1)


def counted(values: Values) -> dict[tuple[str, ...], float]:
    """The values, of a distribution how many there are."""
    return {labels: one.count if isinstance(one, Distribution) else one for labels, one in values.items()}


async def made(room: Room, fault: dict[str, Any], times: int) -> None:
    """Prices asked for, so often with a fault, and once without."""
    await room.fault(**fault, times=times, path="/pricing")
    for _ in range(times):
        with suppress(MarketError):
            await room.client.quotes([GBP])
    await room.client.quotes([GBP])


async def test_faults_of_the_market_come_back_as_so_many_of_each_kind(room: Room) -> None:
    room.limit(ONCE)
    before = market_figures(room.desk, room.feed)
    for status, times in ((401, 2), (403, 3), (404, 4), (429, 5), (500, 6), (503, 1)):
        await made(room, {"kind": "status", "status": status}, times)
    await made(room, {"kind": "bad_json"}, 3)
    await made(room, {"kind": "reset"}, 1)
    await made(room, {"kind": "truncated"}, 1)
    await room.fault("stall", times=1, path="/pricing")
    room.limit(replace(ONCE, budget=0.2))
    with pytest.raises(MarketUnavailable, match="did not answer prices within"):
        await room.client.quotes([GBP])
    after = market_figures(room.desk, room.feed)
    times, errors = (
        Counter(counted(after[name])) - Counter(counted(before[name]))
        for name in ("alphaforge_oanda_request_seconds", "alphaforge_oanda_errors_total")
    )
    assert times == {
        ("prices", "ok"): 9,
        ("prices", "token_rejected"): 2,
        ("prices", "refused"): 3 + 4,
        ("prices", "rate_limited"): 5,
        ("prices", "unavailable"): 6 + 1,
        ("prices", "garbled"): 3,
        ("prices", "transport"): 2,
        ("prices", "unanswered"): 1,
    }
    assert errors == {
        ("TokenRejected",): 2,
        ("AccessDenied",): 3,
        ("RequestRejected",): 4,
        ("RateLimited",): 5,
        ("MarketUnavailable",): 6 + 1 + 2 + 1,
        ("Garbled",): 3,
    }
    assert after["alphaforge_oanda_retries_total"] == before["alphaforge_oanda_retries_total"]


async def test_attempts_after_the_first_one_are_retries_and_each_is_timed(room: Room) -> None:
    await room.pass_time()
    await room.fault("status", status=503, times=1)
    before = market_figures(room.desk, room.feed)
    await room.strategy.scan()
    after = market_figures(room.desk, room.feed)
    (before_retries,), (retries,) = (one["alphaforge_oanda_retries_total"].values() for one in (before, after))
    assert retries - before_retries == 1  # type: ignore[operator] - a counter
    times = Counter(counted(after["alphaforge_oanda_request_seconds"]))
    times -= Counter(counted(before["alphaforge_oanda_request_seconds"]))
    assert times == {("candles", "ok"): 1, ("candles", "unavailable"): 1}


async def test_a_stream_is_timed_until_it_begins_and_counted_when_it_fails(room: Room) -> None:
    before = market_figures(room.desk, room.feed)
    await room.fault("status", status=503, times=2, path="/stream")
    for _ in range(2):
        with pytest.raises(MarketUnavailable):
            await anext(room.client.stream([GBP]))
    async with aclosing(room.client.stream([GBP])) as items:
        await anext(items)
    after = market_figures(room.desk, room.feed)
    times = Counter(counted(after["alphaforge_oanda_request_seconds"]))
    times -= Counter(counted(before["alphaforge_oanda_request_seconds"]))
    assert times == {("stream", "unavailable"): 2, ("stream", "ok"): 1}
    assert after["alphaforge_oanda_errors_total"]["MarketUnavailable",] == 2


async def test_connections_that_are_opened_ahead_are_requests_too(room: Room) -> None:
    await room.client.prepare(2)
    times = counted(market_figures(room.desk, room.feed)["alphaforge_oanda_request_seconds"])
    assert times["connections", "ok"] == 1, "the other one is there"


async def test_the_time_that_an_answer_takes_is_in_the_figures(room: Room) -> None:
    delay, times = 0.05, 4
    before = market_figures(room.desk, room.feed)["alphaforge_oanda_request_seconds"].get(("prices", "ok"))
    await made(room, {"kind": "latency", "delay": delay}, times)
    after = market_figures(room.desk, room.feed)["alphaforge_oanda_request_seconds"]["prices", "ok"]
    assert isinstance(after, Distribution)
    late = after.since(before) if isinstance(before, Distribution) else after
    slow = sum(count for bucket, count in late.buckets.items() if 2 ** (bucket / 32) > delay)
    assert (late.count, slow) == (times + 1, times)
    assert late.total >= times * delay


async def test_how_prices_and_candles_stand_is_said_and_nothing_of_what_never_came(room: Room) -> None:
    said = market_figures(room.desk, room.feed)
    assert said["alphaforge_price_feed_state"] == {("streaming",): 0.0, ("polling",): 0.0, ("down",): 1.0}
    assert said["alphaforge_price_stream_age_seconds"] == {}
    (budget,) = said["alphaforge_oanda_budget_left"].values()
    assert 90 <= budget <= 100  # type: ignore[operator] - a gauge
    following = asyncio.create_task(room.feed.run())
    while room.feed.stream_age is None:  # noqa: ASYNC110 - a heartbeat tells nobody
        await asyncio.sleep(0.01)
    said = market_figures(room.desk, room.feed)
    assert said["alphaforge_price_feed_state"]["streaming",] == 1.0
    assert said["alphaforge_price_stream_age_seconds"].keys() == {()}
    following.cancel()
    await asyncio.wait({following})


async def test_the_lag_of_candles_is_that_of_an_open_market(room: Room) -> None:
    def lag() -> Values:
        return market_figures(room.desk, room.feed)["alphaforge_candle_lag_seconds"]

    before = lag()[GBP,]
    await room.pass_time(2 * M5)
    assert before == pytest.approx(5.0, abs=30.0)
    assert lag()[GBP,] == pytest.approx(2 * M5 + 5.0, abs=30.0)
    await room.strategy.scan()
    assert lag()[GBP,] == pytest.approx(5.0, abs=30.0)
    await room.pass_time(4 * 86_400)
    assert lag() == {}, "it is Saturday"


async def test_scans_and_what_they_stored_are_counted_once(room: Room) -> None:
    for _ in range(4):
        await room.pass_time()
        await room.strategy.scan()
        await room.strategy.scan()  # nothing new
    room.desk.strategy = replace(room.desk.strategy, minimum_adx=1_000.0)
    for _ in range(3):
        await room.pass_time()
        await room.strategy.scan()
    said = desk_figures(room.desk)
    peaks = said["alphaforge_generation_peak_bytes"][()]
    assert isinstance(peaks, Distribution)
    assert peaks.count == 11
    assert peaks.largest > 2**24, "more than 16 MiB: a process with numpy in it"
    assert counted(said["alphaforge_scan_seconds"]) == {("ok",): 11}
    assert said["alphaforge_evaluations_total"] == {(GBP,): 7}
    rejections = Counter(row["reason"] for row in await room.rows("rejections"))
    assert rejections["trend"] == 3
    assert said["alphaforge_rejections_total"] == {(reason,): count for reason, count in rejections.items()}
    # the file began with one signal, which another process made
    signals = Counter((GBP, row["direction"]) for row in (await room.rows("trading_signals"))[1:])
    assert signals.total() == 4
    assert said["alphaforge_signals_total"] == dict(signals)


async def test_a_scan_that_fails_is_counted_as_one_and_what_is_not_stored_is_not_counted(room: Room) -> None:
    class Taken:
        async def __aenter__(self) -> Self:
            raise DatabaseBusy("taken")

        async def __aexit__(self, *_: object) -> None: ...

    room.desk.deciding = Taken()  # type: ignore[assignment] - a fake
    await room.pass_time()
    with pytest.raises(DatabaseBusy):
        await scan_market(room.desk)
    said = desk_figures(room.desk)
    assert counted(said["alphaforge_scan_seconds"]) == {("failed",): 1}
    assert said["alphaforge_evaluations_total"] == {}


async def test_what_another_process_had_stored_first_is_not_counted(room: Room) -> None:
    await room.pass_time()
    await room.strategy.scan()
    said = desk_figures(room.desk)
    room.desk.evaluated[GBP] -= M5  # as one that did not know of it, whose lock was taken from it
    (again,) = await room.strategy.scan()
    assert (again.evaluated, again.reason) == (0, "already_signalled")
    for name in ("evaluations", "signals", "rejections"):
        family = f"alphaforge_{name}_total"
        assert desk_figures(room.desk)[family] == said[family]


async def test_of_two_processes_each_evaluation_is_counted_by_the_one_that_stored_it(postgres_database: str) -> None:
    closes = 6
    script = str(Path(__file__).parents[2] / "counting_desk.py")
    pipes: dict[str, int] = {"stdin": asyncio.subprocess.PIPE, "stdout": asyncio.subprocess.PIPE}
    database = await Database.open(postgres_database)
    try:
        processes = [
            await asyncio.create_subprocess_exec(sys.executable, script, postgres_database, str(closes), **pipes)  # type: ignore[arg-type]
            for _ in range(2)
        ]
        for process in processes:
            assert process.stdout
            assert await process.stdout.readline() == b"ready\n"
        ended = await asyncio.gather(*(process.communicate(b"go\n") for process in processes))
        each = [msgspec.json.decode(out.splitlines()[-1]) for out, _ in ended]
        async with database.read() as connection:
            stored = (await connection.exec_driver_sql("SELECT instrument FROM evaluations")).scalars().all()
    finally:
        await database.close()
    counts: Counter[str] = Counter()
    for one in each:
        counts.update(one["evaluations"])
    assert counts == Counter(stored)
    assert counts.total() == 2 * closes
    assert [one["scans"] for one in each] == [closes, closes]
    assert sum(one["signals"] + one["rejections"] for one in each) == 2 * closes


async def test_attempts_at_jobs_are_counted_by_what_became_of_them(database: Database) -> None:
    async def third_time(running: Running) -> object:
        if running.job.attempts < 3:
            raise MarketUnavailable("down")
        return "up"

    async def hopeless(_: Running) -> object:
        raise GiveUp("never")

    kinds = (kind(third_time, "third"), kind(hopeless, "hopeless"), kind(third_time, "once", attempts=1))
    leadership = Leadership(database, "me")
    async with working(database, *kinds, places=1) as board:
        for name in ("third", "hopeless", "once", "hopeless", "third"):
            await board.ended((await board.ask(name, {})).id, SOON)
        await board.ended((await board.ask("hopeless", {})).id, SOON)  # the place is given when all else is counted
        said = task_figures(board._engine, leadership)
    found = counted(said["alphaforge_job_seconds"])
    assert found.pop(("hopeless", "failed")) in {2, 3}
    assert found == {("third", "retried"): 4, ("third", "done"): 2, ("once", "failed"): 1}
    assert said["alphaforge_leading"] == {(): 0.0}


async def test_an_attempt_that_is_cancelled_is_counted_as_that(
    sqlite_database: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.01)
    started = asyncio.Event()

    async def endless(_: Running) -> object:
        started.set()
        await asyncio.Event().wait()
        return None

    database = await Database.open(sqlite_database)
    one = kind(endless)
    engine = Engine(database, (one,), 1, "me")
    async with database.write("jobs") as connection:
        number = await JobRepository(connection).add("work", {})
    assert number is not None
    running = asyncio.create_task(engine.run_now(number))
    await started.wait()
    async with database.write("jobs") as connection:
        await JobRepository(connection).cancel(number)
    await running
    found = task_figures(engine, Leadership(database, "me"))["alphaforge_job_seconds"]
    assert counted(found) == {("work", "cancelled"): 1}
    await database.close()


async def test_an_attempt_that_another_process_ended_is_lost(database: Database) -> None:
    one = kind(_nothing)
    engine = Engine(database, (one,), 1, "me")
    async with database.write("jobs") as connection:
        number = await JobRepository(connection).add("work", {})
    assert number is not None
    await engine._work(await begun(database, one, number, holder="another"))
    assert counted(task_figures(engine, Leadership(database, "me"))["alphaforge_job_seconds"]) == {("work", "lost"): 1}


async def _nothing(_: Running) -> object:
    return None


async def test_jobs_that_wait_are_told_with_the_age_of_the_oldest_that_is_due(database: Database) -> None:
    async with database.write("jobs") as connection:
        repository = JobRepository(connection)
        assert await repository.waiting_by_kind() == []
        for name, delay in (("scan", -90.0), ("scan", -30.0), ("scan", 50.0), ("export", 50.0)):
            assert await repository.add(name, {}, delay=delay)
        held = await repository.add("work", {})
        assert held is not None
        ended = await repository.claim(("scan",), "me", 60.0)  # the one of 90 seconds
        assert ended is not None
        assert await repository.finish(ended, "me", "done")
    await begun(database, kind(_nothing), held, seconds=60.0)
    said = await job_figures(database)
    assert said["alphaforge_jobs"] == {("scan", "queued"): 2, ("export", "queued"): 1, ("work", "running"): 1}
    ages = said["alphaforge_job_oldest_seconds"]
    assert ages.keys() == {("scan",)}
    assert 29.9 <= ages["scan",] < 60.0  # type: ignore[operator] - a gauge


async def test_the_desks_figures_are_those_of_the_catalogue(room: Room) -> None:
    await room.pass_time()
    await room.strategy.scan()
    database = room.desk.database
    said: Mapping[str, Values] = {
        **market_figures(room.desk, room.feed),
        **desk_figures(room.desk),
        **task_figures(Engine(database, (), 1, "me"), Leadership(database, "me")),
        **await job_figures(database),
    }
    assert said.keys() == {family.name for family in (*_MARKET, *_DESK, *_TASKS)}
    for name, values in said.items():
        family = BY_NAME[name]
        for labels, one in values.items():
            assert len(labels) == len(family.labels), name
            assert isinstance(one, Distribution) is (family.kind is Kind.HISTOGRAM), name


async def test_figures_that_were_read_count_no_further(room: Room) -> None:
    read: tuple[Callable[[], Mapping[str, Values]], ...] = (
        lambda: market_figures(room.desk, room.feed),
        lambda: desk_figures(room.desk),
    )
    await room.pass_time()
    await room.strategy.scan()
    said = [one() for one in read]
    told = [{name: counted(values) for name, values in one.items()} for one in said]
    await room.pass_time()
    await room.strategy.scan()
    assert [{name: counted(values) for name, values in one.items()} for one in said] == told
