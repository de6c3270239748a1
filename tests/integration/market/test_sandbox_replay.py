import asyncio
import csv
import os
from collections.abc import Sequence
from pathlib import Path

import httpx2
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from alphaforge.core.errors import InvalidCandle, InvalidInput, InvalidSetting
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.market.sandbox.bars import bars_of, gathered
from alphaforge.market.sandbox.buckets import Buckets
from alphaforge.market.sandbox.candle_files import candle_files, read_bars
from alphaforge.market.sandbox.listings import listing_of
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.queries import candle_query
from alphaforge.market.sandbox.replay import ReplayMarket
from alphaforge.market.sandbox.run import SandboxOptions, market_of, run_sandbox
from alphaforge.market.sandbox.server import RunningSandbox
from alphaforge.market.sandbox.windows import candles_for
from sandbox_servers import CANDLES, client_of

START = int(parse_rfc3339("2025-06-02T06:00:00Z"))
HEAD = ["timestamp", "open", "high", "low", "close", "volume"]
ROWS = [
    [1.35, 1.352, 1.349, 1.351, 40],
    [1.351, 1.3515, 1.346, 1.347, 25],
    [1.347, 1.347, 1.347, 1.347, 1],
    [1.3472, 1.348, 1.3472, 1.348, 2],
]


def write(path: Path, rows: Sequence[Sequence[object]] = ROWS, head: Sequence[str] = HEAD, step: int = 300) -> Path:
    with path.open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(head)
        for number, row in enumerate(rows):
            writer.writerow([rfc3339(START + step * number), *row])
    return path


def replay(path: Path, now: float = START + 1200.0) -> ReplayMarket:
    return ReplayMarket([write(path / "GBP_USD_M5.csv")], now - 1e-3, 0.0)


def test_the_files_candles_are_served_as_they_are(tmp_path: Path) -> None:
    served = replay(tmp_path).minutes5("GBP_USD", START, START + 1200)

    assert served.time.tolist() == [START, START + 300, START + 600, START + 900]
    assert (served.prices[:4].T / 1e5).tolist() == [row[:4] for row in ROWS]
    assert served.volume.tolist() == [row[4] for row in ROWS]


def test_bid_and_ask_lie_around_mid_by_a_spread_that_widens_with_the_range(tmp_path: Path) -> None:
    bars = replay(tmp_path).minutes5("GBP_USD", START, START + 1200)
    spread = bars.prices[8:12] - bars.prices[4:8]

    assert (bars.prices[4:8] <= bars.prices[:4]).all()
    assert (bars.prices[:4] < bars.prices[8:12]).all()
    assert spread[0].tolist() == spread[3].tolist()
    assert spread[0, 1] > spread[0, 0] > spread[0, 2] > 0


def test_parquet_and_csv_give_the_same_candles(tmp_path: Path) -> None:
    text = write(tmp_path / "GBP_USD_M5.csv")
    columns = {name: [row[at] for row in ROWS] for at, name in enumerate(HEAD[1:])}
    times = pa.array(np.array([START + 300 * n for n in range(4)], "datetime64[s]").astype("datetime64[ns]"))
    for kind in (times, times.cast(pa.timestamp("us", "UTC"))):
        parquet.write_table(pa.table({"timestamp": kind, **columns}), tmp_path / "GBP_USD_M5.parquet")
        packed = read_bars(tmp_path / "GBP_USD_M5.parquet", listing_of("GBP_USD"))
        plain = read_bars(text, listing_of("GBP_USD"))
        assert packed.time.tolist() == plain.time.tolist()
        assert packed.prices.tolist() == plain.prices.tolist()
        assert packed.volume.tolist() == plain.volume.tolist()


def test_bid_and_ask_columns_are_taken_where_there_are_any(tmp_path: Path) -> None:
    corners = ["open", "high", "low", "close"]
    head = [*HEAD, *(f"{side}_{corner}" for side in ("bid", "ask") for corner in corners)]
    row = [*ROWS[0], 1.3499, 1.3519, 1.3488, 1.3509, 1.3501, 1.3521, 1.3493, 1.3511]
    bars = read_bars(write(tmp_path / "GBP_USD_M5.csv", [row], head), listing_of("GBP_USD"))

    assert (bars.prices[4:, 0] / 1e5).tolist() == row[5:]


