import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import DatabaseBusy, DatabaseUnwritable, MarketUnavailable, UnknownInstrument
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.market.source import Quote
from alphaforge.signals.desk import Book
from alphaforge.signals.model import Decision, Status
from alphaforge.signals.offline import replay
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import SignalRepository
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.market_jobs import market_kinds, scan_by_job
from alphaforge.tasks.strategy import Strategy
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.open_market import open_market
from alphaforge.workflows.record_trade_result import record_trade_result
from alphaforge.workflows.scan_market import scan_market
from api_bench import SQLITE
from builders import GBP_USD, USD_JPY, walk
from desks import WILLING, MemoryMarket, desk_of, market_of
from market_builders import HandClock

M5 = 300
FIRST = 700
"""The first candle that is decided: enough lie before it."""

NAMES = ("GBP_USD", "USD_JPY")
HISTORY = {one.name: walk(one, 800, seed=3, gaps=0.0) for one in (GBP_USD, USD_JPY)}
START = int(HISTORY["GBP_USD"].time[FIRST])
CLOSE = START + M5


def market(names: tuple[str, ...] = NAMES, moment: float = CLOSE + 5.0) -> MemoryMarket:
    return market_of(*(HISTORY[name] for name in names), moment=moment)


async def rows(database: Database, table: str) -> list[dict[str, Any]]:
    async with database.read() as connection:
        found = await connection.exec_driver_sql(f"SELECT * FROM {table}")  # noqa: S608 - a name of ours
        return [dict(row) for row in found.mappings()]


async def evaluated(database: Database) -> list[tuple[int, str]]:
    """What became a signal or a rejection, by candle and instrument; the same as the identities that are claimed."""
    stored = [*await rows(database, "trading_signals"), *await rows(database, "rejections")]
    found, claimed = (
        sorted((row["candle_time"], row["instrument"]) for row in some)
        for some in (stored, await rows(database, "evaluations"))
    )
    assert found == claimed
    return found


@pytest.fixture
def desk(database: Database) -> Desk:
    """A desk five seconds after the first close that it is to decide on."""
    return desk_of(database, market(), NAMES)


def advance(desk: Desk, closes: int = 1) -> None:
    desk.clock.time += closes * M5  # type: ignore[attr-defined] - a HandClock


async def test_a_scan_repeated_makes_one_evaluation_of_each_candle(desk: Desk) -> None:
    first = await scan_market(desk)
    again = await scan_market(desk)
    assert [result.evaluated for result in first + again] == [1, 1, 0, 0]
    assert all(result.signal_id for result in first)
    assert [(result.signal_id, result.reason) for result in again] == [(None, "already_signalled")] * 2
    assert [result.earlier_id for result in again] == [result.signal_id for result in first]
    assert await evaluated(desk.database) == [(START, name) for name in NAMES]


@SQLITE
async def test_a_signal_is_no_reason_to_refuse_its_own_candle(desk: Desk) -> None:
    desk.strategy = replace(WILLING, cooldown=3_600.0, exposure_cap=1)
    first = await scan_market(desk, NAMES[:1])
    again = await scan_market(desk, NAMES[:1])
    assert [result.decision for result in again] == [result.decision for result in first]
    assert [(result.signal_id, result.reason) for result in again] == [(None, "already_signalled")]
    desk.clock.time += 600.0  # type: ignore[attr-defined] - a HandClock
    desk.source.failures = [MarketUnavailable("gone")] * 3  # type: ignore[attr-defined] - a MemoryMarket
    assert [result.reason for result in await scan_market(desk, NAMES[:1])] == ["stale_data"], "not hidden by it"
    desk.source.failures = []  # type: ignore[attr-defined] - the same
    restarted = desk_of(desk.database, market(), NAMES)
    restarted.strategy = desk.strategy
    found = (await scan_market(restarted, NAMES[:1]))[0]
    assert (found.decision, found.earlier_id) == (first[0].decision, first[0].signal_id)
    advance(desk)
    assert [result.reason for result in await scan_market(desk, NAMES[:1])] == ["exposure"], "of the next one it is"


