"""How values are spread: how many lie in each of some intervals of one width."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alphaforge.core.candles import Floats

MOST_BINS: Final = 24
"""Wider intervals are taken where there would be more."""

_NARROWEST = 0.25


@dataclass(frozen=True, slots=True)
class Bin:
    """The values with low <= value < high."""

    low: float
    high: float
    n: int


def distribution(values: Floats) -> list[Bin]:
    """Intervals without gaps from the lowest value to the highest; NaN, not known, is in none.

    Their width is a quarter, a half, one, two, ...: zero is always an edge.
    """
    known = values[np.isfinite(values)]
    if not len(known):
        return []
    width = _NARROWEST
    while np.floor(known.max() / width) - np.floor(known.min() / width) >= MOST_BINS:
        width *= 2
    place = np.floor(known / width).astype(np.int64)
    first = int(place.min())
    return [
        Bin((first + i) * width, (first + i + 1) * width, n) for i, n in enumerate(np.bincount(place - first).tolist())
    ]
