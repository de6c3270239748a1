"""Windows over an array, computed from their own values alone: no running totals, so no memory of where they began."""

from collections.abc import Iterator

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidSetting

_CHUNK = 4_096  # windows at a time: what they unfold to stays in the processor's cache


def windows(values: Floats, period: int) -> Floats:
    """Every full window as a row, oldest value first: (..., n) becomes a view of shape (..., n - period + 1, period).

    No rows where the series is shorter than a window. Raises InvalidSetting for a period below one.
    """
    if period < 1:
        message = f"A window of {period} candles is impossible"
        raise InvalidSetting(message)
    whole = np.ascontiguousarray(values, np.float64)
    shape = (*whole.shape[:-1], max(0, whole.shape[-1] - period + 1), period)
    # What numpy's as_strided makes, at a tenth of its cost: live, there is one window to compute, not thousands.
    return np.ndarray(shape, np.float64, buffer=whole, strides=(*whole.strides, whole.itemsize))


def newest(values: Floats, count: int) -> Floats:
    """The last `count` values of each series."""
    return values[..., values.shape[-1] - count :]


def mean(values: Floats, period: int) -> Floats:
    """The mean of each full window, shape (..., n - period + 1)."""
    return _joined([_total(rows) / period for rows in _chunks(windows(values, period))])


def mean_and_deviation(values: Floats, period: int) -> tuple[Floats, Floats]:
    """Mean and population standard deviation of each full window, shapes (..., n - period + 1).

    Both are taken relative to the window's oldest value: a flat window has a deviation of exactly zero,
    and large prices lose no digits.
    """
    means, deviations = [], []
    for rows in _chunks(windows(values, period)):
        oldest = rows[..., :1]
        rise = rows - oldest
        shift = _total(rise)[..., np.newaxis] / period
        off = rise - shift
        means.append((oldest + shift)[..., 0])
        deviations.append(np.sqrt(_total(off * off) / period))
    return _joined(means), _joined(deviations)


def _total(rows: Floats) -> Floats:
    """The sum of each row, added up strictly from its first value to its last.

    `numpy.sum` adds in an order that depends on the shape, so a window's last bits would depend on its neighbours;
    a cumulative sum has one order only.
    """
    sums: Floats = np.add.accumulate(rows, axis=-1)[..., -1]
    return sums


def _chunks(rows: Floats) -> Iterator[Floats]:
    """The rows, some thousands at a time; one empty chunk where there are none."""
    return (rows[..., start : start + _CHUNK, :] for start in range(0, max(1, rows.shape[-2]), _CHUNK))


def _joined(chunks: list[Floats]) -> Floats:
    return chunks[0] if len(chunks) == 1 else np.concatenate(chunks, axis=-1)


def quotient(numerator: Floats, denominator: Floats) -> Floats:
    """Elementwise numerator / denominator, NaN where the denominator is zero."""
    result: Floats = numerator / np.where(denominator == 0, np.nan, denominator)
    return result
