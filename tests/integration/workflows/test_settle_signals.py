import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from typing import Any

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import DatabaseBusy, MarketError, MarketUnavailable, RateLimited, RequestRejected
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import from_epoch
from alphaforge.signals.model import Direction, Outcome, Status
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.tasks.strategy import Strategy
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.scan_market import scan_market
from alphaforge.workflows.settle_signals import GRACE, PATIENCE, Settlement, settle_signals
from api_bench import SQLITE
from builders import bars, decision
from desks import WILLING, MemoryMarket, desk_of, market_of

pytestmark = SQLITE

M5 = 300
OPENED = 1_736_121_600 + 100 * M5
"""When the signals of these tests begin; their candles begin there too."""

EXPIRES = OPENED + 4 * 3600
CALM = [1.25, 1.2504, 1.2497, 1.2501]
TO_TARGET = [1.2501, 1.2535, 1.25, 1.253]
TO_STOP = [1.2501, 1.2505, 1.248, 1.249]
BOTH = [1.2501, 1.254, 1.248, 1.25]


def history(*changed: Sequence[float], after: int = 0, count: int = 120) -> CandleSeries:
    """Calm candles from long before OPENED on; those from the `after`-th on from there are `changed`."""
    rows = [CALM] * (100 + after) + list(changed)
    return bars([*rows, *[CALM] * (100 + count - len(rows))], start=OPENED - 100 * M5)


def desk_at(database: Database, moment: float, candles: CandleSeries, name: str = "sandbox") -> Desk:
    return desk_of(database, market_of(candles, moment=moment, name=name), ("GBP_USD",))


async def strategy_signal(database: Database, source: str = "sandbox") -> int:
    """A BUY of the strategy at 1.25 with its stop at 1.2485 and its target at 1.253."""
    made = decision(candle_time=OPENED - M5, as_of=OPENED + 1.0)
    async with database.write() as connection:
        signal_id = await SignalRepository(connection).add(
            made, symbol="GBPUSD", source=source, simulated=source == "sandbox", expires_at=EXPIRES
        )
    assert signal_id
    return signal_id


async def by_hand(database: Database, **changes: Any) -> int:
    new = NewSignal("GBP_USD", Direction.BUY, 1.25, 1.2485, 1.253, OPENED)
    async with database.write() as connection:
        return await SignalRepository(connection).create(replace(new, **changes))


async def row_of(database: Database, signal_id: int) -> dict[str, Any]:
    async with database.read() as connection:
        row = await SignalRepository(connection).get(signal_id)
    assert row
    return row


async def settled(desk: Desk, *, own_only: bool = True, scanning: bool = False) -> dict[int, Settlement]:
    for name in desk.names:
        await desk.candles.refresh(name)
    return {one.signal_id: one for one in await settle_signals(desk, own_only=own_only, scanning=scanning)}


@pytest.mark.parametrize(
    ("candle", "status", "price", "r"),
    [(TO_TARGET, Status.WON, 1.253, 2.0), (TO_STOP, Status.LOST, 1.2485, -1.0)],
    ids=["target", "stop"],
)
async def test_a_touched_level_ends_a_signal_once(
    database: Database, candle: list[float], status: Status, price: float, r: float
) -> None:
    signal_id = await strategy_signal(database)
    desk = desk_at(database, OPENED + 5 * M5 + 5, history(candle, after=3))
    found = await settled(desk)
    assert (found[signal_id].status, found[signal_id].exit_price) == (status, price)
    row = await row_of(database, signal_id)
    assert (row["status"], row["exit_price"], row["r_multiple"]) == (status, price, pytest.approx(r))
    assert (row["exit_time"], row["duration_hours"]) == (OPENED + 4 * M5, pytest.approx(4 / 12))
    assert await settled(desk) == {}
    assert await row_of(database, signal_id) == row


async def test_a_signal_that_touched_nothing_stays_open_and_expires_at_the_price_then(database: Database) -> None:
    signal_id = await strategy_signal(database)
    desk = desk_at(database, EXPIRES - 1.0, history())
    assert (await settled(desk))[signal_id].status is Status.PENDING
    desk.clock.time = EXPIRES + 5.0  # type: ignore[attr-defined] - a HandClock
    assert (await settled(desk))[signal_id].status is Status.EXPIRED
    row = await row_of(database, signal_id)
    assert (row["status"], row["exit_price"], row["exit_time"]) == (Status.EXPIRED, 1.2501, EXPIRES)


