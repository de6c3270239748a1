"""What a trader made of signals: which were followed, how late, at what price, and what the others would have been.

Trades of one day share its market, so every interval here draws trading days, by the studentised bootstrap of
`resampling`; the standard error of a difference of means is the delta method's for a ratio of sums, the blocks of
days being the sampling unit (W. G. Cochran, Sampling Techniques, 1977, chapters 6 and 11).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints
from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.resampling import MINIMUM_DAYS, UNKNOWN, Interval, blocks, resampled, studentised
from alphaforge.statistics.sections import Estimate

MINIMUM = 10
"""Results on either side below which nothing is said of a difference."""
CANDLE = 300.0
"""Seconds behind the close of its candle until which an entry was in time: the length of one more candle."""

Codes = npt.NDArray[np.int8]


@dataclass(frozen=True, slots=True)
class Signalled:
    """Signals whose result is known, in any order, each column of shape (n,).

    `id`: none twice. `at`: the close of the signal's candle, epoch seconds. `side`: +1 to buy, -1 to sell. `r`: the
    R-multiple as signalled, and `pips` the same in pips. NaN is `not known`.
    """

    id: Ints
    at: Floats
    side: Codes
    r: Floats
    pips: Floats


@dataclass(frozen=True, slots=True)
class Taken:
    """Entries of a journal that name a signal, in any order, each column of shape (m,).

    `signal`: the id. `opened`: epoch seconds. `side` as in `Signalled`. `price`: where the trade was entered; `r`: its
    own R-multiple; `entry`, `stop`: the signal's. NaN is `not known`.
    """

    signal: Ints
    opened: Floats
    side: Codes
    price: Floats
    r: Floats
    entry: Floats
    stop: Floats

    def where(self, chosen: npt.NDArray[np.bool_]) -> "Taken":
        """Some of them."""
        return Taken(*(getattr(self, name)[chosen] for name in self.__slots__))


@dataclass(frozen=True, slots=True)
class Lateness:
    """How long after the close of the signal's candle the followers entered, in seconds; negative: before it.

    `late`: more than CANDLE after it, of `n` entries.
    """

    n: int
    late: int
    mean: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Slippage:
    """How much worse than the signal's entry the followers entered; negative: better. `n`: of how many it is known."""

    n: int
    mean: float | None
    worst: float | None


@dataclass(frozen=True, slots=True)
class Compared:
    """Two means of R, each with the number behind it, and their difference with its 95 % interval.

    The difference is None below MINIMUM results on either side, its interval also below MINIMUM_DAYS trading days.
    """

    first: Estimate
    second: Estimate
    difference: Estimate


@dataclass(frozen=True, slots=True)
class Following:
    """What was followed, since the first signal that was.

    `since`: the first signal's moment; None where none was followed. `signals` = `followed` + `against` + `skipped`:
    an entry of the signal's side names it; only entries of the other side do; none does. `entries`: those of the
    signal's side. `edge`: R as signalled of the followed (first) and of the skipped (second). `execution`: the
    entries' own R (first) and R as signalled of the same (second), where both are known.
    """

    since: float | None
    signals: int
    followed: int
    against: int
    skipped: int
    entries: int
    lateness: Lateness
    slippage_pips: Slippage
    slippage_r: Slippage
    edge: Compared
    execution: Compared


def following_of(signals: Signalled, entries: Taken, start: float | None = None) -> Following:
    """What became of the signals from `start` on (epoch seconds), else from the first that was followed.

    Entries that name none of the signals are passed over.
    """
    order = np.argsort(signals.id)
    signals = _chosen(signals, order)
    entries = entries.where(np.isin(entries.signal, signals.id))
    agrees = entries.side * signals.side[_places(signals, entries)] > 0
    mine = entries.where(agrees)
    since = start if start is not None else _first(signals, mine)
    signals = _chosen(signals, signals.at >= (np.inf if since is None else since))
    mine, theirs = (one.where(np.isin(one.signal, signals.id)) for one in (mine, entries.where(~agrees)))
    followed = np.isin(signals.id, mine.signal)
    against = np.isin(signals.id, theirs.signal) & ~followed
    skipped = ~followed & ~against
    days = trading_days(signals.at)
    at = _places(signals, mine)
    risk, worse = np.abs(mine.entry - mine.stop), mine.side * (mine.price - mine.entry)
    with np.errstate(divide="ignore", invalid="ignore"):  # levels that mean nothing have no slippage
        in_r = np.where(risk > 0, worse / risk, np.nan)
        in_pips = worse / _pip(risk, signals.r[at], signals.pips[at])
    return Following(
        since=since,
        signals=len(signals.id),
        followed=int(followed.sum()),
        against=int(against.sum()),
        skipped=int(skipped.sum()),
        entries=len(mine.signal),
        lateness=_lateness(mine.opened - signals.at[at]),
        slippage_pips=_slippage(in_pips),
        slippage_r=_slippage(in_r),
        edge=_apart(days, signals.r, followed, skipped),
        execution=_paired(days[at], mine.r, signals.r[at]),
    )


