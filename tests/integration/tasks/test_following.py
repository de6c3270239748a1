"""Two processes of one desk: what one does, the other takes up; and they decide one after the other."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, replace

import pytest

from alphaforge.core.granularity import Granularity
from alphaforge.storage.engine import Database
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.following import follow_others
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import GiveUp, Running, TaskKind
from alphaforge.tasks.market_jobs import market_kinds, scan_by_job
from alphaforge.tasks.strategy import Strategy
from alphaforge.tasks.watchlist import Watchlist
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.load_book import load_book
from alphaforge.workflows.scan_market import scan_market
from builders import GBP_USD, USD_JPY, walk
from desks import MemoryMarket, desk_of, market_of

M5 = Granularity.M5.seconds
HISTORY = {one.name: walk(one, 800, seed=3, gaps=0.0) for one in (GBP_USD, USD_JPY)}
CLOSE = int(HISTORY["GBP_USD"].time[700]) + M5
NAMES = ("GBP_USD", "USD_JPY")


@dataclass
class Process:
    """As much of a process as takes part."""

    desk: Desk
    strategy: Strategy
    watchlist: Watchlist
    board: JobBoard

    def pass_candles(self, count: int) -> None:
        assert isinstance(self.desk.source, MemoryMarket)
        self.desk.source.clock.time += count * M5


def process_of(database: Database) -> Process:
    desk = desk_of(database, market_of(*HISTORY.values(), moment=CLOSE + 5.0), NAMES)
    desk.listed = True
    strategy = Strategy(desk)
    engine = Engine(database, market_kinds(strategy, lambda: True), 1, f"process-{id(desk)}")
    return Process(desk, strategy, Watchlist(desk), JobBoard(database, engine, in_background=False))


async def until(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - the claim is about several things at once
            await asyncio.sleep(0.01)


@pytest.fixture
async def both(database_url: str) -> AsyncIterator[tuple[Process, Process]]:
    """One process, and another that follows it, each with a database connection of its own."""
    if database_url.startswith("sqlite"):
        pytest.skip("a SQLite file has one process")
    first, second = await Database.open(database_url), await Database.open(database_url)
    one, other = process_of(first), process_of(second)
    async with asyncio.timeout(20):
        while not (await first.freshness.ascertain() and await second.freshness.ascertain()):  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)
    following = asyncio.create_task(follow_others(other.strategy, other.watchlist))
    yield one, other
    following.cancel()
    with suppress(asyncio.CancelledError):
        await following
    await first.close()
    await second.close()


async def test_candles_decisions_and_the_last_scan_of_one_are_known_to_the_other(both: tuple[Process, Process]) -> None:
    one, other = both
    await scan_by_job(one.board, NAMES)
    await until(lambda: set(other.strategy.last_results) == set(NAMES) and other.strategy.last_scan_at is not None)
    for name in NAMES:
        mine, theirs = one.strategy.last_results[name], other.strategy.last_results[name]
        assert theirs.decision is not None
        assert theirs.decision == mine.decision
        assert (theirs.earlier_id or theirs.signal_id) == mine.signal_id
        assert other.desk.candles.series(name).end == one.desk.candles.series(name).end
    assert other.strategy.last_scan_at == pytest.approx(one.strategy.last_scan_at, abs=1.0)


async def test_the_switch_and_the_instruments_of_one_are_those_of_the_other(both: tuple[Process, Process]) -> None:
    one, other = both
    await one.strategy.stop()
    await one.watchlist.remove("USD_JPY")
    await until(lambda: not other.strategy.is_running and other.desk.names == ("GBP_USD",))
    await one.strategy.start()
    await until(lambda: other.strategy.is_running)


async def test_a_scan_that_fails_in_one_is_known_to_the_other(both: tuple[Process, Process]) -> None:
    one, other = both
    one.board._engine._kinds["scan"] = _broken(one)
    with pytest.raises(Exception, match="nothing works"):
        await scan_by_job(one.board, NAMES)
    await until(lambda: other.strategy.last_failure is not None)
    assert str(other.strategy.last_failure) == "nothing works"


async def test_what_one_has_signalled_weighs_on_what_the_other_decides(both: tuple[Process, Process]) -> None:
    """The other's book is read anew where somebody else has changed it, and its lock waits for whoever decides."""
    one, other = both
    await scan_market(one.desk)
    one.pass_candles(3)
    other.pass_candles(3)
    await asyncio.gather(scan_market(one.desk), scan_market(other.desk))
    assert one.desk.held is not None
    async with other.desk.deciding:
        held = await load_book(other.desk)
    async with one.desk.deciding:
        mine = await load_book(one.desk)
    assert held.book.open.keys() == mine.book.open.keys()
    assert len(held.book.open) > 0
    async with one.desk.database.read() as connection:
        stored = (await connection.exec_driver_sql("SELECT count(*) FROM evaluations")).scalar_one()
        decided = (
            await connection.exec_driver_sql(
                "SELECT (SELECT count(*) FROM rejections)"
                " + (SELECT count(*) FROM trading_signals WHERE candle_time IS NOT NULL)"
            )
        ).scalar_one()
    assert stored == decided == 4 * len(NAMES)


async def test_only_one_of_them_decides_at_a_time(both: tuple[Process, Process]) -> None:
    one, other = both
    async with one.desk.deciding:
        waiting = asyncio.create_task(scan_market(other.desk))
        done, _ = await asyncio.wait({waiting}, timeout=0.3)
        assert not done
    assert len(await waiting) == len(NAMES)


def _broken(process: Process) -> TaskKind:
    async def fail(_: Running) -> object:
        raise GiveUp("nothing works")

    return replace(process.board._engine._kinds["scan"], run=fail)