@pytest.mark.parametrize("moment", [OPENED + 5 * M5, EXPIRES + 86_400])
async def test_signals_of_another_market_are_never_settled_with_this_ones_candles(
    database: Database, moment: float
) -> None:
    other = await strategy_signal(database, "oanda-practice")
    mine = await strategy_signal(database)
    desk = desk_at(database, moment + 5, history(TO_TARGET, after=1, count=400))
    assert other not in await settled(desk), "the schedule must leave it alone"
    found = await settled(desk, own_only=False)
    assert (await row_of(database, mine))["status"] == Status.WON
    over = moment > EXPIRES
    assert (found[other].status, found[other].exit_price) == (Status.EXPIRED if over else Status.PENDING, None)
    row = await row_of(database, other)
    assert (row["status"], row["exit_price"], row["r_multiple"]) == (found[other].status, None, None)


@pytest.fixture
async def adopted(database: Database, database_url: str) -> int:
    """A signal that the predecessor left open in the database, without origin, source and candle."""
    signal_id = await by_hand(database)
    with closing(sqlite3.connect(database_url.removeprefix("sqlite:///"))) as file, file:
        file.execute("UPDATE trading_signals SET origin = NULL")
    return signal_id


@pytest.mark.parametrize("name", ["sandbox", "oanda-practice"])
async def test_the_scheduled_settlement_leaves_the_predecessors_signals_alone(
    database: Database, adopted: int, name: str
) -> None:
    before = await row_of(database, adopted)
    desk = desk_at(database, EXPIRES + 86_400, history(TO_TARGET, after=3, count=400), name)
    await desk.candles.refresh("GBP_USD")
    await Strategy(desk).settle_own()
    assert await row_of(database, adopted) == before


async def test_asked_for_a_predecessors_signal_expires_without_a_price_in_a_simulated_market(
    database: Database, adopted: int
) -> None:
    desk = desk_at(database, EXPIRES + 86_400, history(TO_TARGET, after=3, count=400))
    (found,) = await Strategy(desk).settle(own_only=False)
    assert (found.signal_id, found.status, found.exit_price) == (adopted, Status.EXPIRED, None)
    row = await row_of(database, adopted)
    assert (row["status"], row["exit_price"], row["pips_captured"]) == (Status.EXPIRED, None, None)


async def test_asked_for_a_predecessors_signal_is_settled_with_candles_in_a_real_market(
    database: Database, adopted: int
) -> None:
    desk = desk_at(database, EXPIRES + 86_400, history(TO_TARGET, after=3, count=400), "oanda-practice")
    (found,) = await Strategy(desk).settle(own_only=False)
    assert (found.signal_id, found.status, found.exit_price) == (adopted, Status.WON, 1.253)
    assert (await row_of(database, adopted))["outcome"] == "WIN"


def closer(granularity: Granularity, *rows: Sequence[float], start: int) -> CandleSeries:
    return bars(rows, granularity=granularity, start=start)


async def ambiguous(database: Database, finer: dict[Granularity, CandleSeries]) -> tuple[dict[str, Any], list[Any]]:
    """How a signal whose fourth candle touched both its levels ended, and which finer candles were asked for."""
    signal_id = await strategy_signal(database)
    market = market_of(history(BOTH, after=3), moment=OPENED + 5 * M5 + 5)
    market.finer = finer
    desk = desk_of(database, market, ("GBP_USD",))
    await settled(desk)
    return await row_of(database, signal_id), market.finer_asked


AMBIGUOUS = OPENED + 3 * M5
M1, S5 = Granularity.M1, Granularity.S5


async def test_a_candle_that_touched_both_levels_is_looked_at_in_minutes(database: Database) -> None:
    minutes = closer(M1, CALM, TO_TARGET, TO_STOP, start=AMBIGUOUS)
    row, asked = await ambiguous(database, {M1: minutes})
    assert (row["status"], row["ambiguous"], row["exit_time"]) == (Status.WON, False, AMBIGUOUS + 120)
    assert asked == [(M1, AMBIGUOUS, AMBIGUOUS + M5)]


async def test_a_minute_that_touched_both_levels_is_looked_at_in_five_seconds(database: Database) -> None:
    minutes = closer(M1, CALM, BOTH, start=AMBIGUOUS)
    seconds = closer(S5, CALM, TO_STOP, TO_TARGET, start=AMBIGUOUS + 60)
    row, asked = await ambiguous(database, {M1: minutes, S5: seconds})
    assert (row["status"], row["ambiguous"], row["exit_time"]) == (Status.LOST, False, AMBIGUOUS + 70)
    assert asked == [(M1, AMBIGUOUS, AMBIGUOUS + M5), (S5, AMBIGUOUS + 60, AMBIGUOUS + 120)]


