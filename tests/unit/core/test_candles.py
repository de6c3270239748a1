import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, derived, empty_series, joined, series_from_columns
from alphaforge.core.errors import InvalidCandle
from alphaforge.core.granularity import Granularity
from builders import GBP_USD, MONDAY, bars, walk

GOOD = [1.25, 1.26, 1.24, 1.255]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        ([1.25, 1.249, 1.24, 1.245], "impossible bid"),  # high below open
        ([1.25, 1.26, 1.251, 1.255], "impossible bid"),  # low above open
        ([1.25, 1.26, 1.24, 1.27], "impossible bid"),  # close above high
        ([1.25, 1.26, 1.24, 1.23], "impossible bid"),  # close below low
        ([float("nan"), 1.26, 1.24, 1.25], "impossible"),
        ([1.25, float("inf"), 1.24, 1.25], "impossible"),
        ([1.25, 1.26, float("-inf"), 1.25], "impossible"),
        ([1.25, 1.26, 0.0, 1.25], "impossible"),
        ([-1.25, -1.24, -1.26, -1.25], "impossible"),
    ],
)
def test_an_impossible_price_is_refused_and_named(bad: list[float], why: str) -> None:
    columns = [column.copy() for column in bars([GOOD, GOOD, GOOD]).columns()]
    for column, value in zip(columns[5:9], bad, strict=True):
        column[1] = value
    with pytest.raises(InvalidCandle, match=why) as refused:
        series_from_columns("GBP_USD", Granularity.M5, columns)
    assert "2025-01-06T00:05:00Z" in refused.value.message


@pytest.mark.parametrize("side", [1, 9])
def test_mid_and_ask_prices_are_held_to_the_same_rules(side: int) -> None:
    columns = [column.copy() for column in bars([GOOD]).columns()]
    columns[side + 1][0] = 1.0
    with pytest.raises(InvalidCandle, match="impossible"):
        series_from_columns("GBP_USD", Granularity.M5, columns)


@pytest.mark.parametrize(
    ("times", "why"),
    [
        ([MONDAY, MONDAY], "out of order"),
        ([MONDAY + 300, MONDAY], "out of order"),
        ([MONDAY, MONDAY + 301], "does not start on its bucket"),
    ],
)
def test_times_are_bucket_starts_that_increase(times: list[int], why: str) -> None:
    with pytest.raises(InvalidCandle, match=why):
        bars([GOOD, GOOD], times=times)


def test_a_negative_volume_is_refused() -> None:
    with pytest.raises(InvalidCandle, match="negative volume"):
        bars([GOOD], volume=[-1])


def test_a_bid_above_the_ask_is_refused() -> None:
    with pytest.raises(InvalidCandle, match="bid above its ask"):
        bars([GOOD], spread=-0.001)


def test_columns_of_different_lengths_are_refused() -> None:
    columns = list(bars([GOOD, GOOD]).columns())
    columns[13] = columns[13][:1]
    with pytest.raises(InvalidCandle, match="shape"):
        series_from_columns("GBP_USD", Granularity.M5, columns)


def test_a_series_cannot_be_written_to() -> None:
    series = bars([GOOD])
    with pytest.raises(ValueError, match="read-only"):
        series.bid.close[0] = 1.0


def test_an_empty_series_is_a_series_without_an_end() -> None:
    nothing = empty_series("GBP_USD", Granularity.M5)
    assert len(nothing) == 0
    assert len(derived(nothing, Granularity.H1)) == 0
    with pytest.raises(InvalidCandle):
        assert nothing.end


def test_the_newer_series_wins_where_both_have_a_candle() -> None:
    older = bars([GOOD, GOOD])
    revised = bars([[1.25, 1.27, 1.24, 1.265]] * 2, start=MONDAY + 300)
    both = joined(older, revised)
    assert both.time.tolist() == [MONDAY, MONDAY + 300, MONDAY + 600]
    assert both.bid.high.tolist() == [1.26, 1.27, 1.27]


def test_until_holds_what_has_ended_and_after_what_has_not_begun() -> None:
    series = bars([GOOD] * 4)
    assert len(series.until(MONDAY + 599.9)) == 1
    assert len(series.until(MONDAY + 600)) == 2
    assert len(series.after(MONDAY + 300)) == 3
    assert len(series.after(MONDAY + 300.1)) == 2
    assert series.end == MONDAY + 1_200


def test_a_longer_candle_has_first_open_highest_high_lowest_low_last_close_and_all_volume() -> None:
    rows = [[1.25, 1.26, 1.24, 1.255], [1.255, 1.30, 1.25, 1.28], [1.28, 1.285, 1.20, 1.21]]
    quarter = derived(bars(rows, spread=0.001, volume=[5, 7, 11]), Granularity.M15)
    assert quarter.time.tolist() == [MONDAY]
    assert [column[0] for column in quarter.bid.columns()] == [1.25, 1.30, 1.20, 1.21]
    assert quarter.ask.high[0] == 1.301
    assert quarter.volume.tolist() == [23]


def test_partial_buckets_stay_and_empty_ones_do_not_exist() -> None:
    times = [MONDAY + 600, MONDAY + 900, MONDAY + 7_200]
    hours = derived(bars([GOOD] * 3, times=times), Granularity.H1)
    assert hours.time.tolist() == [MONDAY, MONDAY + 7_200]
    assert hours.volume.tolist() == [200, 100]


HISTORY = walk(GBP_USD, 4_000, seed=11, gaps=0.2)


def folded_by_hand(series: CandleSeries, seconds: int) -> list[tuple[int, float, float, float, float, int]]:
    groups: dict[int, list[int]] = {}
    for row, time in enumerate(series.time.tolist()):
        groups.setdefault(time // seconds * seconds, []).append(row)
    price = series.ask
    return [
        (
            start,
            float(price.open[rows[0]]),
            max(float(price.high[row]) for row in rows),
            min(float(price.low[row]) for row in rows),
            float(price.close[rows[-1]]),
            sum(int(series.volume[row]) for row in rows),
        )
        for start, rows in groups.items()
    ]


@given(
    start=st.integers(0, 3_900),
    count=st.integers(1, 300),
    granularity=st.sampled_from([Granularity.M15, Granularity.H1]),
)
def test_derived_candles_are_what_a_loop_makes_of_them(start: int, count: int, granularity: Granularity) -> None:
    part = HISTORY.rows(start, start + count)
    longer = derived(part, granularity)
    columns = (longer.time, *longer.ask.columns(), longer.volume)
    assert list(zip(*(column.tolist() for column in columns), strict=True)) == folded_by_hand(part, granularity.seconds)


@given(start=st.integers(0, 3_000), count=st.integers(1, 900))
def test_hours_made_of_quarters_are_hours_made_of_m5(start: int, count: int) -> None:
    part = HISTORY.rows(start, start + count)
    direct, nested = derived(part, Granularity.H1), derived(derived(part, Granularity.M15), Granularity.H1)
    for one, other in zip(direct.columns(), nested.columns(), strict=True):
        assert one.tobytes() == other.tobytes()
