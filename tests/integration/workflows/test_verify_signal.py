from typing import Any

import msgspec
import pytest

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.signals.model import Direction, Status
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.workflows.scan_market import scan_market
from alphaforge.workflows.verify_signal import Verification, verify_signal
from api_bench import SQLITE
from builders import GBP_USD, walk
from desks import WILLING, desk_of, market_of

M5 = 300
HISTORY = walk(GBP_USD, 13_300, seed=8)
ROW = 13_000
"""A candle on which the strategy, as it is, makes a signal; enough lie before it."""


@pytest.fixture
async def signal(database: Database) -> int:
    """A signal of the strategy with its usual settings, and thirteen thousand candles behind it."""
    market = market_of(HISTORY, moment=int(HISTORY.time[ROW]) + M5 + 5.0)
    (result,) = await scan_market(desk_of(database, market, ("GBP_USD",), DEFAULT_SETTINGS))
    assert result.signal_id, result.reason
    return result.signal_id


async def tamper(database: Database, column: int, row: int, change: float) -> None:
    """Add to one number of a stored candle that the signal saw."""
    columns = [column.copy() for column in HISTORY.rows(row, row + 1).columns()]
    columns[column] = columns[column] + change
    await keep(database, series_from_columns("GBP_USD", HISTORY.granularity, columns))


async def keep(database: Database, series: CandleSeries) -> None:
    async with database.write("candles") as connection:
        assert await CandleRepository(connection, "sandbox").keep(series)


async def change(database: Database, signal: int, **columns: Any) -> None:
    async with database.write() as connection:
        await SignalRepository(connection).update_many([{"id": signal} | columns])


async def test_an_untouched_signal_is_the_same_now_and_after_later_candles(database: Database, signal: int) -> None:
    first = await verify_signal(database, signal)
    assert first == Verification(first.stored, ())
    assert first.stored.is_signal
    await keep(database, HISTORY.rows(ROW + 1))
    assert (await verify_signal(database, signal)).same
    async with database.write() as connection:
        await SignalRepository(connection).set_status(signal, Status.CLOSED, exit_price=1.2, at=HISTORY.end)
    assert (await verify_signal(database, signal)).same, "its end does not change how it began"


@SQLITE
@pytest.mark.parametrize(("column", "digits"), [(13, 1.0), (2, 0.00001), (11, 0.0000000001)])
@pytest.mark.parametrize("row", [ROW, ROW - 1_000, ROW + 1 - 13_000], ids=["newest", "middle", "oldest"])
async def test_a_candle_changed_anywhere_in_the_window_is_found(
    database: Database, signal: int, row: int, column: int, digits: float
) -> None:
    await tamper(database, column, row, -digits if column == 11 else digits)
    found = await verify_signal(database, signal)
    assert not found.same
    assert "candle_hash" in found.differences


@SQLITE
async def test_a_candle_before_the_window_is_none_of_its_business(database: Database, signal: int) -> None:
    await tamper(database, 13, ROW - 13_000, 1.0)
    assert (await verify_signal(database, signal)).same


@SQLITE
async def test_missing_candles_are_said_to_be_missing(database: Database, signal: int) -> None:
    async with database.write() as connection:
        await CandleRepository(connection, "sandbox").delete_source()
    (difference,) = (await verify_signal(database, signal)).differences
    assert difference == "candles: 0 of the 13000 that it saw are stored"


@pytest.mark.parametrize(
    ("column", "value"), [("entry", 1.2), ("stop_loss", 1.1), ("tp1", 1.5), ("direction", "SELL")], ids=str
)
@SQLITE
async def test_a_level_changed_afterwards_is_found(database: Database, signal: int, column: str, value: Any) -> None:
    await change(database, signal, **{column: value})
    (difference,) = (await verify_signal(database, signal)).differences
    assert difference.startswith(f"{column}: {value} is shown, ")


@SQLITE
@pytest.mark.parametrize("field", ["confidence", "risk_fraction", "atr", "settings_hash"])
async def test_a_changed_receipt_is_found(database: Database, signal: int, field: str) -> None:
    async with database.write() as connection:
        plain = await SignalRepository(connection).decision_of(signal)
        assert plain
        plain[field] = "0" * 16 if field == "settings_hash" else plain[field] * 1.5
        text = msgspec.json.encode(plain).decode().replace("'", "''")
        await connection.exec_driver_sql(f"UPDATE trading_signals SET decision = '{text}' WHERE id = {signal}")  # noqa: S608 - our own text
    found = await verify_signal(database, signal)
    assert any(difference.startswith(field) for difference in found.differences)


@SQLITE
async def test_only_the_strategys_signals_can_be_computed_again(database: Database) -> None:
    with pytest.raises(NotFound, match="no signal 1"):
        await verify_signal(database, 1)
    new = NewSignal("GBP_USD", Direction.BUY, 1.25, 1.24, 1.27, float(HISTORY.end))
    async with database.write() as connection:
        by_hand = await SignalRepository(connection).create(new)
    with pytest.raises(InvalidInput, match="not made by the strategy"):
        await verify_signal(database, by_hand)


@SQLITE
async def test_a_signal_of_other_settings_is_said_to_be_one(database: Database) -> None:
    market = market_of(HISTORY, moment=int(HISTORY.time[ROW]) + M5 + 5.0)
    (result,) = await scan_market(desk_of(database, market, ("GBP_USD",), WILLING))
    assert result.signal_id
    (difference,) = (await verify_signal(database, result.signal_id)).differences
    assert difference.startswith("settings_hash")