async def test_scans_at_once_make_one_evaluation_of_each_candle(desk: Desk) -> None:
    scans = await asyncio.gather(*(scan_market(desk) for _ in range(4)))
    assert sum(result.evaluated for scan in scans for result in scan) == 2
    assert await evaluated(desk.database) == [(START, name) for name in NAMES]


async def test_two_workers_at_once_make_one_evaluation_of_each_candle(desk: Desk) -> None:
    other = desk_of(desk.database, market(), NAMES)
    scans = await asyncio.gather(scan_market(desk), scan_market(other))
    assert sorted(bool(result.signal_id) for scan in scans for result in scan) == [False, False, True, True]
    # the second one met the first at its write, or came when all was stored: as the database has it
    assert {result.reason for scan in scans for result in scan} == {"", "already_signalled"}
    assert await evaluated(desk.database) == [(START, name) for name in NAMES]
    for each in (desk, other):
        advance(each)
        await scan_market(each)
        assert each.held
        async with each.database.read() as connection:
            opened = await SignalRepository(connection).open_signals(own_only=True, source="sandbox")
        assert set(each.held.book.open) == {signal.id for signal in opened}, "the other's signals are known too"
    assert await evaluated(desk.database) == [(START + step, name) for step in (0, M5) for name in NAMES]


async def test_a_restart_goes_on_where_the_last_scan_ended(desk: Desk) -> None:
    await scan_market(desk)
    restarted = desk_of(desk.database, market(moment=CLOSE + 3 * M5 + 5.0), NAMES)
    results = await scan_market(restarted)
    assert [result.evaluated for result in results] == [3, 3]
    assert await evaluated(desk.database) == [(START + step * M5, name) for step in range(4) for name in NAMES]


