"""Where a trade is entered, given up and taken."""

import math

from alphaforge.core.instruments import Instrument
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
