"""The candles of a backtest: whose, which, and what is said where they are missing."""

from pathlib import Path

import numpy as np
import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import Conflict, InvalidInput, NoData
from alphaforge.core.times import rfc3339
from alphaforge.signals.analysis import analyse
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from alphaforge.workflows.backtest_history import HistoryWriter, Loaded, is_simulated, source_of, warm_up_of
from alphaforge.workflows.candle_columns import CandleColumns
from builders import GBP_USD, USD_JPY, walk

SHORT = StrategySettings(minimum_candles=50, volatility_window=50, window=1_000)
SERIES = walk(GBP_USD, 3_000, seed=12)
MIDDLE = float(SERIES.time[2_000])


async def keep(database: Database, series: CandleSeries, source: str = "import") -> None:
    async with database.write("candles") as connection:
        await CandleRepository(connection, source).keep(series)


async def write(
    database: Database, folder: Path, start: float, end: float, settings: StrategySettings = SHORT
) -> tuple[Loaded, CandleSeries]:
    writer = HistoryWriter(database, "import", folder, settings, start, end, warm_up_of(settings))
    [loaded] = await writer.write(["GBP_USD"])
    return loaded, CandleColumns(folder, "GBP_USD").series()


def same(one: CandleSeries, other: CandleSeries) -> bool:
    return all(a.tobytes() == b.tobytes() for a, b in zip(one.columns(), other.columns(), strict=True))


async def test_the_period_comes_with_its_warm_up_and_to_the_last_bit(database: Database, tmp_path: Path) -> None:
    await keep(database, SERIES)
    end = float(SERIES.time[2_500])
    loaded, series = await write(database, tmp_path, MIDDLE, end)
    closes = SERIES.time + 300
    within = np.flatnonzero((closes > MIDDLE) & (closes <= end))
    assert (loaded.candles, loaded.before, loaded.late) == (len(within), 1_000, False)
    assert loaded.begins == closes[within[0]]
    assert same(series, SERIES.rows(within[0] - 1_000, within[-1] + 1))


async def test_a_period_of_many_pages_has_every_candle_once(
    database: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("alphaforge.workflows.backtest_history._PAGE", 50 * 300)
    await keep(database, SERIES)
    loaded, series = await write(database, tmp_path, 0, 4e9)
    assert (loaded.candles, loaded.before) == (3_000, 0)
    assert same(series, SERIES)


async def test_too_little_warm_up_says_from_when_on_it_is_evaluated(database: Database, tmp_path: Path) -> None:
    await keep(database, SERIES)
    loaded, series = await write(database, tmp_path, float(SERIES.time[0]), 4e9)
    analysis = analyse(series, SHORT)
    assert loaded.late
    assert loaded.begins == series.time[np.flatnonzero(analysis.warm)[0]] + 300
    assert rfc3339(loaded.begins) in loaded.in_words()


async def test_without_candles_it_says_how_to_get_them(database: Database, tmp_path: Path) -> None:
    await keep(database, SERIES)
    after = float(SERIES.time[-1]) + 300
    with pytest.raises(
        NoData, match=r"There are no candles of GBP_USD by import from .* there are some from 2025-01-06"
    ) as none:
        await write(database, tmp_path, after, after + 86_400)
    assert "alphaforge candles download GBP_USD --from 2025-01-" in none.value.advice
    assert 'POST /api/jobs {"kind": "download_candles", "instruments": ["GBP_USD"], "from"' in none.value.advice
    (tmp_path / "other").mkdir()
    with pytest.raises(NoData, match="a decision needs 1,000 closed candles on every timeframe"):
        await write(database, tmp_path / "other", MIDDLE, after, StrategySettings())


async def test_whose_candles_are_meant(database: Database) -> None:
    await keep(database, SERIES, "oanda-practice")
    async with database.read() as connection:
        assert await source_of(connection, ["GBP_USD"], None) == "oanda-practice"
        with pytest.raises(Conflict, match="no candles of USD_JPY"):
            await source_of(connection, ["GBP_USD", "USD_JPY"], None)
        with pytest.raises(Conflict, match="no candles of GBP_USD of sandbox; oanda-practice has some"):
            await source_of(connection, ["GBP_USD"], "sandbox")
    await keep(database, SERIES.last(10), "sandbox-7")
    await keep(database, walk(USD_JPY, 10, seed=1), "import")
    async with database.read() as connection:
        with pytest.raises(InvalidInput, match="candles of oanda-practice, sandbox-7"):
            await source_of(connection, ["GBP_USD"], None, "oanda-live")
        assert await source_of(connection, ["GBP_USD"], None, "sandbox-7") == "sandbox-7"
        assert await source_of(connection, ["GBP_USD"], "oanda-practice", "sandbox-7") == "oanda-practice"
        with pytest.raises(Conflict, match="No source has candles of all of them"):
            await source_of(connection, ["GBP_USD", "USD_JPY"], None)


def test_invented_candles_are_known_by_their_source() -> None:
    assert [is_simulated(one) for one in ("sandbox", "sandbox-7", "oanda-practice", "import")] == [
        True,
        True,
        False,
        False,
    ]
