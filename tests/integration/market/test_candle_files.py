import io
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.market.candle_files import CsvCandles, ParquetCandles, read_candles
from alphaforge.market.quality import RawCandles, to_series

MONDAY = 1_751_846_400  # 2025-07-07T00:00:00Z
MID = "time,open,high,low,close,volume\n2025-07-07T00:00:00Z,1.1,1.3,1.0,1.2,7\n"


def series(prices: list[float]) -> CandleSeries:
    """Flat candles at these mids."""
    mid = np.tile(np.array(prices), (4, 1))
    columns = np.concatenate((mid, mid * 0.9999, mid * 1.0001))
    times = np.arange(len(prices), dtype=np.int64) * 300 + MONDAY
    return to_series(RawCandles(times, columns, np.arange(len(prices), dtype=np.int64)), "GBP_USD")


def same(one: CandleSeries, other: CandleSeries) -> bool:
    return all(np.array_equal(a, b) for a, b in zip(one.columns(), other.columns(), strict=True))


def written(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


@given(st.lists(st.floats(1e-4, 1e5), min_size=1, max_size=20))
def test_csv_reads_back_to_the_last_bit(prices: list[float]) -> None:
    text = io.StringIO()
    CsvCandles(text).write(series(prices))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Path, "is_file", lambda _self: True)
        patch.setattr(Path, "open", lambda _self, **_how: io.StringIO(text.getvalue()))
        assert same(to_series(read_candles(Path("x.csv")).raw(), "GBP_USD"), series(prices))


def test_parquet_reads_back_to_the_last_bit_however_many_pieces_were_written(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is an extra")
    whole = series([1.1, 1.2, 1 / 3])
    with ParquetCandles(tmp_path / "x.parquet") as file:
        file.write(whole.rows(0, 2))
        file.write(whole.rows(2))
    assert same(to_series(read_candles(tmp_path / "x.parquet").raw(), "GBP_USD"), whole)


def test_mid_prices_alone_need_a_word_about_the_spread(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", MID)
    with pytest.raises(InvalidInput, match="mid prices alone") as caught:
        read_candles(path).raw()
    assert "--spread" in caught.value.advice
    candles = to_series(read_candles(path).raw(0.2), "GBP_USD")
    assert candles.granularity is Granularity.M5
    assert (candles.bid.open[0], candles.mid.open[0], candles.ask.open[0]) == (1.0, 1.1, pytest.approx(1.2))
    assert candles.volume[0] == 7


def test_bid_and_ask_make_their_own_mid_and_need_no_volume(tmp_path: Path) -> None:
    names = ",".join(f"{side}_{part}" for side in ("bid", "ask") for part in "ohlc")
    candles = read_candles(written(tmp_path / "x.csv", f"Date,{names}\n{MONDAY},1,1,1,1,2,2,2,2\n"))
    assert candles.volume is None
    assert candles.raw().prices[:4, 0].tolist() == [1.5] * 4
    assert candles.raw().volume.tolist() == [0]


@pytest.mark.parametrize(
    "time",
    [str(MONDAY), str(MONDAY * 1000), "2025-07-07T00:00:00Z", "2025-07-07T02:00:00+02:00", "2025-07-07 00:00:00Z"],
)
def test_times_are_taken_as_rfc_3339_or_as_epochs(tmp_path: Path, time: str) -> None:
    path = written(tmp_path / "x.csv", MID.replace("2025-07-07T00:00:00Z", time))
    assert read_candles(path).time.tolist() == [MONDAY]


def test_a_naive_time_is_taken_only_where_it_is_said_to_be_utc(tmp_path: Path) -> None:
    path = written(tmp_path / "x.csv", MID.replace("T00:00:00Z", " 00:00:00"))
    with pytest.raises(InvalidInput) as caught:
        read_candles(path)
    assert "--utc" in caught.value.advice
    assert read_candles(path, naive_is_utc=True).time.tolist() == [MONDAY]


def test_a_naive_time_in_parquet_is_no_different(tmp_path: Path) -> None:
    pa = pytest.importorskip("pyarrow", reason="Parquet is an extra")
    pq = pytest.importorskip("pyarrow.parquet", reason="Parquet is an extra")
    stamps = pa.array(np.array([MONDAY], "datetime64[s]").astype("datetime64[us]"))
    prices = {part: [1.5] for part in ("open", "high", "low", "close")}
    pq.write_table(pa.table({"timestamp": stamps, **prices}), tmp_path / "x.parquet")
    with pytest.raises(InvalidInput, match="no time zone"):
        read_candles(tmp_path / "x.parquet")
    assert read_candles(tmp_path / "x.parquet", naive_is_utc=True).time.tolist() == [MONDAY]


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("open,high,low,close\n1,1,1,1\n", "no column of times"),
        ("time,volume\n1,1\n", "neither bid and ask nor mid"),
        ("time,open,high,low\n1,1,1,1\n", "has no column close"),
        ("time,open,high,low,close,bid_open\n1,1,1,1,1,1\n", "has no column bid_high, bid_low, bid_close"),
        ("time,bid_o,bid_h,bid_l,bid_c\n1,1,1,1,1\n", "has bid prices and no column ask_open"),
        ("time,open,high,low,close\n", "holds no candles"),
        ("", "holds no candles"),
        ("time,open,high,low,close\n1,1,1\n", "row 2 has another number of columns"),
        (
            "time,open,high,low,close\n1970-01-01T00:05:00Z,1,1,1,1\nyesterday,1,1,1,1\n",
            "row 3: 'yesterday' is not a time",
        ),
        ("time,open,high,low,close\nnan,1,1,1,1\n", "row 2: a time is missing"),
        ('time,open,high,low,close\n300,1,1,1,1\n600,"1,2",1,1,1\n', "row 3: '1,2' is no open"),
        ("time,open,high,low,close,volume\n300,1,1,1,1,nan\n", "row 2: a volume is missing"),
    ],
)
def test_a_file_that_cannot_be_meant_is_refused_in_words(tmp_path: Path, text: str, problem: str) -> None:
    with pytest.raises(InvalidInput, match=problem) as refused:
        read_candles(written(tmp_path / "x.csv", text))
    assert "x.csv" in refused.value.message


def test_a_file_that_is_not_there_is_said_to_be_missing(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput, match="is no file"):
        read_candles(tmp_path / "none.csv")


def test_a_file_that_is_no_parquet_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is an extra")
    with pytest.raises(InvalidInput, match=r"x\.parquet cannot be read as Parquet"):
        read_candles(written(tmp_path / "x.parquet", "no"))


def test_without_pyarrow_the_extra_is_named_and_csv_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(InvalidInput, match="need pyarrow") as refused:
        read_candles(written(tmp_path / "x.parquet", ""))
    assert "uv pip install pyarrow" in refused.value.advice
    assert len(read_candles(written(tmp_path / "x.csv", MID)).time) == 1
