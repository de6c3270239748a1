"""Candles in the database: bit for bit, per source, replaced one by one."""

import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, derived
from alphaforge.core.errors import InvalidInput, StorageError
from alphaforge.core.granularity import Granularity
from alphaforge.storage.candle_keeping import CandleKeeping
from alphaforge.storage.candles import CandleRepository, CandleStore, sources_of
from alphaforge.storage.engine import Database
from builders import GBP_USD, MONDAY, XAU_USD, bars, walk


def same(one: CandleSeries, other: CandleSeries) -> bool:
    """Bit for bit."""
    columns = zip(one.columns(), other.columns(), strict=True)
    return one.instrument == other.instrument and all(a.tobytes() == b.tobytes() for a, b in columns)


async def test_a_window_comes_back_bit_for_bit(database: Database) -> None:
    series = walk(GBP_USD, 3_000, seed=1)
    store = CandleStore(database, "sandbox")
    await CandleKeeping(database).keep("sandbox", series)
    assert same(await store.newest("GBP_USD", 13_000), series)
    assert same(await store.newest("GBP_USD", 100), series.last(100))
    assert not len(await store.newest("USD_JPY", 100))


async def test_more_candles_than_go_into_a_statement_are_kept_in_the_order_of_time(database: Database) -> None:
    series = walk(GBP_USD, 5_007, seed=4)
    async with database.write() as connection:
        repository = CandleRepository(connection, "sandbox")
        assert len(await repository.keep(series)) == 5_007
        assert len(await repository.keep(series)) == 0
        assert same(await repository.newest("GBP_USD", 13_000), series)


_prices = st.floats(min_value=5e-324, max_value=1.7e308, allow_nan=False, allow_infinity=False)


@given(st.lists(_prices, min_size=1, max_size=5), st.integers(0, 2**62))
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_every_double_comes_back_bit_for_bit(database: Database, prices: list[float], volume: int) -> None:
    series = bars([[price] * 4 for price in prices], volume=[volume] * len(prices))
    async with database.write() as connection:
        repository = CandleRepository(connection, "doubles")
        await repository.delete_source()
        assert len(await repository.keep(series)) == len(prices)
        assert same(await repository.newest("GBP_USD", 10), series)


async def test_sources_never_mix(database: Database) -> None:
    invented, real = walk(GBP_USD, 50, seed=1), walk(GBP_USD, 50, seed=2)
    await CandleKeeping(database).keep("sandbox", invented)
    await CandleKeeping(database).keep("oanda-live", real)
    assert same(await CandleStore(database, "sandbox").newest("GBP_USD", 99), invented)
    async with database.write() as connection:
        assert await sources_of(connection) == ["oanda-live", "sandbox"]
        assert await sources_of(connection, "XAU_USD") == []
        assert await CandleRepository(connection, "sandbox").delete_source() == 50
    assert same(await CandleStore(database, "oanda-live").newest("GBP_USD", 99), real)


async def test_a_revised_candle_replaces_its_own_and_no_other(database: Database) -> None:
    first = bars([[1.0, 1.2, 0.9, 1.1], [1.1, 1.3, 1.0, 1.2], [1.2, 1.3, 1.1, 1.2]])
    revised = bars([[1.1, 1.4, 1.0, 1.3], [1.2, 1.3, 1.1, 1.2], [1.2, 1.25, 1.2, 1.2]], start=MONDAY + 300)
    async with database.write() as connection:
        repository = CandleRepository(connection, "sandbox")
        assert len(await repository.keep(first)) == 3
        assert len(await repository.keep(first)) == 0
        assert len(await repository.keep(revised)) == 2  # one of the three is as it was
        stored = await repository.newest("GBP_USD", 10)
    assert same(stored.rows(0, 1), first.rows(0, 1))
    assert same(stored.rows(1), revised)


async def test_late_candles_find_their_place(database: Database) -> None:
    series = walk(GBP_USD, 30, seed=3)
    store = CandleStore(database, "sandbox")
    await CandleKeeping(database).keep("sandbox", series.rows(20))
    await CandleKeeping(database).keep("sandbox", series.rows(0, 21))
    assert same(await store.newest("GBP_USD", 30), series)


async def test_a_span_is_start_included_end_not(database: Database) -> None:
    series = bars([[1.0] * 4] * 5)
    await CandleKeeping(database).keep("sandbox", series)
    async with database.read() as connection:
        repository = CandleRepository(connection, "sandbox")
        inside = await repository.between("GBP_USD", MONDAY + 300, MONDAY + 900)
        assert inside.time.tolist() == [MONDAY + 300, MONDAY + 600]
        inside = await repository.between("GBP_USD", MONDAY + 300.5, MONDAY + 900.5)
        assert inside.time.tolist() == [MONDAY + 600, MONDAY + 900]
        until = await repository.newest("GBP_USD", 2, until=MONDAY + 600)
        assert until.time.tolist() == [MONDAY + 300, MONDAY + 600]
        assert await repository.span("GBP_USD") == (MONDAY, MONDAY + 1_200, 5)
        assert await repository.span("XAU_USD") is None


async def test_instruments_are_listed(database: Database) -> None:
    async with database.write() as connection:
        repository = CandleRepository(connection, "sandbox")
        for instrument in (XAU_USD, GBP_USD):
            await repository.keep(walk(instrument, 10, seed=1))
        assert await repository.instruments() == ["GBP_USD", "XAU_USD"]


async def test_only_m5_is_stored(database: Database) -> None:
    longer = derived(walk(GBP_USD, 30, seed=1), Granularity.M15)
    with pytest.raises(InvalidInput, match="M15"):
        await CandleKeeping(database).keep("sandbox", longer)


@pytest.mark.parametrize("stored", [b"short", struct.pack("<12dq", *[float("nan")] * 12, 1)], ids=["short", "nan"])
async def test_damaged_candles_are_an_error_not_a_price(database: Database, stored: bytes) -> None:
    insert = "INSERT INTO candles (source, instrument, time, packed) VALUES ('sandbox', 'GBP_USD', 0, {})"
    literal = f"x'{stored.hex()}'" if database.dialect == "sqlite" else f"'\\x{stored.hex()}'"
    async with database.write() as connection:
        await connection.exec_driver_sql(insert.format(literal))
    with pytest.raises((StorageError, InvalidInput)):
        await CandleStore(database, "sandbox").newest("GBP_USD", 10)


async def test_a_stored_series_can_be_written_to_by_nobody(database: Database) -> None:
    store = CandleStore(database, "sandbox")
    await CandleKeeping(database).keep("sandbox", bars([[1.0] * 4]))
    column: Any = (await store.newest("GBP_USD", 1)).bid.close
    with pytest.raises(ValueError, match="read-only"):
        column[0] = 2.0
    assert column.dtype == np.float64
