"""Where there is nothing to divide by, too little to average, or another place to begin."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidSetting
from alphaforge.indicators import (
    atr,
    bollinger,
    directional,
    ema,
    macd,
    percentile_rank,
    rsi,
    stochastic,
    volume_ratio,
)
from alphaforge.indicators.momentum import _crossing
from alphaforge.indicators.windows import highest, lowest, mean, mean_and_deviation, windows
from builders import GBP_USD, walk

# Prices of which twenty do not add up to twenty times one, so that a careless mean is off by a last bit.
FLAT = np.full(400, 1.1)


def test_a_flat_market_has_no_position_between_its_bands() -> None:
    assert np.isnan(bollinger(FLAT, 20, 2.0).position).all()


def test_a_flat_market_has_no_stochastic_and_no_crossing() -> None:
    swing = stochastic(FLAT, FLAT, FLAT, 5, 3)
    assert np.isnan(swing.k).all()
    assert np.isnan(swing.d).all()
    assert not swing.cross.any()


def test_a_flat_market_has_no_rsi() -> None:
    assert np.isnan(rsi(FLAT, 7)).all()


def test_only_losses_are_an_rsi_of_zero_and_only_gains_of_a_hundred() -> None:
    falling = np.linspace(2.0, 1.0, 100)
    assert set(rsi(falling, 7)[7:].tolist()) == {0.0}
    assert set(rsi(falling[::-1].copy(), 7)[7:].tolist()) == {100.0}


def test_a_flat_market_has_no_direction() -> None:
    moves = directional(FLAT, FLAT, FLAT, 14)
    for column in (moves.adx, moves.plus, moves.minus):
        assert np.isnan(column).all()


def test_no_volume_has_no_ratio() -> None:
    assert np.isnan(volume_ratio(np.zeros(30), 20)).all()


@pytest.mark.parametrize("count", [*range(31), 499, 500])
def test_short_series_have_no_values_and_no_errors(count: int) -> None:
    price = walk(GBP_USD, 500, seed=2).mid.rows(slice(0, count))
    high, low, close = price.high, price.low, price.close
    moves = directional(high, low, close, 14)
    recursive = [
        (ema(close, 13), 12),
        (rsi(close, 7), 7),
        (macd(close, 6, 13, 4).signal, 15),
        (moves.adx, 27),
        (moves.plus, 14),
        (atr(high, low, close, 14), 14),
    ]
    for column, first in recursive:
        assert len(column) == count
        assert np.isfinite(column).sum() == max(0, count - first)
    assert len(bollinger(close, 20, 2.0).position) == max(0, count - 19)
    assert len(stochastic(high, low, close, 5, 3).k) == max(0, count - 4)
    assert len(stochastic(high, low, close, 5, 3).d) == max(0, count - 6)
    assert len(volume_ratio(close, 20)) == max(0, count - 19)
    assert len(percentile_rank(close, 500)) == max(0, count - 499)


@pytest.mark.parametrize("period", [0, -3])
def test_a_window_without_candles_is_refused(period: int) -> None:
    with pytest.raises(InvalidSetting):
        windows(FLAT, period)


@given(
    start=st.integers(0, 9_000),
    count=st.integers(24, 900),
    seed=st.integers(0, 3),
)
def test_a_window_gives_the_same_bits_wherever_the_series_begins(start: int, count: int, seed: int) -> None:
    series = HISTORIES[seed].rows(start, start + count)
    whole, part = HISTORIES[seed].mid, series.mid
    stop = start + len(series)
    everywhere = mean_and_deviation(whole.close, 20), mean_and_deviation(part.close, 20)
    for all_of_it, some in zip(*everywhere, strict=True):
        assert all_of_it[start : stop - 19].tobytes() == some.tobytes()
    swings = stochastic(whole.high, whole.low, whole.close, 5, 3), stochastic(part.high, part.low, part.close, 5, 3)
    for name in ("k", "d"):
        all_of_it, some = (getattr(swing, name) for swing in swings)
        assert all_of_it[start : start + len(some)].tobytes() == some.tobytes()


HISTORIES = [walk(GBP_USD, 10_000, seed=seed) for seed in range(4)]


@given(st.lists(st.floats(0.5, 5_000.0), min_size=20, max_size=60))
def test_windows_are_added_one_by_one_from_their_oldest_value_to_their_newest(values: list[float]) -> None:
    means, deviations = [], []
    for i in range(len(values) - 19):
        window = values[i : i + 20]
        rise = total = 0.0
        for value in window:
            total += value
            rise += value - window[0]
        squares = 0.0
        for value in window:
            off = value - window[0] - rise / 20
            squares += off * off
        means.append(total / 20)
        deviations.append(math.sqrt(squares / 20))
    assert mean(np.array(values), 20).tolist() == means
    assert mean_and_deviation(np.array(values), 20)[1].tolist() == deviations


@given(st.floats(1e-3, 1e5), st.integers(20, 40))
def test_a_flat_window_never_has_a_width(price: float, count: int) -> None:
    assert np.isnan(bollinger(np.full(count, price), 20, 2.0).position).all()


def test_a_crossing_begins_on_the_line_or_beyond_it_and_ends_off_it() -> None:
    above = np.array([-1.0, 0.0, 1.0, 0.0, -1.0, 1.0, -1.0, np.nan, 1.0, 0.0, 0.0, 2.0])
    assert _crossing(above).tolist() == [0, 1, 0, -1, 1, -1, 0, 0, 0, 0, 1]


def test_series_one_after_another_give_what_each_gives_alone() -> None:
    both = bollinger(np.concatenate([history.mid.close for history in HISTORIES[:2]]), 20, 2.0)
    for start, history in zip((0, 10_000), HISTORIES[:2], strict=True):
        alone = bollinger(history.mid.close, 20, 2.0)
        assert both.position[start : start + 9_981].tobytes() == alone.position.tobytes()
        assert both.lower[start : start + 9_981].tobytes() == alone.lower.tobytes()


@given(st.lists(st.floats(0, 9) | st.just(math.nan), min_size=1, max_size=40), st.integers(1, 9))
def test_extremes_and_ranks_are_those_of_each_window_alone(values: list[float], period: int) -> None:
    array, starts = np.array(values), range(len(values) - period + 1)
    each = [array[start : start + period] for start in starts]
    assert np.array_equal(lowest(array, period), [one.min() for one in each], equal_nan=True)
    assert np.array_equal(highest(array, period), [one.max() for one in each], equal_nan=True)
    ranks = [math.nan if np.isnan(one).any() else (one <= one[-1]).sum() * 100.0 / period for one in each]
    assert np.array_equal(percentile_rank(array, period), ranks, equal_nan=True)


def test_a_rank_counts_more_values_than_a_byte_holds() -> None:
    rising = np.arange(2_000.0)
    assert set(percentile_rank(rising, 700).tolist()) == {100.0}
    assert set(percentile_rank(-rising, 700).tolist()) == {100.0 / 700}
