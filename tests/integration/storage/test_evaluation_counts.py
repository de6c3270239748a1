"""Evaluations counted: the same as a count of every row, whenever it is asked."""

from contextlib import AsyncExitStack
from typing import Any

import pytest

from alphaforge.signals.model import Decision, Direction, FilterName, Regime
from alphaforge.storage.engine import Database
from alphaforge.storage.evaluation_counts import EvaluationTally
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import NewSignal, SignalRepository
from builders import MONDAY, decision
from doors import heard

TREND, RANGE = "trending_up_low_volatility", "ranging_high_volatility"


def at(number: int, **changes: Any) -> Decision:
    """A decision on the candle of this number, made at its close."""
    return decision(candle_time=MONDAY + 300 * number, as_of=MONDAY + 300.0 * (number + 1), **changes)


async def store(database: Database, *decisions: Decision) -> None:
    async with database.write("trading_signals", "rejections") as connection:
        for one in decisions:
            if one.reason is None:
                repository = SignalRepository(connection)
                await repository.add(one, symbol="GBP/USD", source="s", simulated=True, expires_at=MONDAY + 99_999)
            else:
                await RejectionRepository(connection).add(one, source="s", simulated=True)


@pytest.fixture
async def tally(database: Database) -> EvaluationTally:
    await store(
        database,
        at(0, reason=FilterName.TREND),
        at(10, reason=FilterName.TREND),
        at(11, reason=FilterName.REGIME, regime=Regime.RANGING_HIGH),
        at(12, regime=Regime.RANGING_HIGH),
        at(13),
    )
    return EvaluationTally(database)


async def test_signals_reasons_and_regimes_are_counted_since_a_moment(tally: EvaluationTally) -> None:
    counts = await tally.since(MONDAY + 1_000)
    assert counts.signals == 2
    assert counts.reasons == {"trend": 1, "regime": 1}
    assert counts.regimes == {TREND: 2, RANGE: 2}


async def test_signals_by_hand_are_no_evaluations(tally: EvaluationTally, database: Database) -> None:
    async with database.write() as connection:
        await SignalRepository(connection).create(
            NewSignal(
                instrument="GBP_USD", direction=Direction.BUY, entry=1.2, stop_loss=1.1, tp1=1.3, created_at=MONDAY + 50
            )
        )
    assert (await tally.since(MONDAY)).signals == 2


async def test_an_evaluation_that_falls_out_of_the_window_is_counted_no_longer(tally: EvaluationTally) -> None:
    assert (await tally.since(MONDAY)).reasons["trend"] == 2
    assert (await tally.since(MONDAY + 300.0)).reasons["trend"] == 2  # decided at this very moment
    assert (await tally.since(MONDAY + 300.5)).reasons["trend"] == 1
    assert (await tally.since(MONDAY + 3_900.5)).signals == 1
    assert (await tally.since(MONDAY + 9_000)).regimes == {}


async def test_a_clock_set_back_counts_more_again(tally: EvaluationTally) -> None:
    assert (await tally.since(MONDAY + 1_000)).reasons["trend"] == 1
    assert (await tally.since(MONDAY)).reasons["trend"] == 2


async def test_what_was_just_stored_is_counted(tally: EvaluationTally, database: Database) -> None:
    await tally.since(MONDAY)
    await store(database, at(14))
    assert (await tally.since(MONDAY)).signals == 3
    await store(database, at(15, reason=FilterName.VOLATILITY))
    assert (await tally.since(MONDAY)).reasons["volatility"] == 1


async def test_nothing_is_counted_anew_where_nothing_changed(tally: EvaluationTally, database: Database) -> None:
    await heard(database)
    first = await tally.since(MONDAY)
    async with database.write("candles"):
        pass  # another noun
    assert await tally.since(MONDAY + 10) is first


async def test_what_another_process_stored_is_counted(postgres_database: str) -> None:
    async with AsyncExitStack() as stack:
        here, elsewhere = [await Database.open(postgres_database) for _ in range(2)]
        for database in (here, elsewhere):
            stack.push_async_callback(database.close)
        tally = EvaluationTally(here)
        await heard(here)
        assert (await tally.since(MONDAY)).signals == 0
        await store(elsewhere, at(14))
        here.freshness._certain_until = 0.0  # type: ignore[attr-defined]  # as if it had been asked a while ago
        assert (await tally.since(MONDAY)).signals == 1


async def test_while_announcements_are_lost_everything_is_counted(postgres_database: str) -> None:
    database = await Database.open(postgres_database)
    tally = EvaluationTally(database)
    database.freshness = Unheard()
    first = await tally.since(MONDAY)
    assert await tally.since(MONDAY) is not first
    await database.close()


class Unheard:
    """What has been committed elsewhere is not known."""

    def is_certain(self) -> bool:
        return False

    async def ascertain(self) -> bool:
        return False
