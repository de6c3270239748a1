import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.bars import Bars
from alphaforge.market.sandbox.text import candle_text, price_text, time_text


@st.composite
def written(draw: st.DrawFn) -> tuple[Bars, np.ndarray, int]:
    count = draw(st.integers(1, 5))
    numbers = st.integers(0, 2**31 - 1) | st.integers(0, 200_000)
    prices = draw(st.lists(numbers, min_size=12 * count, max_size=12 * count))
    volume = draw(st.lists(st.integers(1, 10**6), min_size=count, max_size=count))
    times = sorted(draw(st.lists(st.integers(0, 4 * 10**9), min_size=count, max_size=count)))
    complete = draw(st.lists(st.booleans(), min_size=count, max_size=count))
    bars = Bars(np.array(times), np.array(prices, np.int32).reshape(12, count), np.array(volume, np.int32))
    return bars, np.array(complete), draw(st.integers(0, 6))


@settings(deadline=None, max_examples=50)
@given(case=written(), prices=st.sampled_from(["M", "BA", "MBA"]), unix=st.booleans())
def test_few_candles_are_written_to_the_letter_like_many(
    case: tuple[Bars, np.ndarray, int], prices: str, *, unix: bool
) -> None:
    bars, complete, precision = case
    many = Bars(np.tile(bars.time, 11), np.tile(bars.prices, 11), np.tile(bars.volume, 11))
    few, long = (
        b"".join(candle_text(those, closed, prices, precision, unix=unix))
        for those, closed in ((bars, complete), (many, np.tile(complete, 11)))
    )
    assert long == b"[" + b",".join([few[1:-1]] * 11) + b"]"


@settings(deadline=None, max_examples=50)
@given(case=written(), prices=st.sampled_from(["M", "B", "A", "MB", "AM", "BA", "MBA"]), unix=st.booleans())
def test_candles_are_written_digit_by_digit_as_they_are(
    case: tuple[Bars, np.ndarray, int], prices: str, *, unix: bool
) -> None:
    bars, complete, precision = case
    rows = json.loads(b"".join(candle_text(bars, complete, prices, precision, unix=unix)))

    for row, candle in enumerate(rows):
        assert set(candle) == {"complete", "volume", "time"} | {{"M": "mid", "B": "bid", "A": "ask"}[p] for p in prices}
        assert candle["complete"] is bool(complete[row])
        assert candle["volume"] == bars.volume[row]
        assert candle["time"] == time_text(float(bars.time[row]), unix=unix)
        for side, first in (("mid", 0), ("bid", 4), ("ask", 8)):
            for corner, name in enumerate("ohlc"):
                if side in candle:
                    assert candle[side][name] == price_text(int(bars.prices[first + corner, row]), precision)


def test_long_pages_have_every_candle_once_and_in_order() -> None:
    count = 2_345
    bars = Bars(
        300 * np.arange(count),
        np.arange(12 * count, dtype=np.int32).reshape(12, count),
        np.arange(1, count + 1, dtype=np.int32),
    )
    rows = json.loads(b"".join(candle_text(bars, np.ones(count, bool), "MBA", 3, unix=True)))

    assert [row["volume"] for row in rows] == list(range(1, count + 1))


def test_no_candles_are_an_empty_list() -> None:
    none = Bars(np.zeros(0, np.int64), np.zeros((12, 0), np.int32), np.zeros(0, np.int32))

    assert b"".join(candle_text(none, np.zeros(0, bool), "M", 5, unix=False)) == b"[]"


@pytest.mark.parametrize(
    ("points", "precision", "text"), [(131_000, 5, "1.31000"), (7, 3, "0.007"), (41_000, 0, "41000"), (123, 1, "12.3")]
)
def test_a_price_has_all_its_decimals(points: int, precision: int, text: str) -> None:
    assert price_text(points, precision) == text


@settings(deadline=None)
@given(st.integers(0, 4 * 10**15))
def test_times_are_written_with_nine_decimals_and_read_back(micros: int) -> None:
    text = time_text(micros / 1e6, unix=False)

    assert text.endswith("000Z")
    assert len(text) == len("2025-07-07T06:00:00.000000000Z")
    assert parse_rfc3339(text) == pytest.approx(float(time_text(micros / 1e6, unix=True)), abs=2e-6)
