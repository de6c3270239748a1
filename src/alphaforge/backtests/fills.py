"""What became of many positions at once, each to the bit as `signals.outcome.settle` says of it alone.

That function is the definition; this is the same arithmetic over columns, a hundred times faster for thousands.
"""

from dataclasses import dataclass
from typing import Final, cast

import numpy as np

from alphaforge.backtests.entries import Entries
from alphaforge.backtests.model import Codes
from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.core.rounding import rounded
from alphaforge.signals.model import Direction, Outcome, Status
from alphaforge.signals.offline import FinerCandles, closer_look
from alphaforge.signals.outcome import OpenSignal, settle
from alphaforge.signals.votes import Mask

STATUSES: Final = tuple(Status)
"""A status's code is its position here."""

WON, LOST, EXPIRED, ACTIVE = (STATUSES.index(one) for one in (Status.WON, Status.LOST, Status.EXPIRED, Status.ACTIVE))

NEVER: Final = int(np.iinfo(np.int64).max)
"""The time of what has not happened."""

_AT_ONCE: Final = 256
"""Positions whose windows are looked at together: what is computed of 48 candles each then stays in a core's cache."""


@dataclass(frozen=True, slots=True)
class Ends:
    """How positions ended, each column of shape (n,); where they did not, `status` is ACTIVE and all else unknown.

    `status`: position in STATUSES. `time`: of the exit, `known`: the end of the M5 candle that told, or the expiry,
    epoch seconds, NEVER where there is none yet. `price`, `pips`, `r`, `mae`, `mfe`, `ambiguous` as `Outcome` has them.
    """

    status: Codes
    time: Ints
    known: Ints
    price: Floats
    pips: Floats
    r: Floats
    mae: Floats
    mfe: Floats
    ambiguous: Mask


def settle_all(
    entries: Entries, candles: CandleSeries, pip: float, *, through: float, finer: FinerCandles | None = None
) -> Ends:
    """How each of `entries` ended by the M5 `candles` that have ended by `through` (epoch seconds).

    `candles` are complete through that moment, `pip` in prices. `finer` is asked for M1, then for S5, where a candle
    touched both levels; without it such a position is lost. Positions that cannot be made have no end. Raises
    InvalidInput where stop and target do not lie on their sides of the entry.
    """
    _refuse(entries)
    known = candles.until(through)
    touch = _touches(entries, known)
    ends = _ends(entries, known, pip, touch, through)
    if finer is not None:
        for place in np.flatnonzero(ends.ambiguous).tolist():
            signal = _signal(entries, place, candles.instrument)
            closer = closer_look(finer, signal, int(known.time[touch.row[place]]))
            # A level was touched, so there is an outcome.
            _put(ends, place, cast("Outcome", settle(signal, known, pip, finer=closer)))
    return ends


def _refuse(entries: Entries) -> None:
    below, above = np.minimum(entries.stop, entries.target), np.maximum(entries.stop, entries.target)
    right = (entries.target - entries.stop) * entries.sign > 0
    right &= (below > 0) & (below < entries.entry) & (entries.entry < above) & np.isfinite(above)
    wrong = ~(right | np.isnan(entries.entry))
    if wrong.any():
        at = int(np.argmax(wrong))
        message = (
            f"{_direction(entries, at)} at {entries.entry[at]} cannot have its stop at {entries.stop[at]} "
            f"and target at {entries.target[at]}"
        )
        raise InvalidInput(message)


@dataclass(frozen=True, slots=True)
class _Touches:
    """Where each position first touched a level, and what it lived through before; (n,) each.

    `touched`: whether it did. `length`: candles of its life. `row`: of the one that touched, or of the last.
    `worst`, `best`: gains in prices of the candles before the touch, or of all; infinite where there are none.
    """

    touched: Mask
    length: Ints
    row: Ints
    worst: Floats
    best: Floats


def _touches(entries: Entries, candles: CandleSeries) -> _Touches:
    """The first touches of all positions, side by side: a BUY leaves on the bid, a SELL on the ask."""
    first = np.searchsorted(candles.time, entries.opened, side="left")
    ended = np.searchsorted(candles.time, entries.expires - candles.granularity.seconds, side="right")
    length, n = np.maximum(ended - first, 0), len(entries)
    found = _Touches(np.zeros(n, bool), length, first + length - 1, np.full(n, np.inf), np.full(n, -np.inf))
    width = int(length.max(initial=0))
    for sign, price in ((1.0, candles.bid), (-1.0, candles.ask)):
        places = np.flatnonzero((entries.sign == sign) & (length > 0))
        worst, best = (price.low, price.high) if sign > 0 else (price.high, price.low)
        if len(places):
            windows = _windows(worst, width), _windows(best, width)
            for begin in range(0, len(places), _AT_ONCE):
                _touch(found, places[begin : begin + _AT_ONCE], entries, first, windows)
    return found


def _windows(price: Floats, width: int) -> Floats:
    """The `width` prices from each row on, (n, width), as a view; what lies beyond the end is in nobody's life."""
    return np.lib.stride_tricks.sliding_window_view(np.concatenate((price, np.zeros(width - 1))), width)