@pytest.mark.parametrize(
    ("head", "rows", "message"),
    [
        (HEAD[:-1], [row[:-1] for row in ROWS], "has no column volume"),
        ([*HEAD, "bid_open"], [[*row, 1.3] for row in ROWS], "has no column bid_high"),
        (HEAD, [[1.35, 1.34, 1.349, 1.351, 4]], "2025-06-02T06:00:00Z has an impossible mid price"),
        (HEAD, [[1.35, "nan", 1.349, 1.351, 4]], "impossible mid price"),
        (HEAD, [[1.35, 1.352, 1.349, 1.351, -4]], "negative volume"),
        (HEAD, [[1.35, 1.352, 1.349, 1.351, "nan"]], "a volume is missing"),
        (HEAD, [ROWS[0], [1.35, "high", 1.349, 1.351, 4]], "row 3: 'high' is no high"),
    ],
)
def test_a_bad_file_is_refused_with_what_is_wrong(
    tmp_path: Path, head: list[str], rows: list[list[object]], message: str
) -> None:
    with pytest.raises(InvalidInput, match=message) as refused:
        read_bars(write(tmp_path / "GBP_USD_M5.csv", rows, head), listing_of("GBP_USD"))
    assert "GBP_USD_M5.csv" in refused.value.message


@pytest.mark.parametrize(("step", "message"), [(-300, "out of order"), (0, "out of order"), (200, "its bucket")])
def test_candles_out_of_order_or_beside_their_buckets_are_refused(tmp_path: Path, step: int, message: str) -> None:
    with pytest.raises(InvalidCandle, match=message):
        read_bars(write(tmp_path / "GBP_USD_M5.csv", step=step), listing_of("GBP_USD"))


def test_a_bid_above_its_ask_is_refused(tmp_path: Path) -> None:
    corners = ["open", "high", "low", "close"]
    head = [*HEAD, *(f"{side}_{corner}" for side in ("bid", "ask") for corner in corners)]
    row = [*ROWS[0], 1.3499, 1.3522, 1.3488, 1.3509, 1.3501, 1.3521, 1.3493, 1.3511]
    with pytest.raises(InvalidCandle, match="bid above its ask"):
        read_bars(write(tmp_path / "GBP_USD_M5.csv", [row], head), listing_of("GBP_USD"))


def test_a_time_without_an_offset_is_utc(tmp_path: Path) -> None:
    path = write(tmp_path / "GBP_USD_M5.csv")
    path.write_text(path.read_text().replace("Z,", ","))
    assert read_bars(path, listing_of("GBP_USD")).time[0] == START


def test_a_folder_without_files_or_with_two_of_one_instrument_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidSetting, match="no candle files"):
        candle_files(tmp_path)
    write(tmp_path / "GBP_USD_M5.csv")
    assert [path.name for path in candle_files(tmp_path)] == ["GBP_USD_M5.csv"]
    for name in ("EUR_USD.csv", "AUD_USD_M15.csv", "notes.csv"):
        (tmp_path / name).touch()
    assert [path.name for path in candle_files(tmp_path)] == ["EUR_USD.csv", "GBP_USD_M5.csv"]
    (tmp_path / "GBP_USD.parquet").touch()
    with pytest.raises(InvalidSetting, match="same instrument"):
        candle_files(tmp_path)


@pytest.mark.parametrize("start", [START - 1.0, START + 1200.0])
def test_a_start_that_no_file_covers_is_refused(tmp_path: Path, start: float) -> None:
    with pytest.raises(InvalidSetting) as refused:
        ReplayMarket([write(tmp_path / "GBP_USD_M5.csv")], start)
    assert "2025-06-02T06:00:00Z to 2025-06-02T06:20:00Z" in refused.value.advice


def test_what_is_after_the_start_is_not_yet_known(tmp_path: Path) -> None:
    market = replay(tmp_path, START + 450.0)
    now = market.clock.now()
    served = candles_for(market, "GBP_USD", candle_query({"granularity": "M5"}, now), now)
    ticks = market.ticks("GBP_USD", START + 300, now)

    assert served.time.tolist() == [START, START + 300]
    assert served.volume.tolist() == [40, len(ticks)]
    assert served.prices[3, 1] == ticks.prices[0, -1]
    assert served.prices[2, 1] >= 134_600


candle_rows = st.tuples(
    st.integers(100_000, 101_000),
    st.integers(100_000, 101_000),
    st.integers(0, 90),
    st.integers(0, 90),
    st.integers(0, 400),
)


