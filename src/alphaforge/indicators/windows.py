"""Windows over an array, computed from their own values alone: no running totals, so no memory of where they began.

What a window comes to is computed for all windows at once, from shifted copies of the series: first the oldest value of
each window, then the next. So every window is added up from its oldest value to its newest, however many there are.
(`numpy.sum` adds in an order that depends on the shape: a window's last bits would depend on its neighbours.)
"""

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidSetting


def windows(values: Floats, period: int) -> Floats:
    """Every full window as a row, oldest value first: (n,) becomes a view of shape (n - period + 1, period).

    No rows where the series is shorter than a window. Raises InvalidSetting for a period below one.
    """
    if period < 1:
        message = f"A window of {period} candles is impossible"
        raise InvalidSetting(message)
    whole = np.ascontiguousarray(values, np.float64)
    shape = (max(0, len(whole) - period + 1), period)
    # What numpy's as_strided makes, at a tenth of its cost: live, there is one window to compute, not thousands.
    return np.ndarray(shape, np.float64, buffer=whole, strides=(whole.itemsize, whole.itemsize))


def newest(values: Floats, count: int) -> Floats:
    """The last `count` values."""
    return values[len(values) - count :]


def lowest(values: Floats, period: int) -> Floats:
    """The lowest value of each full window, shape (n - period + 1,)."""
    return _folded(np.minimum, windows(values, period).T)


def highest(values: Floats, period: int) -> Floats:
    """The highest value of each full window, shape (n - period + 1,)."""
    return _folded(np.maximum, windows(values, period).T)


def mean(values: Floats, period: int) -> Floats:
    """The mean of each full window, shape (n - period + 1,)."""
    means = _folded(np.add, windows(values, period).T)
    means /= period
    return means


def mean_and_deviation(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and population standard deviation of each full window, shapes (n - period + 1,).

    Both are taken relative to the window's oldest value: a flat window has a deviation of exactly zero,
    and large prices lose no digits.
    """
    steps = windows(values, period).T
    oldest = steps[0]
    off = steps - oldest
    shift = _folded(np.add, off) / period
    off -= shift
    off *= off
    return oldest + shift, np.sqrt(_folded(np.add, off) / period)


def _folded(step: np.ufunc, rows: Floats) -> Floats:
    """The rows of (period, n) put together by `step`, one after another: (n,)."""
    result: Floats = rows[0].copy()
    for row in rows[1:]:
        step(result, row, out=result)
    return result


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise numerator / denominator, NaN where the denominator is zero."""
    zero = denominator == 0
    result: Floats = numerator / (np.where(zero, np.nan, denominator) if zero.any() else denominator)
    return result