@SQLITE
async def test_a_failed_write_leaves_nothing_half_done_and_the_next_scan_repairs_it(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    add, calls = SignalRepository.add, iter(range(10_000))

    async def failing(self: SignalRepository, decision: Decision, **how: Any) -> int | None:
        if next(calls) % 7 == 6:
            raise DatabaseBusy("no disk today")
        return await add(self, decision, **how)

    monkeypatch.setattr(SignalRepository, "add", failing)
    failures = 0
    for _ in range(24):
        before = [await rows(desk.database, table) for table in ("trading_signals", "rejections", "evaluations")]
        try:
            await scan_market(desk)
        except DatabaseBusy:
            failures += 1
            after = [await rows(desk.database, table) for table in ("trading_signals", "rejections", "evaluations")]
            assert after == before, "neither a settlement nor the other instrument's decision stays behind"
            await scan_market(desk)
        advance(desk)
    assert failures > 3
    await assert_as_offline(desk.database, CLOSE + 23 * M5)


async def assert_as_offline(database: Database, end: int) -> None:
    """The stored signals and their ends are those of the same candles decided without any trouble."""
    hours = {name: hours_of(name) for name in NAMES}
    steps = list(replay(HISTORY, (GBP_USD, USD_JPY), hours, Book(WILLING), start=START, end=end))
    expected = [one for step in steps for one in step.decisions if one.is_signal]
    ends = {number: end.outcome for step in steps for end in step.settled for number in (end.signal.id,)}
    stored = sorted(await rows(database, "trading_signals"), key=lambda row: row["id"])
    assert len(ends) > 3
    assert [(row["candle_time"], row["instrument"], row["entry"]) for row in stored] == [
        (one.candle_time, one.instrument, one.levels.entry) for one in expected if one.levels
    ]
    for number, row in enumerate(stored, start=1):
        end = ends.get(number)
        assert row["status"] == (end.status if end else Status.PENDING)
        assert row["r_multiple"] == (end.r_multiple if end else None)


@SQLITE
async def test_a_scan_caught_up_late_decides_each_candle_on_its_own_past(desk: Desk) -> None:
    await scan_market(desk)
    advance(desk, 12)
    results = await scan_market(desk)
    assert [result.evaluated for result in results] == [12, 12]
    stored = await rows(desk.database, "rejections")
    assert {row["reason"] for row in stored} == {"stale_data"}
    stale = [(START + step * M5, name) for step in range(1, 11) for name in NAMES]
    assert sorted((row["candle_time"], row["instrument"]) for row in stored) == stale


@SQLITE
async def test_the_book_is_kept_between_scans_and_read_again_after_a_write_of_others(desk: Desk) -> None:
    results = await scan_market(desk)
    held = desk.held
    assert held
    advance(desk)
    await scan_market(desk)
    assert desk.held
    assert desk.held.book is held.book, "nobody else wrote"
    gone = results[0].signal_id
    assert gone in desk.held.book.open
    async with desk.database.write("trading_signals") as connection:
        await SignalRepository(connection).set_status(gone, Status.CANCELLED, exit_price=None, at=desk.clock.now())
    async with desk.database.write("trade_results") as connection:
        await record_trade_result(desk, connection, "GBP_USD", 30.0, 10.0)
    advance(desk)
    await scan_market(desk)
    assert gone not in desk.held.book.open
    assert 3.0 in desk.held.book.r_multiples("GBP_USD")


@SQLITE
async def test_what_is_open_in_another_market_weighs_on_no_decision(database: Database) -> None:
    await scan_market(desk_of(database, market(), NAMES))
    real = market()
    real.name, real.simulated = "oanda-practice", False
    desk = desk_of(database, real, NAMES)
    results = await scan_market(desk)
    assert [result.evaluated for result in results] == [1, 1], "a candle of another market is another candle"
    assert desk.held
    assert set(desk.held.book.open) == {result.signal_id for result in results}
    stored = await rows(database, "trading_signals")
    assert sorted((row["source"], bool(row["simulated"])) for row in stored) == [
        *[("oanda-practice", False)] * 2,
        *[("sandbox", True)] * 2,
    ]


@SQLITE
async def test_a_candle_that_closes_during_the_questions_is_left_to_the_next_scan(database: Database) -> None:
    slow = market(moment=CLOSE - 1.0)
    desk = desk_of(database, slow, NAMES)
    await scan_market(desk)  # the window is there, the candle before is decided
    known = await evaluated(database)
    slow.clock.time, slow.seconds_each = CLOSE - 0.5, 1.0
    results = await scan_market(desk)
    assert [result.evaluated for result in results] == [0, 0]
    assert await evaluated(database) == known
    assert len(desk.candles.series("USD_JPY").after(START)) == 1, "it is at hand already"
    slow.seconds_each = 0.0
    results = await scan_market(desk)
    assert [result.evaluated for result in results] == [1, 1]


@SQLITE
async def test_too_few_candles_are_no_evaluation(database: Database) -> None:
    desk = desk_of(database, market(moment=int(HISTORY["GBP_USD"].time[200]) + 5.0), NAMES)
    for result in await scan_market(desk):
        assert (result.decision, result.signal_id, result.evaluated) == (None, None, 0)
        assert result.reason.startswith("warming_up")
    assert await evaluated(database) == []


@SQLITE
async def test_only_watched_instruments_are_scanned(desk: Desk) -> None:
    with pytest.raises(UnknownInstrument, match="XAU_USD is not watched"):
        await scan_market(desk, ("XAU_USD",))
    (result,) = await scan_market(desk, ("USD_JPY",))
    assert (result.instrument, result.evaluated) == ("USD_JPY", 1)
    assert await evaluated(desk.database) == [(START, "USD_JPY")]


@SQLITE
async def test_a_stopped_strategy_collects_candles_and_decides_nothing_until_it_is_started(desk: Desk) -> None:
    strategy = Strategy(desk)
    engine = Engine(desk.database, market_kinds(strategy, lambda: True), 1, "me")
    scheduled = partial(scan_by_job, JobBoard(desk.database, engine, in_background=False))
    await scheduled(NAMES)
    known = await evaluated(desk.database)
    await strategy.stop()
    advance(desk, 2)
    results = await scheduled(NAMES)
    assert {result.reason for result in results} == {"strategy_stopped"}
    assert collected(desk, "GBP_USD").time.tolist() == [START, START + M5, START + 2 * M5]
    assert await evaluated(desk.database) == known
    await strategy.start()
    await scheduled(NAMES)
    assert await evaluated(desk.database) == [(START + step * M5, name) for step in range(3) for name in NAMES]


def collected(desk: Desk, name: str) -> CandleSeries:
    return desk.candles.series(name).after(START)


@SQLITE
async def test_a_stopped_strategy_scans_for_whoever_asks(desk: Desk) -> None:
    strategy = Strategy(desk)
    await strategy.stop()
    results = await strategy.scan(None)
    assert [result.evaluated for result in results] == [1, 1]
    assert (strategy.is_running, strategy.is_scanning) == (False, False)
    assert strategy.last_scan_at == desk.clock.now()
    assert set(strategy.last_results) == set(NAMES)


@dataclass(slots=True)
class Past(MemoryMarket):
    """A real market whose time is long ago, as its prices tell; everything else it says fits any time."""

    async def connect(self) -> None:
        pass

    async def instruments(self) -> list[Instrument]:
        return [GBP_USD, USD_JPY]

    async def quotes(self, instruments: Sequence[str]) -> list[Quote]:
        assert list(instruments) == list(NAMES)
        self.clock.time = CLOSE + 5.0
        return []


@SQLITE
async def test_nothing_is_decided_before_the_market_has_told_its_time(database: Database) -> None:
    past = Past(HandClock(CLOSE + 3e7), HISTORY, name="oanda-practice", simulated=False)
    desk = desk_of(database, past, NAMES)
    await open_market(desk)
    results = await scan_market(desk)
    assert [result.reason for result in results] == ["", ""], "by the machine's clock everything would be stale"
    assert await evaluated(database) == [(START, name) for name in NAMES]


@SQLITE
async def test_the_failure_of_a_scan_is_known_until_one_ends_well(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    async def full(*_: object, **__: object) -> int | None:
        message = "The disk of the database is full"
        raise DatabaseUnwritable(message)

    strategy = Strategy(desk)
    with monkeypatch.context() as disk:
        disk.setattr(SignalRepository, "add", full)
        with pytest.raises(DatabaseUnwritable):
            await strategy.scan(None)
    assert isinstance(strategy.last_failure, DatabaseUnwritable)
    await strategy.scan(None)
    assert strategy.last_failure is None


async def test_the_strategys_switch_survives_a_restart(desk: Desk) -> None:
    async def restarted() -> bool:
        strategy = Strategy(desk)
        await strategy.restore()
        return strategy.is_running

    assert await restarted(), "a new desk scans"
    await Strategy(desk).stop()
    assert not await restarted()
    await Strategy(desk).start()
    assert await restarted()


class HastyClock(MemoryMarket):
    """A market whose desk's clock is ahead: a close comes while it answers, before USD_JPY and after GBP_USD."""

    async def candles(self, instrument: str, *given: Any, **named: Any) -> Any:
        self.clock.time = CLOSE + M5 + (1.0 if instrument == "USD_JPY" else -1.0)
        try:
            return await MemoryMarket.candles(self, instrument, *given, **named)
        finally:
            self.clock.time = CLOSE + M5 - 1.0  # the answers put the clock right: then it was not closed yet


@SQLITE
async def test_a_close_that_only_some_answers_know_of_is_decided_when_all_do(database: Database) -> None:
    plain = market(moment=CLOSE + M5 + 0.5)
    desk = desk_of(database, HastyClock(plain.clock, plain.history, name="sandbox"), NAMES)
    results = await scan_market(desk)
    assert await evaluated(database) == [(START, name) for name in NAMES]
    assert not any(result.late for result in results), "one that was asked again alone would run ahead of the others"
    desk.source = market(moment=CLOSE + M5 + 2.0)  # type: ignore[assignment] - the same market, its clock put right
    desk.candles.source, desk.candles.clock = desk.source, desk.source.clock
    desk.clock = desk.source.clock
    await scan_market(desk)
    assert await evaluated(database) == [(START + step * M5, name) for step in range(2) for name in NAMES]
