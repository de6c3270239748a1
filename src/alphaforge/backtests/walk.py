"""What the desk does with candidates, one after the other: the part of a backtest that has a memory."""

import math
from collections.abc import Sequence
from heapq import heappop, heappush
from typing import Final

import numpy as np

from alphaforge.backtests.candidates import Candidates
from alphaforge.backtests.choices import Entry, Positions
from alphaforge.backtests.model import SIGNAL, Codes, Options, Reason
from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import rfc3339
from alphaforge.signals.desk import Book
from alphaforge.signals.regime import REGIMES
from alphaforge.signals.settings import StrategySettings
from alphaforge.signals.sizing import kelly_fraction

_EXPOSURE, _COOLDOWN, _POSITION_OPEN, _NO_NEXT_CANDLE = (
    tuple(Reason).index(one) for one in (Reason.EXPOSURE, Reason.COOLDOWN, Reason.POSITION_OPEN, Reason.NO_NEXT_CANDLE)
)
_LONG_AGO: Final = float("-inf")


class _Desk:
    """The open positions, each instrument's newest signal, and the results so far, in the numbers of candidates."""

    def __init__(self, found: Candidates, instruments: Sequence[Instrument], settings: StrategySettings) -> None:
        self._settings, self._cap, self._cooldown = settings, settings.exposure_cap, settings.cooldown
        self._sides = found.entries.sign.astype(np.int64).tolist()
        self._owners: list[int] = found.instrument.tolist()
        self._known = found.ends.known.tolist()
        self._ends = list(zip(found.ends.time.tolist(), found.ends.r.tolist(), strict=True))
        self._names = [one.name for one in instruments]
        self._currencies = [(one.base, one.quote) for one in instruments]
        self._net = dict.fromkeys((currency for both in self._currencies for currency in both), 0)
        self._last = [_LONG_AGO] * len(instruments)
        self._positions: list[int] = [0] * len(instruments)
        self._open: list[tuple[int, int]] = []
        self._book = Book(settings)

    def settle(self, close: int) -> None:
        """Close the positions whose end is known by `close`, and remember their results."""
        while self._open and self._open[0][0] <= close:
            _, at = heappop(self._open)
            owner = self._owners[at]
            self._hold(at, -1)
            time, r = self._ends[at]
            self._book.record(self._names[owner], r, time)

    def refusal(self, at: int, close: int) -> int:
        """The code of the live filter that refuses candidate `at`, as `signals.filters` has them; else SIGNAL."""
        owner, side, cap = self._owners[at], self._sides[at], self._cap
        base, quote = self._currencies[owner]
        # A currency that the side takes towards zero lies below the cap in its direction: nothing else to ask.
        if side * self._net[base] >= cap or -side * self._net[quote] >= cap:
            return _EXPOSURE
        if close - self._last[owner] < self._cooldown:
            return _COOLDOWN
        return SIGNAL

    def holds(self, at: int) -> bool:
        """Whether the instrument of candidate `at` has an open position."""
        return self._positions[self._owners[at]] > 0

    def risk(self, at: int, regime: int) -> float:
        """The fraction of the equity that Kelly would risk on candidate `at` now."""
        results = self._book.r_multiples(self._names[self._owners[at]])
        return kelly_fraction(results, REGIMES[regime], self._settings)

    def take(self, at: int, close: int) -> None:
        """Open a position on candidate `at`."""
        self._hold(at, 1)
        self._last[self._owners[at]] = close
        heappush(self._open, (self._known[at], at))

    def _hold(self, at: int, change: int) -> None:
        owner, side = self._owners[at], self._sides[at]
        base, quote = self._currencies[owner]
        self._net[base] += side * change
        self._net[quote] -= side * change
        self._positions[owner] += change


def walk(
    found: Candidates, instruments: Sequence[Instrument], settings: StrategySettings, options: Options
) -> tuple[Codes, Floats]:
    """Which candidates become trades: codes as in `Rows`, (n,), and the fraction to risk, NaN for the others.

    At each close, what ended by then is settled first, then each candidate is decided. Raises InvalidInput where the
    price has no room for a stop and a target, as the live decision does.
    """
    desk = _Desk(found, instruments, settings)
    codes, risks = [SIGNAL] * len(found.row), [math.nan] * len(found.row)
    one_each = options.positions is Positions.ONE
    possible = (~np.isnan(found.entries.entry)).tolist()
    for at, (close, regime) in enumerate(zip(found.close.tolist(), found.regime.tolist(), strict=True)):
        desk.settle(close)
        code = desk.refusal(at, close)
        if code == SIGNAL and one_each and desk.holds(at):
            code = _POSITION_OPEN
        if code == SIGNAL and not possible[at]:
            code = _impossible(found, at, instruments, options)
        if code == SIGNAL:
            risks[at] = desk.risk(at, regime)
            desk.take(at, close)
        codes[at] = code
    return np.array(codes, np.int8), np.array(risks)


def _impossible(found: Candidates, at: int, instruments: Sequence[Instrument], options: Options) -> int:
    """The code of why no position can be made of a signal."""
    if options.entry is Entry.NEXT_OPEN and found.last[at]:
        return _NO_NEXT_CANDLE
    name = instruments[int(found.instrument[at])].name
    message = f"{name} after {rfc3339(int(found.close[at]))} has no room for a stop and a target"
    raise InvalidInput(message)