async def test_what_even_five_seconds_do_not_tell_is_lost_and_marked(database: Database) -> None:
    minutes = closer(M1, BOTH, start=AMBIGUOUS)
    row, asked = await ambiguous(database, {M1: minutes, S5: closer(S5, BOTH, start=AMBIGUOUS)})
    assert (row["status"], row["ambiguous"], row["exit_price"]) == (Status.LOST, True, 1.2485)
    assert len(asked) == 2


async def test_without_finer_candles_it_is_lost_and_marked(database: Database) -> None:
    row, asked = await ambiguous(database, {M1: closer(M1, start=AMBIGUOUS)})
    assert (row["status"], row["ambiguous"]) == (Status.LOST, True)
    assert [granularity for granularity, _, _ in asked] == [M1]


async def doubtful(database: Database) -> tuple[int, Desk, MemoryMarket]:
    """A signal whose fourth candle touched both its levels, first the target as minutes tell."""
    signal_id = await strategy_signal(database)
    market = market_of(history(BOTH, after=3), moment=OPENED + 5 * M5 + 5)
    market.finer = {M1: closer(M1, TO_TARGET, TO_STOP, start=AMBIGUOUS)}
    return signal_id, desk_of(database, market, ("GBP_USD",)), market


async def test_finer_candles_that_cannot_be_had_at_present_are_awaited(database: Database) -> None:
    signal_id, desk, market = await doubtful(database)
    market.finer_failures = [MarketUnavailable("down"), RateLimited("slowly")]
    for _ in range(2):
        assert (await settled(desk))[signal_id].status is Status.PENDING
    market.finer_forming = True
    assert (await settled(desk))[signal_id].status is Status.PENDING, "its last minute is not complete"
    market.finer_forming = False
    assert (await settled(desk))[signal_id].status is Status.WON


async def test_the_scan_goes_on_while_finer_candles_are_awaited(database: Database) -> None:
    signal_id, desk, market = await doubtful(database)
    desk.strategy = replace(WILLING, minimum_candles=5, volatility_window=5)
    desk.evaluated, desk.evaluated_in = {"GBP_USD": AMBIGUOUS - M5}, market.name
    market.finer_failures = [MarketUnavailable("down")] * 2
    (result,) = await scan_market(desk)
    assert result.evaluated == 2
    assert (await row_of(database, signal_id))["status"] == Status.PENDING
    assert (await settled(desk, scanning=True))[signal_id].status is Status.WON


@pytest.mark.parametrize(
    ("failure", "late"), [(RequestRejected("no such granularity"), 0), (MarketUnavailable("down"), PATIENCE + M5)]
)
async def test_finer_candles_that_are_refused_or_gone_for_a_day_leave_it_lost(
    database: Database, failure: MarketError, late: int
) -> None:
    signal_id, desk, market = await doubtful(database)
    market.finer_failures = [failure]
    await desk.candles.refresh("GBP_USD")
    if late:
        desk.clock.time = EXPIRES + late  # type: ignore[attr-defined] - a HandClock
    await settled(desk)
    row = await row_of(database, signal_id)
    assert (row["status"], row["ambiguous"]) == (Status.LOST, True)


async def test_candles_that_wait_for_their_evaluation_are_settled_by_the_scan(database: Database) -> None:
    signal_id = await strategy_signal(database)
    desk = desk_at(database, OPENED + 5 * M5 + 5, history(TO_TARGET, after=3))
    desk.evaluated["GBP_USD"] = OPENED + 3 * M5
    assert (await settled(desk, scanning=True))[signal_id].status is Status.PENDING
    desk.evaluated["GBP_USD"] = OPENED + 4 * M5
    assert (await settled(desk, scanning=True))[signal_id].status is Status.WON


async def test_a_market_that_fails_settles_nothing_and_stops_nothing(database: Database) -> None:
    old = await strategy_signal(database)
    late = EXPIRES + 30 * 86_400
    candles = history(TO_TARGET, after=3, count=9_000)
    market = market_of(candles, moment=late)
    desk = desk_of(database, market, ("GBP_USD",))
    market.failures = [MarketUnavailable("down")]
    (found,) = await settle_signals(desk, own_only=True, scanning=False)
    assert (found.signal_id, found.status) == (old, Status.PENDING)
    (found,) = await settle_signals(desk, own_only=True, scanning=False)
    assert found.status is Status.WON, "candles of long ago are asked for where none are at hand"