@given(candle_rows)
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_finer_candles_and_ticks_add_up_to_the_files_candle(
    tmp_path: Path, shape: tuple[int, int, int, int, int]
) -> None:
    opens, closes, up, down, volume = shape
    row = [opens, max(opens, closes) + up, min(opens, closes) - down, closes]
    path = write(tmp_path / "GBP_USD_M5.csv", [[*(price / 1e5 for price in row), volume]])
    market = ReplayMarket([path], START, 0.0)
    whole = market.minutes5("GBP_USD", START, START + 300)
    fine = market.seconds5("GBP_USD", START, START + 300)
    ticks = market.ticks("GBP_USD", START, START + 300)

    assert gathered(fine, fine.time * 0 + START).prices.tolist() == whole.prices.tolist()
    assert bars_of(ticks, 300).prices.tolist() == whole.prices.tolist()
    assert len(ticks) == fine.volume.sum() == max(volume, len(ticks) if len(ticks) <= 4 else 0)
    assert (ticks.prices[1] < ticks.prices[2]).all()


def test_the_path_within_a_candle_can_be_read_from_its_middle(tmp_path: Path) -> None:
    market = replay(tmp_path)
    whole, rest = (market.seconds5("GBP_USD", start, START + 600) for start in (START, START + 150))

    assert len(rest) > 0
    assert rest.time.tolist() == [time for time in whole.time.tolist() if time >= START + 150]


def test_a_quote_after_the_last_candle_is_its_close(tmp_path: Path) -> None:
    quote = replay(tmp_path).quote("GBP_USD", START + 5000.0)

    assert quote.prices[0, 0] == 134_800


async def test_a_replay_runs_at_its_speed_and_is_served(tmp_path: Path) -> None:
    write(tmp_path / "GBP_USD_M5.csv")
    options = SandboxOptions(port=0, replay=tmp_path, start=START + 600.0, speed=900.0)
    ready: asyncio.Future[RunningSandbox] = asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(run_sandbox(options, ready=ready.set_result))
    running = await asyncio.wait_for(ready, 10)
    async with client_of(running) as client:
        first = await client.get(CANDLES, params={"granularity": "M5"})
        running.market.clock.advance_to(START + 1200.0)
        second = await client.get(CANDLES, params={"granularity": "M5"})
        serving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await serving
        with pytest.raises(httpx2.ConnectError):
            await client.get(CANDLES)

    assert first.headers["Sandbox-Speed"] == "900.0"
    assert len(first.json()["candles"]) < len(second.json()["candles"]) == 4


def test_the_options_describe_the_market(tmp_path: Path) -> None:
    write(tmp_path / "GBP_USD_M5.csv")
    simulated = market_of(SandboxOptions(seed=9, instruments=("gold", "DKK_SEK"), start=START, speed=0.0))
    assert isinstance(simulated, SimulatedMarket)
    assert (simulated.seed, simulated.clock.now()) == (9, START)
    assert list(simulated.listings)[:2] == ["XAU_USD", "DKK_SEK"]
    assert {"EUR_USD", "GBP_JPY", "SPX500_USD"} < set(simulated.listings), "as any account has them"
    assert list(market_of(SandboxOptions(replay=tmp_path, start=START)).listings) == ["GBP_USD"]
    with pytest.raises(InvalidSetting, match="no prices at 1999-12-31") as refused:
        market_of(SandboxOptions(start=946_684_799.0))
    assert "2000-01-03" in refused.value.advice
    with pytest.raises(InvalidSetting, match="start from") as refused:
        market_of(SandboxOptions(replay=tmp_path))
    assert "--from" in refused.value.advice


def test_real_candles_are_replayed(request: pytest.FixtureRequest) -> None:
    folder = Path(os.environ.get("ALPHAFORGE_REAL_CANDLES", request.config.rootpath.parent / "shared" / "candles"))
    if not folder.is_dir():
        pytest.skip("no real candles at hand: set ALPHAFORGE_REAL_CANDLES to their folder")
    market = ReplayMarket(candle_files(folder), parse_rfc3339("2025-06-02T06:02:30Z"), 0.0)
    now = market.clock.now()
    for name, listing in market.listings.items():
        query = candle_query({"granularity": "M5", "count": "5000"}, now)
        served = candles_for(market, name, query, now)
        hours = candles_for(market, name, candle_query({"granularity": "H1", "count": "50"}, now), now)
        assert (len(served), served.time[-1]) == (5000, now // 300 * 300)
        assert hours.prices[1, :-1].tolist() == [
            served.prices[1, served.time // 3600 * 3600 == hour].max() for hour in hours.time[:-1]
        ]
        spread = (served.prices[11] - served.prices[7]) / listing.spread_points
        assert 0.8 < np.median(spread) < 2
    assert Buckets("M5").floor(now) == START
