import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidCandle
from alphaforge.core.market_hours import FOREX_HOURS
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.quality import RawCandles, assess, sound, to_series

MONDAY = int(parse_rfc3339("2025-07-07T00:00:00Z"))
FRIDAY_NIGHT = int(parse_rfc3339("2025-07-04T20:00:00Z"))
SUNDAY_NIGHT = int(parse_rfc3339("2025-07-06T21:00:00Z"))
M5 = 300


def raw(times: list[int], *, price: float = 1.25, spread: float = 0.0002) -> RawCandles:
    """Flat candles at these times."""
    one = [price] * 4 + [price - spread / 2] * 4 + [price + spread / 2] * 4
    return RawCandles(np.array(times, np.int64), np.tile(np.array([one]).T, len(times)), np.ones(len(times), np.int64))


def every(start: int, count: int) -> list[int]:
    return [start + M5 * step for step in range(count)]


def test_a_full_run_of_candles_has_nothing_wrong() -> None:
    found = assess(raw(every(MONDAY, 100)), FOREX_HOURS)
    assert found.is_sound
    assert (found.candles, found.expected, found.missing, found.gaps) == (100, 100, 0, ())
    assert (found.first, found.last) == (MONDAY, MONDAY + 99 * M5)


def test_a_hole_in_open_hours_is_a_gap_with_its_first_and_last_missing_candle() -> None:
    times = every(MONDAY, 20)
    (gap,) = assess(raw(times[:5] + times[8:]), FOREX_HOURS).gaps
    assert (gap.start, gap.last, gap.missing) == (times[5], times[7], 3)


def test_a_weekend_is_no_gap() -> None:
    # Friday's last candle starts 16:55 New York, Sunday's first 17:05 (the week begins at 17:03)
    times = [t for t in range(FRIDAY_NIGHT, SUNDAY_NIGHT + 3600, M5) if FOREX_HOURS.is_open(t)]
    found = assess(raw(times), FOREX_HOURS)
    assert found.gaps == ()
    assert found.expected == len(times) < (SUNDAY_NIGHT + 3600 - FRIDAY_NIGHT) / M5


def test_a_candle_of_the_weekend_is_counted_but_is_no_fault() -> None:
    found = assess(raw([FRIDAY_NIGHT, FRIDAY_NIGHT + 6 * 3600, SUNDAY_NIGHT + 600]), FOREX_HOURS)
    assert found.outside_hours == 1
    assert found.is_sound


def test_doubles_are_counted_and_the_last_of_each_stays() -> None:
    candles = raw([MONDAY, MONDAY, MONDAY + M5])
    candles.volume[:] = [1, 3, 2]
    assert assess(candles, FOREX_HOURS).duplicates == 1
    left = sound(candles)
    assert left.time.tolist() == [MONDAY, MONDAY + M5]
    assert left.volume.tolist() == [3, 2]


@pytest.mark.parametrize(
    ("row", "value", "why"),
    [
        (0, np.nan, "no number above zero"),
        (5, np.inf, "no number above zero"),
        (10, 0.0, "no number above zero"),
        (1, 1.0, "a low above or a high below"),  # mid high under its open
        (6, 2.0, "a low above or a high below"),  # bid low over its open
    ],
)
def test_an_impossible_price_is_named(row: int, value: float, why: str) -> None:
    candles = raw(every(MONDAY, 3))
    candles.prices[row, 1] = value
    (bad,) = assess(candles, FOREX_HOURS).bad
    assert bad.time == MONDAY + M5
    assert why in bad.why
    assert sound(candles).time.tolist() == [MONDAY, MONDAY + 2 * M5]


def test_no_spread_is_possible_and_doubles_are_no_sound_pile() -> None:
    assert assess(raw(every(MONDAY, 3), spread=0.0), FOREX_HOURS).is_sound
    assert not assess(raw([MONDAY, MONDAY]), FOREX_HOURS).is_sound


def test_of_several_faults_the_first_is_named() -> None:
    candles = raw([MONDAY + 1])
    candles.prices[0, 0] = np.nan
    candles.volume[0] = -1
    (bad,) = assess(candles, FOREX_HOURS).bad
    assert bad.why == "does not start on its five minutes"


def test_a_bid_above_its_ask_is_named() -> None:
    (bad,) = assess(raw([MONDAY], spread=-0.001), FOREX_HOURS).bad
    assert bad.why == "has its bid above its ask"


def test_a_time_off_the_five_minutes_and_a_negative_volume_are_named() -> None:
    candles = raw([MONDAY, MONDAY + 301])
    candles.volume[0] = -1
    assert [bad.why for bad in assess(candles, FOREX_HOURS).bad] == [
        "has a negative volume",
        "does not start on its five minutes",
    ]


def test_nothing_at_all_is_no_error() -> None:
    found = assess(raw([]), FOREX_HOURS)
    assert (found.candles, found.first, found.expected, found.gaps) == (0, None, 0, ())


def test_a_candle_behind_a_later_one_or_not_yet_over_is_named() -> None:
    late = raw([MONDAY + M5, MONDAY, MONDAY + 2 * M5])
    found = assess(late, FOREX_HOURS, now=MONDAY + 3 * M5 - 1.0)
    assert [(bad.time, bad.why) for bad in found.bad] == [
        (MONDAY, "is older than the candle before it"),
        (MONDAY + 2 * M5, "has not ended yet"),
    ]
    assert sound(late, now=MONDAY + 3 * M5 - 1.0).time.tolist() == [MONDAY + M5]
    assert [bad.time for bad in assess(late, FOREX_HOURS, now=MONDAY + 3 * M5).bad] == [MONDAY]


@given(
    st.lists(st.integers(0, 400), min_size=1, max_size=60),
    st.lists(st.tuples(st.integers(0, 11), st.integers(0, 59), st.sampled_from([np.nan, 0.5, 2.0, -1.0])), max_size=10),
)
def test_what_is_left_is_a_series_and_what_was_taken_was_named(
    steps: list[int], damages: list[tuple[int, int, float]]
) -> None:
    candles = raw([MONDAY + M5 * step for step in steps])
    for row, position, value in damages:
        candles.prices[row, position % len(steps)] = value
    found, left = assess(candles, FOREX_HOURS), sound(candles)
    assert len(to_series(left, "GBP_USD")) <= len(steps) - len(found.bad)
    assert set(left.time.tolist()) == set(candles.time.tolist()) - (
        {bad.time for bad in found.bad} - set(left.time.tolist())
    )
    if found.bad:
        with pytest.raises(InvalidCandle):
            to_series(candles, "GBP_USD")


@given(st.sets(st.integers(0, 2_000), min_size=1, max_size=300))
def test_present_and_missing_candles_add_up_to_the_expected(steps: set[int]) -> None:
    times = sorted(MONDAY + M5 * step for step in steps)
    found = assess(raw(times), FOREX_HOURS)
    assert found.candles - found.outside_hours + found.missing == found.expected
