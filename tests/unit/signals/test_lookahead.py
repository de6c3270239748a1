"""No decision knows its future, and none depends on where its history begins.

Each check is a function that lists the rows whose decision changed. On the strategy it must list none; on one that
joins longer candles too early it must list some, or the check itself is blind.
"""

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
import pytest

from alphaforge.core.candles import CandleSeries, Ints, series_from_columns
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.signals.analysis import Analysis, analyse, analyse_last
from alphaforge.signals.decision import Context, decide
from alphaforge.signals.model import Decision
from alphaforge.signals.timeframe import Alignment, by_bucket_end


def by_bucket_start(m5: Ints, bucket: Ints, _granularity: Granularity) -> Ints:
    """The classic mistake: the bucket that an M5 candle falls into, although it is still forming."""
    return np.searchsorted(bucket, m5, side="right") - 1


def one_candle_early(m5: Ints, bucket: Ints, granularity: Granularity) -> Ints:
    """A subtler one: the bucket that ends with the next M5 candle."""
    return by_bucket_end(m5 + 300, bucket, granularity)


MISTAKES = pytest.mark.parametrize("mistake", [by_bucket_start, one_candle_early])


def decided(analysis: Analysis, row: int) -> Decision:
    instrument = FALLBACK_INSTRUMENTS[analysis.series.instrument]
    as_of = float(analysis.series.time[row] + 300)
    return decide(analysis, row, Context(as_of, True, {}, None, (), instrument))


def changed_by_cutting(series: CandleSeries, rows: Iterable[int], alignment: Alignment = by_bucket_end) -> list[int]:
    """The rows whose decision is another one when the candles after them are not there yet."""
    whole = analyse(series, alignment=alignment)
    return [
        row
        for row in rows
        if decided(whole, row) != decided(analyse_last(series.rows(0, row + 1), alignment=alignment), row)
    ]


def poisoned(series: CandleSeries, row: int, seed: int) -> CandleSeries:
    """The same candles up to `row`, others after it."""
    random = np.random.default_rng(seed)
    columns = [column.copy() for column in series.columns()]
    factor = np.ones(len(series))
    factor[row + 1 :] = random.uniform(0.5, 2.0, len(series) - row - 1)
    prices = [column * factor for column in columns[1:13]]
    volume = columns[13].copy()
    volume[row + 1 :] = random.integers(0, 10_000, len(volume) - row - 1)
    return series_from_columns(series.instrument, series.granularity, [columns[0], *prices, volume])


def changed_by_poison(series: CandleSeries, rows: Iterable[int], alignment: Alignment = by_bucket_end) -> list[int]:
    """The rows whose decision, or one of the sixty before it, is another one when all later candles are others."""
    whole = analyse(series, alignment=alignment)
    changed = []
    for row in rows:
        other = analyse(poisoned(series, row, seed=row), alignment=alignment)
        before = slice(0, row + 1)
        same = all(
            getattr(whole, name)[before].tobytes() == getattr(other, name)[before].tobytes()
            for name in ("regime", "buy", "sell", "strength", "agreement", "close", "atr", "adx", "spread", "warm")
        )
        if not same or any(decided(whole, one) != decided(other, one) for one in range(row - 12, row + 1)):
            changed.append(row)
    return changed


def changed_by_beginning(series: CandleSeries, windows: Iterable[tuple[int, int]]) -> list[int]:
    """The windows' last rows whose decision is another one when the candles before the window are not there."""
    whole = analyse(series)
    changed = []
    for start, stop in windows:
        part = analyse_last(series.rows(start, stop))
        assert part.warm[-1], f"{start}:{stop} is no window of 1,000 candles on every timeframe"
        ours, theirs = decided(whole, stop - 1), decided(part, stop - start - 1)
        if replace(ours, candle_hash="") != replace(theirs, candle_hash=""):
            changed.append(stop - 1)
    return changed


def some_rows(analysis: Analysis, count: int, seed: int) -> list[int]:
    warm = np.flatnonzero(analysis.warm)
    return sorted(np.random.default_rng(seed).choice(warm, count, replace=False).tolist())


def some_windows(series: CandleSeries, count: int, seed: int) -> list[tuple[int, int]]:
    """Windows of 1,000 to 1,100 hours, each beginning somewhere else."""
    random = np.random.default_rng(seed)
    hours = np.cumsum(np.diff(series.time // 3_600, prepend=-1) > 0)
    windows = []
    for stop in random.integers(int(np.searchsorted(hours, 1_105)), len(series), count).tolist():
        wanted = hours[stop - 1] - 1_001 - random.integers(0, 100)
        start = int(np.searchsorted(hours, wanted, side="right"))
        windows.append((start - int(random.integers(0, 6)), stop))
    return windows


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_cutting_off_the_future_changes_no_decision(
    name: str, histories: dict[str, CandleSeries], analyses: dict[str, Analysis]
) -> None:
    assert changed_by_cutting(histories[name], some_rows(analyses[name], 60, seed=1)) == []


@pytest.mark.parametrize("name", ["GBP_USD", "XAU_USD"])
def test_another_future_changes_no_decision(
    name: str, histories: dict[str, CandleSeries], analyses: dict[str, Analysis]
) -> None:
    assert changed_by_poison(histories[name], some_rows(analyses[name], 5, seed=2)) == []


@MISTAKES
def test_cutting_finds_a_strategy_that_joins_too_early(mistake: Alignment, histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    rows = some_rows(analyse(series), 40, seed=3)
    assert len(changed_by_cutting(series, rows, mistake)) > len(rows) / 4


@MISTAKES
def test_poison_finds_a_strategy_that_joins_too_early(mistake: Alignment, histories: dict[str, CandleSeries]) -> None:
    series = histories["GBP_USD"]
    rows = some_rows(analyse(series), 9, seed=4)
    assert changed_by_poison(series, rows, mistake)


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_a_window_of_a_thousand_candles_decides_like_the_whole_history(
    name: str, histories: dict[str, CandleSeries]
) -> None:
    assert changed_by_beginning(histories[name], some_windows(histories[name], 40, seed=5)) == []


def test_several_rows_of_a_tail_are_the_rows_of_the_whole(analyses: dict[str, Analysis]) -> None:
    whole = analyses["XAU_USD"]
    tail = analyse_last(whole.series, rows=200)
    for row in range(len(whole.series) - 200, len(whole.series)):
        assert decided(tail, row) == decided(whole, row)


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_on_recorded_candles_a_thousand_cuts_change_no_decision(name: str, real: dict[str, CandleSeries]) -> None:
    series = real[name]
    assert changed_by_cutting(series, some_rows(analyse(series), 334, seed=6)) == []


@pytest.mark.parametrize("name", ["GBP_USD", "USD_JPY", "XAU_USD"])
def test_on_recorded_candles_the_beginning_changes_no_decision(name: str, real: dict[str, CandleSeries]) -> None:
    assert changed_by_beginning(real[name], some_windows(real[name], 100, seed=7)) == []


@MISTAKES
def test_on_recorded_candles_a_strategy_that_joins_too_early_is_found(
    mistake: Alignment, real: dict[str, CandleSeries]
) -> None:
    series = real["XAU_USD"].rows(0, 16_000)
    rows = some_rows(analyse(series), 40, seed=8)
    assert len(changed_by_cutting(series, rows, mistake)) > len(rows) / 4
    assert changed_by_poison(series, rows[:9], mistake)
