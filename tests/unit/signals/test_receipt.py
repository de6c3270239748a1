import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, empty_series, joined, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.signals.analysis import Analysis
from alphaforge.signals.receipt import Receipts, candle_hash, candles_hashed
from builders import GBP_USD, MONDAY, bars, walk

SERIES = walk(GBP_USD, 1_500, seed=21)


def test_the_receipt_of_a_known_candle_never_changes() -> None:
    """Where this fails, stored signals can no longer be verified: the receipt's recipe was changed."""
    series = bars([[1.25, 1.26, 1.24, 1.255], [1.255, 1.27, 1.25, 1.26]], spread=0.0001, start=MONDAY - 300)
    assert candle_hash(series) == "2:e157101cd304b856eba6eb1aea9f9e5e"


def test_a_receipt_says_how_many_candles_it_was_made_from() -> None:
    receipt = candle_hash(SERIES, window=1_000)
    assert re.fullmatch(r"1000:[0-9a-f]{32}", receipt)
    assert candles_hashed(receipt) == 1_000
    assert candles_hashed(candle_hash(SERIES)) == 1_500
    assert candle_hash(empty_series("GBP_USD", Granularity.M5)).startswith("0:")


@given(column=st.integers(1, 13), row=st.integers(0, 1_499))
def test_any_other_number_in_the_window_gives_another_receipt(column: int, row: int) -> None:
    columns = [one.copy() for one in SERIES.columns()]
    if column == 13:
        columns[13][row] += 1
    else:
        columns[column][row] = np.nextafter(columns[column][row], {2: 9, 6: 9, 10: 9}.get(column, 0))
        low, high = columns[(column - 1) // 4 * 4 + 3], columns[(column - 1) // 4 * 4 + 2]
        low[row], high[row] = min(low[row], columns[column][row]), max(high[row], columns[column][row])
    other = series_from_columns("GBP_USD", Granularity.M5, columns)
    assert candle_hash(other) != candle_hash(SERIES)


def test_a_missing_candle_and_another_instrument_give_another_receipt() -> None:
    without = joined(SERIES.rows(0, 700), SERIES.rows(701))
    assert candle_hash(without, 1_000) != candle_hash(SERIES, 1_000)
    renamed = series_from_columns("EUR_USD", Granularity.M5, SERIES.columns())
    assert candle_hash(renamed) != candle_hash(SERIES)


@given(stop=st.integers(1, 1_500), window=st.integers(1, 900), extra=st.integers(0, 600))
def test_only_the_window_counts(stop: int, window: int, extra: int) -> None:
    exactly = SERIES.rows(max(0, stop - window), stop)
    more = SERIES.rows(max(0, stop - window - extra), stop)
    assert candle_hash(exactly, window) == candle_hash(more, window) == Receipts(SERIES, window).at(stop - 1)


def test_a_window_may_begin_with_a_day() -> None:
    midnights = (np.flatnonzero(np.diff(SERIES.time // 86_400)) + 1).tolist()
    assert len(midnights) > 3
    for start in midnights[:-1]:
        for stop in (start + 1, start + 100, *midnights[midnights.index(start) + 1 :], len(SERIES)):
            receipt = Receipts(SERIES, stop - start).at(stop - 1)
            assert receipt == candle_hash(SERIES.rows(start, stop))


def test_a_replay_hashes_every_row_as_a_live_window(histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    receipts = Receipts(series, 13_000)
    for row in (*range(0, 600, 7), *range(12_900, len(series), 37)):
        assert receipts.at(row) == candle_hash(series.rows(max(0, row - 12_999), row + 1))


def test_rows_in_any_order_give_the_same_receipts(analyses: dict[str, Analysis]) -> None:
    receipts = analyses["XAU_USD"].receipts
    rows = list(range(13_000, 15_000, 97))
    forward = [receipts.at(row) for row in rows]
    assert [receipts.at(row) for row in reversed(rows)] == forward[::-1]
    assert len(set(forward)) == len(forward)


@pytest.mark.parametrize("window", [1, 13_000])
def test_the_granularity_counts(window: int) -> None:
    minutes = series_from_columns("GBP_USD", Granularity.M1, SERIES.columns())
    assert candle_hash(minutes, window) != candle_hash(SERIES, window)
