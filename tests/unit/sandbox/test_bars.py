import numpy as np
import pytest

from alphaforge.market.sandbox.bars import NO_BARS, Bars, bars_of, chained, gathered, ticks_of

OPEN, HIGH, LOW, CLOSE = 100, 120, 90, 110


def one(opens: int, highs: int, lows: int, closes: int, *, spread: int = 2) -> np.ndarray:
    mid = [opens, highs, lows, closes]
    return np.array([*mid, *(price - 1 for price in mid), *(price - 1 + spread for price in mid)], np.int32)


def test_a_rising_candle_goes_down_first_and_a_falling_one_up() -> None:
    rising = ticks_of(one(OPEN, HIGH, LOW, CLOSE), 10, 0, 300).prices[0].tolist()
    falling = ticks_of(one(CLOSE, HIGH, LOW, OPEN), 10, 0, 300).prices[0].tolist()

    assert rising.index(LOW) < rising.index(HIGH)
    assert falling.index(HIGH) < falling.index(LOW)


@pytest.mark.parametrize("count", [4, 5, 7, 60, 1_000])
def test_the_prices_within_a_candle_make_that_candle(count: int) -> None:
    prices = one(OPEN, HIGH, LOW, CLOSE)
    ticks = ticks_of(prices, count, 600, 300)
    made = bars_of(ticks, 300)

    assert (made.time.tolist(), made.volume.tolist()) == ([600], [count])
    assert made.prices[:, 0].tolist() == prices.tolist()
    assert (np.diff(ticks.time) > 0).all()
    assert (ticks.prices[2] - ticks.prices[1] == 2).all()


@pytest.mark.parametrize("count", [1, 2, 3])
def test_few_prices_go_straight_from_open_to_close(count: int) -> None:
    ticks = ticks_of(one(OPEN, CLOSE, OPEN, CLOSE), count, 0, 5)

    assert ticks.prices[0].tolist() == {1: [110], 2: [100, 110], 3: [100, 105, 110]}[count]


def test_ticks_between_two_moments_include_the_first_and_not_the_last() -> None:
    ticks = ticks_of(one(OPEN, CLOSE, OPEN, CLOSE), 3, 0, 6)

    assert ticks.time.tolist() == [1, 3, 5]
    assert ticks.between(1, 5).time.tolist() == [1, 3]


def test_nothing_chained_or_gathered_is_nothing() -> None:
    assert len(chained([])) == len(chained([NO_BARS])) == len(gathered(NO_BARS, NO_BARS.time)) == 0


def test_chained_bars_keep_their_order() -> None:
    first = Bars(np.array([0]), one(OPEN, HIGH, LOW, CLOSE)[:, None], np.array([3], np.int32))
    second = Bars(np.array([300]), one(CLOSE, HIGH, LOW, OPEN)[:, None], np.array([4], np.int32))
    both = chained([first, NO_BARS, second])

    assert (both.time.tolist(), both.volume.tolist()) == ([0, 300], [3, 4])
    assert both.between(300, 301).prices[0].tolist() == [CLOSE]
