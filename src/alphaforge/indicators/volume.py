"""How busy the market is."""

from alphaforge.core.candles import Floats
from alphaforge.indicators.windows import mean, newest, quotient


def volume_ratio(volume: Floats, period: int) -> Floats:
    """Volume by the simple average of the last `period` volumes, itself included; NaN where there was none at all.

    Shape (n - period + 1,).
    """
    average = mean(volume, period)
    return quotient(newest(volume, len(average)), average)
