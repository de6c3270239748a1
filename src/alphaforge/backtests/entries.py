"""Positions that rows of a series make: where they are entered, and for how long they live."""

from dataclasses import dataclass

import numpy as np

from alphaforge.backtests.choices import Entry
from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.instruments import Instrument
from alphaforge.core.rounding import rounded
from alphaforge.signals.analysis import SPREAD_DIGITS
from alphaforge.signals.levels import levels_of_many
from alphaforge.signals.settings import StrategySettings


@dataclass(frozen=True, slots=True)
class Entries:
    """Positions of one instrument, each column of shape (n,).

    `sign`: +1.0 BUY, -1.0 SELL. `entry`, `stop`, `target`, `spread` (at the entry) in prices, NaN where no position can
    be made. `opened`, `expires`: epoch seconds.
    """

    sign: Floats
    entry: Floats
    stop: Floats
    target: Floats
    spread: Floats
    opened: Ints
    expires: Ints

    def __len__(self) -> int:
        return len(self.sign)


def entries(
    candles: CandleSeries,
    rows: Ints,
    sign: Floats,
    atr: Floats,
    *,
    instrument: Instrument,
    settings: StrategySettings,
    at: Entry = Entry.SIGNAL,
) -> Entries:
    """The positions that signals on the candles in `rows` make, with sides `sign` (+1.0, -1.0) and `atr` in prices.

    At SIGNAL they are entered at the quote of the candle's close, at NEXT_OPEN at the open of the next candle there is,
    after a weekend as the case may be: BUY at the ask, SELL at the bid. Levels lie around the entry as
    `signals.levels.levels` lays them; NaN where it lays none, and where `candles` have no next one. Life begins when
    the position is entered.
    """
    if at is Entry.SIGNAL:
        bid, ask, opened = candles.bid.close[rows], candles.ask.close[rows], candles.time[rows]
        opened = opened + candles.granularity.seconds
    else:
        following = np.minimum(rows + 1, len(candles) - 1)
        bid, ask, opened = candles.bid.open[following], candles.ask.open[following], candles.time[following]
        atr = np.where(rows + 1 < len(candles), atr, np.nan)
    entry, stop, target = levels_of_many(sign, (bid, ask), atr, instrument, settings)
    spread = np.where(np.isnan(entry), np.nan, rounded(ask - bid, SPREAD_DIGITS))
    return Entries(sign, entry, stop, target, spread, opened, opened + settings.lifetime)
