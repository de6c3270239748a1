import numpy as np
import pytest

from alphaforge.backtests.history import History, history_of, joined_histories
from alphaforge.core.candles import CandleSeries
from alphaforge.core.granularity import Granularity
from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.core.times import parse_rfc3339
from builders import GBP_USD, series_from_columns

MONDAY = int(parse_rfc3339("2025-07-07T00:00:00Z"))


def candles_at(times: np.ndarray) -> CandleSeries:
    price = np.full(len(times), 1.25)
    columns = [times, *[price] * 4, *[price] * 4, *[price] * 4, np.ones(len(times), np.int64)]
    return series_from_columns(GBP_USD.name, Granularity.M5, columns)


def open_buckets(start: int, days: int) -> np.ndarray:
    times = np.arange(start, start + days * 86_400, 300)
    return times[FOREX_HOURS.open_at(times)]


def history(times: np.ndarray, days: int = 14) -> History:
    return history_of(candles_at(times), FOREX_HOURS, MONDAY, MONDAY + days * 86_400)


def test_weekends_and_the_daily_break_are_no_gaps() -> None:
    times = open_buckets(MONDAY, 14)
    assert history(times) == History(len(times), len(times), 0, ())


def test_holes_are_listed_with_the_longest_first_and_a_quiet_minute_is_none() -> None:
    times = open_buckets(MONDAY, 14)
    friday = int(parse_rfc3339("2025-07-11T20:50:00Z"))  # to Sunday 21:05: the market closes between
    lacking = np.isin(times, [MONDAY + 600, MONDAY + 900])  # two: quiet
    lacking |= (times >= MONDAY + 7_200) & (times < MONDAY + 8_100)  # three
    lacking |= (times >= friday) & (times < friday + 2 * 86_400 + 3_600)
    found = history(times[~lacking])
    assert found.missing == int(lacking.sum())
    longest, shortest = found.gaps
    assert (longest.start, longest.missing) == (friday, int(lacking.sum()) - 5)
    assert longest.end - longest.start > 2 * 86_400
    assert (shortest.start, shortest.end, shortest.missing) == (MONDAY + 7_200, MONDAY + 8_100, 3)


def test_what_the_period_has_before_and_after_the_candles_is_a_gap() -> None:
    times = open_buckets(MONDAY + 86_400, 1)
    found = history(times, days=4)
    assert [gap.start for gap in found.gaps] == [MONDAY + 2 * 86_400, MONDAY]
    assert found.missing == found.expected - found.candles


def test_candles_outside_the_period_count_for_nothing() -> None:
    found = history_of(candles_at(open_buckets(MONDAY - 86_400, 3)), FOREX_HOURS, MONDAY, MONDAY + 86_400)
    assert (found.candles, found.missing) == (found.expected, 0)


def test_an_empty_history_is_one_gap() -> None:
    found = history(np.zeros(0, np.int64), days=1)
    assert [gap.missing for gap in found.gaps] == [found.expected]


@pytest.mark.parametrize("cut", [3, 4, 9])
def test_periods_join_to_the_whole(cut: int) -> None:
    times = open_buckets(MONDAY, 14)
    kept = candles_at(times[(times < MONDAY + 100_000) | (times > MONDAY + 110_000)])
    middle, end = MONDAY + cut * 86_400, MONDAY + 14 * 86_400
    parts = [history_of(kept, FOREX_HOURS, *span).to_dict() for span in ((MONDAY, middle), (middle, end))]
    assert joined_histories(parts) == history_of(kept, FOREX_HOURS, MONDAY, end).to_dict()
