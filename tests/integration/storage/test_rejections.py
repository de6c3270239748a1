"""Rejections in the database, SQLite and PostgreSQL alike."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput
from alphaforge.signals.explain import decision_from_dict
from alphaforge.signals.model import Decision, FilterName
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from builders import MONDAY, decision


def refused(number: int = 0, **changes: Any) -> Decision:
    values: dict[str, Any] = {
        "reason": FilterName.TREND,
        "candle_time": MONDAY + 300 * number,
        "as_of": MONDAY + 300.0 * (number + 1),
    }
    made = decision(**(values | changes))
    filters = tuple(
        replace(one, passed=one.name is not FilterName.TREND, measured=18.2, threshold=25.0) for one in made.filters
    )
    return replace(made, filters=filters)


async def add(database: Database, *decisions: Decision, source: str = "sandbox") -> None:
    async with database.write() as connection:
        for one in decisions:
            assert await RejectionRepository(connection).add(one, source=source, simulated=source == "sandbox")


async def test_a_rejection_says_what_was_seen_and_what_refused_it(database: Database) -> None:
    await add(database, refused(adx=18.2))
    async with database.read() as connection:
        (row,) = await RejectionRepository(connection).of_day(MONDAY, MONDAY + 86_400)
    assert row == {
        "id": 1,
        "strategy": "voting-v3",
        "source": "sandbox",
        "simulated": True,
        "instrument": "GBP_USD",
        "candle_time": MONDAY,
        "decided_at": MONDAY + 300.0,
        "timestamp": MONDAY + 300.0,
        "date": "2025-01-06",
        "hour": 0,
        "regime": "trending_up_low_volatility",
        "reason": "trend",
        "strength": 41.666666666666664,
        "agreement": 1.0,
        "buy_votes": 2.5,
        "sell_votes": 0.0,
        "confidence": 41.666666666666664,
        "atr_pct": pytest.approx(0.1 / 1.24995),
        "adx": 18.2,
        "volatility_ok": True,
        "strength_ok": True,
        "adx_ok": False,
        "last_price": 1.24995,
        "suggested_direction": "BUY",
        "proposed_entry": 1.25,
        "proposed_stop_loss": 1.2485,
        "proposed_take_profit": 1.253,
    }


async def test_a_rejection_without_a_direction_proposes_nothing(database: Database) -> None:
    await add(database, refused(direction=None, levels=None, atr=None, adx=None))
    async with database.read() as connection:
        (row,) = await RejectionRepository(connection).newest("GBP_USD", 5)
    assert [row[name] for name in ("suggested_direction", "proposed_entry", "atr_pct", "adx")] == [None] * 4


async def test_a_day_is_oldest_first_and_ends_at_midnight(database: Database) -> None:
    await add(database, *(refused(n) for n in (286, 3, 287, 288)))
    async with database.read() as connection:
        rows = await RejectionRepository(connection).of_day(MONDAY, MONDAY + 86_400)
    assert [row["candle_time"] for row in rows] == [MONDAY + 900, MONDAY + 300 * 286]
    assert rows[-1]["hour"] == 23


async def test_the_newest_come_first_of_one_instrument_or_all(database: Database) -> None:
    await add(database, refused(1), refused(2), refused(3, instrument="XAU_USD"))
    async with database.read() as connection:
        repository = RejectionRepository(connection)
        everything = await repository.newest(None, 2)
        pounds = await repository.newest("GBP_USD", 1)
    assert [row["instrument"] for row in everything] == ["XAU_USD", "GBP_USD"]
    assert [row["candle_time"] for row in pounds] == [MONDAY + 600]


async def test_forgotten_rejections_are_not_evaluated_again(database: Database) -> None:
    await add(database, refused(0), refused(1))
    async with database.write() as connection:
        repository = RejectionRepository(connection)
        assert await repository.prune(MONDAY + 600, source="sandbox", at_most=10) == 1
        assert not await repository.add(refused(0), source="sandbox", simulated=True)
        assert await repository.last_evaluated("sandbox", ("GBP_USD", "USD_JPY")) == {"GBP_USD": MONDAY + 300}


async def test_the_oldest_rejections_of_one_market_are_forgotten_some_at_a_time(database: Database) -> None:
    await add(database, *[refused(number) for number in (3, 1, 2, 0)])
    await add(database, refused(0), source="oanda-live")
    async with database.write() as connection:
        repository = RejectionRepository(connection)
        assert await repository.prune(MONDAY + 1_200, source="sandbox", at_most=2) == 2
        kept = [(row["source"], row["candle_time"]) for row in await repository.newest(None, 10)]
        assert kept == [("sandbox", MONDAY + 900), ("sandbox", MONDAY + 600), ("oanda-live", MONDAY)]
        assert await repository.prune(MONDAY + 1_200, source="sandbox", at_most=2) == 1, "one is not older"


async def test_a_signal_is_no_rejection(database: Database) -> None:
    async with database.write() as connection:
        with pytest.raises(InvalidInput, match="passed every filter"):
            await RejectionRepository(connection).add(decision(), source="sandbox", simulated=True)


_number = st.floats(allow_nan=False, allow_infinity=False)


@given(_number, _number, st.none() | _number, st.floats(min_value=1e-300, max_value=1e300))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_floats_of_a_decision_come_back_bit_for_bit(
    database: Database, strength: float, confidence: float, adx: float | None, close: float
) -> None:
    made = refused(strength=strength, confidence=confidence, adx=adx, close=close, atr=None)
    async with database.write() as connection:
        repository = RejectionRepository(connection)
        await connection.exec_driver_sql("DELETE FROM evaluations")
        await connection.exec_driver_sql("DELETE FROM rejections")
        assert await repository.add(made, source="sandbox", simulated=True)
        (row,) = await repository.newest(None, 1)
    assert decision_from_dict(row["decision"]) == made
    assert (row["confidence"], row["adx"], row["last_price"]) == (confidence, adx, close)
