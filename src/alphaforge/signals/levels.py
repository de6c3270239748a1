"""Where a trade is entered, given up and taken."""

import math

import numpy as np

from alphaforge.core.candles import Floats
from alphaforge.core.instruments import Instrument
from alphaforge.core.rounding import rounded
from alphaforge.signals.model import Direction, Levels
from alphaforge.signals.settings import StrategySettings


def levels(
    direction: Direction, quote: tuple[float, float], atr: float, instrument: Instrument, settings: StrategySettings
) -> Levels | None:
    """Entry at the ask for a BUY and at the bid for a SELL; stop and target in multiples of ATR away from it.

    `quote`: bid and ask at the close. All three levels are rounded to the instrument's display precision, and are at
    least one step of it apart: rounding never puts a stop or a target on the entry or on its wrong side. None where
    nothing moves, or where a level would not be a price.
    """
    if not (math.isfinite(atr) and atr > 0):
        return None
    digits = instrument.display_precision
    step = 10.0**-digits
    sign = 1 if direction is Direction.BUY else -1
    entry = round(quote[direction is Direction.BUY], digits)
    stop = round(entry - sign * max(settings.stop_atr * atr, step), digits)
    target = round(entry + sign * max(settings.target_atr * atr, step), digits)
    if min(entry, stop, target) <= 0:
        return None
    return Levels(direction, entry, stop, target)


def levels_of_many(
    sign: Floats, quote: tuple[Floats, Floats], atr: Floats, instrument: Instrument, settings: StrategySettings
) -> tuple[Floats, Floats, Floats]:
    """Entry, stop and target of many proposals, each to the bit as `levels` has them; NaN where it has none.

    `sign`: +1 for a BUY, -1 for a SELL; bid, ask and `atr` in prices; every array float64 (n,).
    """
    digits = instrument.display_precision
    step = 10.0**-digits
    moving = np.where(np.isfinite(atr) & (atr > 0), atr, np.nan)
    entry = rounded(np.where(sign > 0, quote[1], quote[0]), digits)
    stop = rounded(entry - sign * np.maximum(settings.stop_atr * moving, step), digits)
    target = rounded(entry + sign * np.maximum(settings.target_atr * moving, step), digits)
    possible = np.minimum(np.minimum(entry, stop), target) > 0
    return (np.where(possible, entry, np.nan), np.where(possible, stop, np.nan), np.where(possible, target, np.nan))
