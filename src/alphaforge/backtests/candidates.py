"""The rows that pass every filter that candles alone decide, with what would become of a trade on each."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from alphaforge.backtests.columns import joined, taken
from alphaforge.backtests.entries import Entries, entries
from alphaforge.backtests.fills import Ends, settle_all
from alphaforge.backtests.model import SIGNAL, Codes, Market, Options
from alphaforge.core.candles import Floats, Ints
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours
from alphaforge.signals.analysis import Analysis
from alphaforge.signals.screening import screen
from alphaforge.signals.votes import Mask


@dataclass(frozen=True, slots=True)
class Evaluated:
    """The rows of one instrument that a backtest evaluates, in the order of time; arrays of shape (rows,).

    `first`: the first of them in the series. `reason`: positions in `tuple(Reason)` of the first filter that candles
    alone fail, SIGNAL where none does; the desk's own reasons are written into it later. `side`: +1 BUY, -1 SELL, 0.
    """

    instrument: Instrument
    analysis: Analysis
    first: int
    reason: Codes
    side: Codes

    def closes(self) -> Ints:
        """The closes of the rows, epoch seconds."""
        time = self.analysis.series.time
        return time[self.first : self.first + len(self.reason)] + Granularity.M5.seconds


def evaluated(analysis: Analysis, instrument: Instrument, hours: MarketHours, start: float, end: float) -> Evaluated:
    """The warm rows whose candles close after `start` and by `end` (epoch seconds), and what candles say of them."""
    closes = analysis.series.time[analysis.first :] + Granularity.M5.seconds
    chosen = np.flatnonzero(analysis.warm & (closes > start) & (closes <= end))  # without holes: warmth never ends
    rows = slice(int(chosen[0]), int(chosen[-1]) + 1) if len(chosen) else slice(0, 0)
    market_open = np.zeros(len(closes), bool)
    market_open[rows] = hours.open_at(closes[rows])
    screened = screen(analysis, market_open)
    return Evaluated(
        instrument, analysis, analysis.first + rows.start, screened.reason[rows].copy(), screened.direction[rows]
    )


@dataclass(frozen=True, slots=True)
class Candidates:
    """Rows that only the desk can refuse, each column of shape (n,).

    `instrument`: position in the market's. `place`: in `Evaluated`. `row`: in the series. `close`: epoch seconds.
    `last`: whether no candle follows. `regime`: position in `signals.regime.REGIMES`. `strength`, `agreement` as
    `Analysis` has them.
    """

    instrument: Codes
    place: Ints
    row: Ints
    close: Ints
    last: Mask
    regime: Codes
    strength: Floats
    agreement: Floats
    entries: Entries
    ends: Ends


def candidates(parts: Sequence[Evaluated], market: Market, options: Options, through: float) -> Candidates:
    """Every instrument's candidates in the order in which a desk decides: of time, then of instruments.

    Candles that end after `through` (epoch seconds) are not looked at.
    """
    each = [_of_one(number, part, market, options, through) for number, part in enumerate(parts)]
    together = joined(each)
    return taken(together, np.lexsort((together.instrument, together.close)))


def _of_one(number: int, part: Evaluated, market: Market, options: Options, through: float) -> Candidates:
    analysis, instrument = part.analysis, part.instrument
    candles = analysis.series.until(through)
    finer = market.finer if options.finer else None
    place = np.flatnonzero(part.reason == SIGNAL)
    row = part.first + place
    at = row - analysis.first
    proposed = entries(
        candles,
        row,
        part.side[place].astype(np.float64),
        analysis.atr[at],
        instrument=instrument,
        settings=analysis.settings,
        at=options.entry,
    )
    return Candidates(
        instrument=np.full(len(row), number, np.int8),
        place=place,
        row=row,
        close=candles.time[row] + Granularity.M5.seconds,
        last=row + 1 >= len(candles),
        regime=analysis.regime[at],
        strength=analysis.strength[at],
        agreement=analysis.agreement[at],
        entries=proposed,
        ends=settle_all(proposed, candles, instrument.pip, through=through, finer=finer),
    )