def _chosen(signals: Signalled, rows: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> Signalled:
    return Signalled(*(getattr(signals, name)[rows] for name in signals.__slots__))


def _places(signals: Signalled, entries: Taken) -> npt.NDArray[np.int64]:
    """The row of each entry's signal; ids are in ascending order."""
    return np.searchsorted(signals.id, entries.signal)


def _pip(risk: Floats, r: Floats, pips: Floats) -> Floats:
    """The price of a pip as the result of each signal tells it: a power of ten, see `Instrument`. NaN without one."""
    pip: Floats = np.power(10.0, np.round(np.log10(risk * np.abs(r / pips))))
    return np.where(np.isfinite(pip) & (pip > 0), pip, np.nan)


def _first(signals: Signalled, mine: Taken) -> float | None:
    return float(signals.at[_places(signals, mine)].min()) if len(mine.signal) else None


def _lateness(seconds: Floats) -> Lateness:
    late = int((seconds > CANDLE).sum())
    return Lateness(len(seconds), late, _mean(seconds), float(seconds.max()) if len(seconds) else None)


def _slippage(worse: Floats) -> Slippage:
    known = worse[np.isfinite(worse)]
    return Slippage(len(known), _mean(known), float(known.max()) if len(known) else None)


def _mean(values: Floats) -> float | None:
    return float(values.mean()) if len(values) else None


def _apart(days: Ints, r: Floats, first: npt.NDArray[np.bool_], second: npt.NDArray[np.bool_]) -> Compared:
    """Two groups of signals."""
    known = ~np.isnan(r)
    first, second = first & known, second & known
    value = np.where(known, r, 0.0)
    columns = np.stack((first * value, first, second * value, second)).astype(np.float64)
    return _compared(days, columns)


def _paired(days: Ints, first: Floats, second: Floats) -> Compared:
    """The same trades by two measures."""
    known = ~np.isnan(first + second)
    columns = np.stack((first[known], np.ones(known.sum()), second[known], np.ones(known.sum())))
    return _compared(days[known], columns)


def _compared(days: Ints, columns: Floats) -> Compared:
    """`columns`: sum and number of the first group, sum and number of the second; (4, n), a row's share of each."""
    (total, n, other, m) = (float(one) for one in columns.sum(axis=1))
    first = Estimate(total / n if n else None, int(n))
    second = Estimate(other / m if m else None, int(m))
    if min(n, m) < MINIMUM or first.value is None or second.value is None:
        return Compared(first, second, Estimate(None, int(min(n, m))))
    interval = _interval(days, columns)
    return Compared(first, second, Estimate(first.value - second.value, int(min(n, m)), *interval))


def _interval(days: Ints, columns: Floats) -> Interval:
    """Of the difference of the two means."""
    _, row = np.unique(days, return_inverse=True)
    by_day = np.stack([np.bincount(row, column).astype(np.float64) for column in columns])
    if by_day.shape[1] < MINIMUM_DAYS:
        return UNKNOWN
    parts = blocks(by_day)
    products = [parts[i] * parts[j] for i in range(4) for j in range(i, 4)]
    totals = resampled(np.concatenate((parts, np.stack(products))))
    with np.errstate(all="ignore"):  # a resample may have drawn nothing of a group
        estimate, error = _difference(totals)
        (low,), (high,) = studentised(estimate[None, :], error[None, :])
    return (float(low), float(high)) if np.isfinite(low + high) else UNKNOWN


def _difference(totals: Floats) -> tuple[Floats, Floats]:
    """The difference of the means in each resample, and its standard error.

    A block moves the difference by u = (s - a n) / N - (t - b m) / M, where s, n, t, m are its sums and numbers, a and
    b the means, N and M the numbers of all; the error is the root of the sum of u squared. A factor for few blocks
    would be in each error, and cancel.
    """
    s, n, t, m, *products = totals
    a, b = s / n, t / m
    weights = (1 / n, -a / n, -1 / m, b / m)
    squares = np.zeros_like(a)
    pairs = iter(products)
    for i in range(4):
        for j in range(i, 4):
            squares += (1 if i == j else 2) * weights[i] * weights[j] * next(pairs)
    return a - b, np.sqrt(np.maximum(squares, 0.0))
