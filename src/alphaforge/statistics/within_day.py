"""Sums, extremes, streaks and falls of consecutive slices, each made of its own rows alone, in their order."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints

_LONG = 64  # rows of a slice that are worth a call of their own


@dataclass(frozen=True, slots=True)
class Slices:
    """Consecutive slices of rows. `starts`, `ends`: int64 (d,), first and last row. `number`: int64 (n,), of a row."""

    starts: Ints
    ends: Ints
    number: Ints


def slices(key: Ints) -> Slices:
    """Slices of equal keys (int64 (n,), n > 0, ascending)."""
    new = key[1:] != key[:-1]
    starts = np.concatenate(([0], np.flatnonzero(new) + 1))
    ends = np.concatenate((starts[1:], [len(key)])) - 1
    return Slices(starts, ends, np.concatenate(([0], np.cumsum(new))))


def sums(values: npt.NDArray[np.generic], part: Slices) -> Floats:
    """The sum of each slice, added one after the other: `reduceat` adds pairwise, in an order that is numpy's own."""
    found: Floats = np.bincount(part.number, values, len(part.starts)).astype(np.float64, copy=False)
    return found


def deviations(values: Floats, part: Slices) -> Floats:
    """The squared deviations from the mean of the slice, over what is known, summed."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):  # a slice of unknown values has no mean
        mean = sums(np.where(known, values, 0.0), part) / sums(known, part)
    return sums(np.where(known, np.square(values - mean[part.number]), 0.0), part)


def extreme(choose: np.ufunc, values: Floats, part: Slices) -> Floats:
    """The extreme of each slice, by `np.fmax` and the like."""
    found: Floats = choose.reduceat(values, part.starts)
    return found


def runs(classes: npt.NDArray[np.int8], kind: int, part: Slices) -> tuple[Floats, Floats, Floats]:
    """How many rows of `kind` each slice begins with, ends with, and has in a row at most."""
    new = (np.diff(classes, prepend=classes[:1]) != 0) | (np.diff(part.number, prepend=-1) != 0)
    starts = np.flatnonzero(new)
    length = np.where(classes[starts] == kind, np.diff(starts, append=len(classes)), 0).astype(np.float64)
    first = np.searchsorted(starts, part.starts)
    last = np.searchsorted(starts, part.ends, side="right") - 1
    return length[first], length[last], np.maximum.reduceat(length, first)


def fall(values: Floats, part: Slices) -> tuple[Floats, Floats, Floats]:
    """The highest and the lowest running sum of each slice, from zero, and its deepest fall from a high, all of (d,).

    Slices go side by side, one row of each at a time, so that each running sum starts anew at zero.
    """
    count = part.ends - part.starts + 1
    high, low, deepest = np.zeros(len(count)), np.zeros(len(count)), np.zeros(len(count))
    for at in np.flatnonzero(count > _LONG):
        running = np.cumsum(values[part.starts[at] : part.ends[at] + 1])
        peak = np.maximum(np.maximum.accumulate(running), 0.0)
        high[at], low[at], deepest[at] = peak[-1], min(running.min(), 0.0), (peak - running).max()
    short = np.flatnonzero(count <= _LONG)
    order = short[np.argsort(-count[short], kind="stable")]  # so that those that go on stay in front
    sums_, tops, bottoms, falls = (np.zeros(len(order)) for _ in range(4))
    for row in range(int(count[order[0]]) if len(order) else 0):
        going = int(np.searchsorted(-count[order], -row, side="left"))
        now, top = sums_[:going], tops[:going]
        now += values[part.starts[order[:going]] + row]
        np.maximum(top, now, out=top)
        np.minimum(bottoms[:going], now, out=bottoms[:going])
        np.maximum(falls[:going], top - now, out=falls[:going])
    high[order], low[order], deepest[order] = tops, bottoms, falls
    return high, low, deepest
