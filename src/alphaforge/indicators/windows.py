"""Windows over an array, computed from their own values alone: no running totals, so no memory of where they began."""

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidSetting


def windows(values: Floats, period: int) -> Floats:
    """Every full window as a row, oldest value first: a read-only view of shape (n - period + 1, period).

    No rows where the series is shorter than a window. Raises InvalidSetting for a period below one.
    """
    if period < 1:
        message = f"A window of {period} candles is impossible"
        raise InvalidSetting(message)
    if len(values) < period:
        return np.empty((0, period))
    whole = np.ascontiguousarray(values, np.float64)
    shape, step = (len(whole) - period + 1, period), whole.itemsize
    rows: Floats = np.ndarray(
        shape, np.float64, buffer=whole, strides=(step, step)
    )  # as_strided, at a tenth of its cost
    rows.setflags(write=False)
    return rows


def total(rows: Floats) -> Floats:
    """The sum of each row, added up strictly from its first value to its last, shape (rows,).

    `numpy.sum` adds in an order that depends on the shape, so a window's last bits would depend on its neighbours;
    a cumulative sum has one order only.
    """
    sums: Floats = np.add.accumulate(rows, axis=1)[:, -1]
    return sums


def mean(values: Floats, period: int) -> Floats:
    """The mean of each full window, shape (n - period + 1,)."""
    return total(windows(values, period)) / period


def mean_and_deviation(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and population standard deviation of each full window, shapes (n - period + 1,).

    Both are taken relative to the window's oldest value: a flat window has a deviation of exactly zero,
    and large prices lose no digits.
    """
    rows = windows(values, period)
    oldest = rows[:, 0]
    rise = rows - oldest[:, np.newaxis]
    shift = total(rise) / period
    off = rise - shift[:, np.newaxis]
    return oldest + shift, np.sqrt(total(off * off) / period)


def padded(values: Floats, length: int) -> Floats:
    """The values at the end of an array of `length`, NaN before them."""
    whole = np.empty(length)
    whole[: length - len(values)] = np.nan
    whole[length - len(values) :] = values
    return whole


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise numerator / denominator, NaN where the denominator is zero."""
    result: Floats = numerator / np.where(denominator == 0, np.nan, denominator)
    return result
