"""What rows make of longer candles does not depend on how many rows are taken together."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries
from alphaforge.core.granularity import Granularity
from alphaforge.signals import analysis, timeframe
from alphaforge.signals.analysis import Analysis, analyse, analyse_last
from alphaforge.signals.timeframe import by_bucket_end

COLUMNS = ("regime", "buy", "sell", "strength", "agreement", "close", "atr", "adx", "spread", "warm")


def same(ours: Analysis, theirs: Analysis, rows: int) -> bool:
    """Whether the last rows are the same, to the last bit, votes and indicators included."""
    stop = len(ours.series)
    return all(
        getattr(ours, name)[-rows:].tobytes() == getattr(theirs, name)[-rows:].tobytes() for name in COLUMNS
    ) and all(
        one.votes_of(row - ours.first) == other.votes_of(row - theirs.first)
        for one, other in zip(ours.timeframes, theirs.timeframes, strict=True)
        for row in range(stop - rows, stop)
    )


@pytest.mark.parametrize(("rows", "windows"), [(97, 50), (9, 4_096), (700, 25)])
def test_rows_and_windows_taken_by_the_dozen_are_those_taken_at_once(
    rows: int, windows: int, histories: dict[str, CandleSeries], monkeypatch: pytest.MonkeyPatch
) -> None:
    series = histories["USD_JPY"].last(1_500)
    whole = analyse(series)
    monkeypatch.setattr(analysis, "_CHUNK", rows)
    monkeypatch.setattr(timeframe, "_CHUNK", windows)
    assert same(analyse(series), whole, 1_400)


def test_a_gap_in_the_market_parts_no_row_from_its_longer_candles(histories: dict[str, CandleSeries]) -> None:
    """Hours that end while M15 candles are missing: runs of rows are cut by either."""
    series = histories["GBP_USD"].last(3_000)
    kept = np.random.default_rng(3).random(3_000) < 0.4
    thinned = CandleSeries(
        series.instrument,
        series.granularity,
        series.time[kept],
        *(type(price)(*(column[kept] for column in price.columns())) for price in (series.mid, series.bid, series.ask)),
        series.volume[kept],
    )
    whole = analyse(thinned)
    assert len({len(one.runs) for one in whole.timeframes}) == len(whole.timeframes)
    for row in range(len(thinned) - 150, len(thinned)):
        alone = analyse_last(thinned.rows(0, row + 1))
        assert [one.votes_of(0) for one in alone.timeframes] == [one.votes_of(row) for one in whole.timeframes]
        assert (alone.buy[0], alone.sell[0], alone.regime[0]) == (whole.buy[row], whole.sell[row], whole.regime[row])


@given(st.sets(st.integers(0, 400)), st.sets(st.integers(0, 40)), st.sampled_from([Granularity.M15, Granularity.H1]))
def test_more_rows_than_buckets_find_the_same_buckets(
    rows: set[int], numbers: set[int], granularity: Granularity
) -> None:
    m5 = np.array(sorted(rows), np.int64) * 300
    bucket = np.array(sorted(numbers), np.int64) * granularity.seconds
    one_by_one = [int(np.sum(bucket + granularity.seconds <= start + 300)) - 1 for start in m5]
    assert by_bucket_end(m5, bucket, granularity).tolist() == one_by_one