async def test_an_end_without_any_candle_is_awaited_for_a_while_and_then_has_no_price(database: Database) -> None:
    signal_id = await strategy_signal(database)
    candles = history().until(OPENED)
    desk = desk_at(database, EXPIRES + GRACE, candles)
    assert (await settled(desk))[signal_id].status is Status.PENDING
    desk.clock.time = EXPIRES + GRACE + 1.0  # type: ignore[attr-defined] - a HandClock
    found = (await settled(desk))[signal_id]
    assert (found.status, found.exit_price) == (Status.EXPIRED, None)


async def test_a_failed_write_settles_none_and_the_next_time_settles_all(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ids = [await strategy_signal(database), await by_hand(database, source="sandbox", simulated=True)]
    desk = desk_at(database, OPENED + 5 * M5 + 5, history(TO_TARGET, after=3))
    settle = SignalRepository.settle

    async def failing(self: SignalRepository, signal_id: int, outcome: Outcome, at: float) -> bool:
        if signal_id == ids[1]:
            raise DatabaseBusy("no disk today")
        return await settle(self, signal_id, outcome, at)

    monkeypatch.setattr(SignalRepository, "settle", failing)
    with pytest.raises(DatabaseBusy):
        await settled(desk)
    assert [(await row_of(database, one))["status"] for one in ids] == [Status.PENDING] * 2
    monkeypatch.undo()
    await settled(desk)
    assert [(await row_of(database, one))["status"] for one in ids] == [Status.WON] * 2


async def test_a_signal_by_hand_is_followed_from_the_first_candle_that_began_after_it(database: Database) -> None:
    created = OPENED + 3 * M5 + 60  # within the candle that touches the target
    signal_id = await by_hand(database, source="sandbox", simulated=True, created_at=created)
    desk = desk_at(database, OPENED + 6 * M5 + 5, history(TO_TARGET, after=3))
    assert (await settled(desk))[signal_id].status is Status.PENDING, from_epoch(created)


async def test_a_signal_with_impossible_levels_is_open_for_its_lifetime_and_then_ends_without_a_price(
    database: Database,
) -> None:
    broken = await by_hand(database, source="sandbox", simulated=True, stop_loss=1.26)
    desk = desk_at(database, EXPIRES - 1.0, history(TO_TARGET, after=3))
    assert (await settled(desk))[broken].status is Status.PENDING
    desk.clock.time = EXPIRES + 0.0  # type: ignore[attr-defined] - a HandClock
    found = (await settled(desk))[broken]
    assert (found.status, found.exit_price) == (Status.EXPIRED, None)
    assert "cannot have its stop at 1.26" in found.reason
    row = await row_of(database, broken)
    assert (row["status"], row["exit_time"], row["r_multiple"]) == (Status.EXPIRED, EXPIRES, None)
    assert await settled(desk) == {}


async def test_another_markets_impossible_signal_is_left_to_that_market(database: Database) -> None:
    broken = await by_hand(database, source="oanda-live", stop_loss=1.26)
    desk = desk_at(database, EXPIRES + 5.0, history())
    assert await settled(desk) == {}
    assert (await settled(desk, own_only=False))[broken].status is Status.EXPIRED


@pytest.mark.parametrize(
    ("error", "moment", "status"),
    [
        (RequestRejected("no such instrument"), EXPIRES + PATIENCE, Status.PENDING),
        (RequestRejected("no such instrument"), EXPIRES + PATIENCE + 1, Status.EXPIRED),
        (MarketUnavailable("down"), EXPIRES + PATIENCE + 1, Status.PENDING),
    ],
)
async def test_candles_that_the_market_keeps_refusing_are_given_up_after_a_day_and_an_outage_never(
    database: Database, error: MarketError, moment: float, status: Status
) -> None:
    signal_id = await strategy_signal(database)
    market = market_of(history(count=9_000), moment=moment + 30 * 86_400)
    desk = desk_of(database, market, ("GBP_USD",))
    desk.clock.time = float(moment)  # type: ignore[attr-defined] - a HandClock
    market.failures = [error]
    (found,) = await settle_signals(desk, own_only=True, scanning=False)
    assert (found.signal_id, found.status, found.exit_price) == (signal_id, status, None)
