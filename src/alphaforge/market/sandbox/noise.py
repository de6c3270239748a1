"""Random numbers without a state: the same key and position give the same number, in any order, in any process.

They are splitmix64 hashes (Steele, Lea, Flood: "Fast splittable pseudorandom number generators", 2014) of a counter,
so a price of any moment can be computed without those before it, and no version of numpy changes it.
"""

import hashlib
from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

Bits = npt.NDArray[np.uint64]
Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_MEAN_OF_FOUR = 2.0 * 65_535
_DEVIATION_OF_FOUR = float(np.sqrt(4 * (65_536**2 - 1) / 12))


@lru_cache(maxsize=2_048)
def key_of(*words: str | float) -> np.uint64:
    """A key of 64 bits for a purpose, e.g. `key_of(seed, "GBP_USD", "walk")`."""
    text = "\x1f".join(str(word) for word in words)
    return np.uint64(int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "little"))


def bits(key: np.uint64 | Bits, positions: Ints) -> Bits:
    """64 random bits for each position (int64 (n,)), of one key or of a key for each."""
    x = positions.astype(np.uint64)
    x *= _GOLDEN
    x += key
    x ^= x >> np.uint64(30)
    x *= _FIRST
    x ^= x >> np.uint64(27)
    x *= _SECOND
    x ^= x >> np.uint64(31)
    return x


def fractions(key: np.uint64, positions: Ints) -> tuple[npt.NDArray[np.float32], ...]:
    """Four independent numbers in [0, 1) for each position, in steps of 2^-16: four arrays (n,)."""
    parts = np.ascontiguousarray(bits(key, positions).astype("<u8")).view("<u2")
    return tuple(parts[field::4].astype(np.float32) / np.float32(65_536) for field in range(4))


def normals(key: np.uint64 | Bits, positions: Ints) -> Floats:
    """A number of mean 0 and deviation 1 for each position: four uniform ones added up, nearly normal."""
    parts = bits(key, positions).view(np.uint16)
    total = parts[0::4].astype(np.float64)
    for field in range(1, 4):
        total += parts[field::4]
    total -= _MEAN_OF_FOUR
    total /= _DEVIATION_OF_FOUR
    return total


def slow(keys: Sequence[np.uint64], periods: Sequence[float], moments: Ints | Floats) -> list[Floats]:
    """Wandering curves, one for each key and period, at each moment (ascending, (n,)).

    A curve has a normal number every period and straight lines between.
    """
    knots = [np.arange(int(moments[0] // period), int(moments[-1] // period) + 2, dtype=np.int64) for period in periods]
    lengths = [len(knot) for knot in knots]
    heights = np.split(normals(np.repeat(keys, lengths), np.concatenate(knots)), np.cumsum(lengths)[:-1])
    return [
        np.interp(moments, knot * period, height) for knot, period, height in zip(knots, periods, heights, strict=True)
    ]
