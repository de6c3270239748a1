"""Many numbers rounded at once, each to the bit as `round` gives it alone."""

import numpy as np

from alphaforge.core.candles import Floats

_DOUBT = 2.0**-52
"""Twice the relative error of one multiplication of float64."""


def rounded(values: Floats, digits: int) -> Floats:
    """Each of `values` (finite or NaN, any shape) as `round(value, digits)` gives it, for 0 to 15 digits.

    Python rounds the exact value to the nearest decimal, and takes the float64 next to that. A whole number below 2^53
    divided by a power of ten is that float, so only which whole number it is can be in doubt: where the product lies
    within its own error of a half, and where it is too large to have halves. Those few are given to `round`.
    """
    scale = 10.0**digits
    scaled = values * scale
    whole = np.rint(scaled)
    result: Floats = whole / scale
    doubtful = np.abs(np.abs(scaled - whole) - 0.5) <= np.abs(scaled) * _DOUBT
    if doubtful.any():
        result[doubtful] = [round(value, digits) for value in values[doubtful].tolist()]
    return result
