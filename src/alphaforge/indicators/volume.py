"""How busy the market is."""

from alphaforge.core.candles import Floats
from alphaforge.indicators.windows import mean, padded, quotient


def volume_ratio(volume: Floats, period: int) -> Floats:
    """Volume by the simple average of the last `period` volumes, itself included; NaN where there was none at all."""
    average = mean(volume, period)
    return padded(quotient(volume[len(volume) - len(average) :], average), len(volume))
