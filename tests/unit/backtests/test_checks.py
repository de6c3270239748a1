"""The checks find what they are for, and nothing where there is nothing."""

import numpy as np
import pytest

from alphaforge.backtests.checks import in_words, look_ahead, warm_from, warm_up
from alphaforge.core.candles import CandleSeries, Ints
from alphaforge.core.errors import InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.signals.analysis import analyse
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.signals.timeframe import Alignment, by_bucket_end
from builders import GBP_USD, MONDAY, real_candles, walk

SHORT = StrategySettings(minimum_candles=200, volatility_window=150)


def by_bucket_start(m5: Ints, bucket: Ints, _: Granularity) -> Ints:
    """The classic mistake: the bucket that an M5 candle falls into, although it is still forming."""
    return np.searchsorted(bucket, m5, side="right") - 1


def one_candle_early(m5: Ints, bucket: Ints, granularity: Granularity) -> Ints:
    """A subtler one: the bucket that ends with the next M5 candle."""
    return by_bucket_end(m5 + 300, bucket, granularity)


@pytest.fixture(scope="module")
def series() -> CandleSeries:
    return walk(GBP_USD, 15_500, seed=40)


@pytest.fixture(scope="module")
def short() -> CandleSeries:
    return walk(GBP_USD, 4_000, seed=41)


def test_the_strategy_knows_no_future(short: CandleSeries) -> None:
    found = look_ahead(short, GBP_USD, FOREX_HOURS, SHORT, rows=20)
    assert (found.passed, found.rows, found.differences) == (True, 20, ())


@pytest.mark.parametrize("mistake", [by_bucket_start, one_candle_early])
def test_a_longer_candle_that_is_joined_too_early_is_found_by_both_futures(
    short: CandleSeries, mistake: Alignment
) -> None:
    found = look_ahead(short, GBP_USD, FOREX_HOURS, SHORT, rows=20, alignment=mistake)
    assert not found.passed
    assert {one.told_by for one in found.differences} == {"no future", "another future"}
    assert "timeframes" in found.differences[0].fields
    assert "GBP_USD at 2025-01-" in in_words(found.differences[0])


def test_a_thousand_candles_decide_like_the_whole_history(series: CandleSeries) -> None:
    found = warm_up(series, GBP_USD, FOREX_HOURS, DEFAULT_SETTINGS, rows=6)
    assert (found.passed, found.minimum, found.agreed_from) == (True, 1_000, 1_000)


def test_two_hundred_candles_do_not_and_it_says_how_many_would(series: CandleSeries) -> None:
    found = warm_up(series, GBP_USD, FOREX_HOURS, SHORT, rows=6, start=float(series.time[14_000]))
    assert not found.passed
    assert found.minimum == 200
    assert found.agreed_from is not None
    assert 200 < found.agreed_from <= 1_000
    assert "timeframes" in found.differences[0].fields
    assert "candle_hash" not in found.differences[0].fields


def test_where_the_history_is_too_short_to_tell_it_says_that_none_was_enough(short: CandleSeries) -> None:
    found = warm_up(short, GBP_USD, FOREX_HOURS, SHORT, rows=3, end=float(short.time[2_700]))
    assert found.agreed_from is None


def test_the_same_seed_looks_at_the_same_rows(short: CandleSeries) -> None:
    ones, others = (
        look_ahead(short, GBP_USD, FOREX_HOURS, SHORT, rows=4, seed=seed, alignment=by_bucket_start) for seed in (3, 3)
    )
    assert ones == others


def test_a_period_without_warm_candles_is_said(short: CandleSeries) -> None:
    with pytest.raises(NoData, match="no candle of this period has 1000 closed ones on every timeframe"):
        look_ahead(short, GBP_USD, FOREX_HOURS, DEFAULT_SETTINGS)
    with pytest.raises(NoData):
        warm_up(short, GBP_USD, FOREX_HOURS, SHORT, start=float(short.time[-1]) + 300)
    with pytest.raises(InvalidInput, match="0 rows"):
        look_ahead(short, GBP_USD, FOREX_HOURS, SHORT, rows=0)


def test_evaluation_begins_where_the_analysis_is_warm(short: CandleSeries) -> None:
    begins = warm_from(short.time, SHORT)
    assert begins == int(short.time[np.flatnonzero(analyse(short, SHORT).warm)[0]]) + 300
    assert warm_from(short.time, DEFAULT_SETTINGS) is None
    assert warm_from(short.time[:0], SHORT) is None
    assert begins is not None
    assert begins > MONDAY


def test_on_recorded_candles_the_checks_pass_and_a_short_warm_up_fails() -> None:
    candles = real_candles()
    if not candles:
        pytest.skip("No recorded candles here: set ALPHAFORGE_REAL_CANDLES to a folder with GBP_USD_M5.parquet")
    series = candles["GBP_USD"].rows(0, 15_000)
    assert look_ahead(series, GBP_USD, FOREX_HOURS, DEFAULT_SETTINGS, rows=4).passed
    assert warm_up(series, GBP_USD, FOREX_HOURS, DEFAULT_SETTINGS, rows=4).passed
    assert not warm_up(series, GBP_USD, FOREX_HOURS, SHORT, rows=4).passed