def _touch(found: _Touches, places: Ints, entries: Entries, first: Ints, windows: tuple[Floats, Floats]) -> None:
    """Find the first touches of the positions at `places`, all of one side."""
    sign = entries.sign[places[0]]
    entry, stop, target = (column[places] for column in (entries.entry, entries.stop, entries.target))
    begin, length = first[places], found.length[places]
    # Levels are measured as the candles are, so that a price on a level is on it to the last bit.
    worst, best = (sign * (window[begin] - entry[:, np.newaxis]) for window in windows)
    touched = (worst <= (sign * (stop - entry))[:, np.newaxis]) | (best >= (sign * (target - entry))[:, np.newaxis])
    at = touched.argmax(axis=1)
    ended = touched[np.arange(len(at)), at] & (at < length)
    later = np.arange(worst.shape[1]) >= np.where(ended, at, length)[:, np.newaxis]
    np.copyto(worst, np.inf, where=later)
    np.copyto(best, -np.inf, where=later)
    found.touched[places] = ended
    found.row[places] = begin + np.where(ended, at, length - 1)
    found.worst[places], found.best[places] = worst.min(axis=1), best.max(axis=1)


def _ends(entries: Entries, candles: CandleSeries, pip: float, touch: _Touches, through: float) -> Ends:
    """The figures of every end, rounded to what a price can tell."""
    sign, entry = entries.sign, entries.entry
    start, opening, low, high, close = _last_candles(entries, candles, touch.row)
    stop, target = sign * (entries.stop - entry), sign * (entries.target - entry)
    at_stop = touch.touched & (opening <= stop)
    at_target = touch.touched & ~at_stop & (opening >= target)
    inside = touch.touched & ~at_stop & ~at_target
    stopped, taken = inside & (low <= stop), inside & (high >= target)
    won = at_target | (taken & ~stopped)
    expired = ~touch.touched & (entries.expires <= through) & ~np.isnan(entry)
    left = np.where(at_stop, opening, np.where(touch.length > 0, close, -entries.spread))
    price = np.select([won, stopped, at_stop | expired], [entries.target, entries.stop, entry + sign * left], np.nan)
    gain = sign * (price - entry)
    # Where in the candle a target lay is not known: all that went against the position counts as before it.
    worst = np.minimum(np.minimum(gain, touch.worst), np.select([won & inside, stopped], [low, opening], np.inf))
    best = np.maximum(np.maximum(gain, touch.best), np.where(inside, opening, -np.inf))
    end = start + candles.granularity.seconds
    return Ends(
        status=np.select([won, touch.touched, expired], [WON, LOST, EXPIRED], ACTIVE).astype(np.int8),
        time=np.select([inside, touch.touched, expired], [end, start, entries.expires], NEVER),
        known=np.select([touch.touched, expired], [end, entries.expires], NEVER),
        price=rounded(price, 10),
        pips=rounded(gain / pip, 4),
        r=rounded(gain / np.abs(entry - entries.stop), 6),
        mae=rounded((np.maximum(-worst, 0.0) + 0.0) / pip, 4),  # + 0.0: no excursion is 0, not -0
        mfe=rounded((np.maximum(best, 0.0) + 0.0) / pip, 4),
        ambiguous=stopped & taken,
    )


def _last_candles(entries: Entries, candles: CandleSeries, row: Ints) -> tuple[Ints, Floats, Floats, Floats, Floats]:
    """The starts of the candles in `row`, and the gains at their open, worst, best and close, where a position leaves.

    Without any candle there is nothing to know.
    """
    if not len(candles):
        nothing = np.full(len(row), np.nan)
        return np.full(len(row), NEVER), nothing, nothing, nothing, nothing
    buys, bid, ask = entries.sign > 0, candles.bid, candles.ask

    def gain(of_buy: Floats, of_sell: Floats) -> Floats:
        gains: Floats = entries.sign * (np.where(buys, of_buy[row], of_sell[row]) - entries.entry)
        return gains

    return (
        candles.time[row],
        gain(bid.open, ask.open),
        gain(bid.low, ask.high),
        gain(bid.high, ask.low),
        gain(bid.close, ask.close),
    )


def _direction(entries: Entries, place: int) -> Direction:
    return Direction.BUY if entries.sign[place] > 0 else Direction.SELL


def _signal(entries: Entries, place: int, instrument: str) -> OpenSignal:
    """One position as the live desk would hold it."""
    return OpenSignal(
        id=place,
        instrument=instrument,
        direction=_direction(entries, place),
        entry=float(entries.entry[place]),
        stop=float(entries.stop[place]),
        target=float(entries.target[place]),
        opened_at=int(entries.opened[place]),
        expires_at=int(entries.expires[place]),
        spread=float(entries.spread[place]),
    )


def _put(ends: Ends, place: int, outcome: Outcome) -> None:
    """Say how one position ended; when that was known stays."""
    ends.status[place] = STATUSES.index(outcome.status)
    ends.time[place] = outcome.exit_time
    ends.price[place] = outcome.exit_price
    ends.pips[place] = outcome.pips
    ends.r[place] = outcome.r_multiple
    ends.mae[place] = outcome.mae
    ends.mfe[place] = outcome.mfe
    ends.ambiguous[place] = outcome.ambiguous
