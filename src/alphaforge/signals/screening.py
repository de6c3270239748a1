"""What the filters say to every candle of a history at once, as far as candles and the clock tell it."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from alphaforge.core.errors import InvalidInput
from alphaforge.core.rounding import rounded
from alphaforge.signals.analysis import SPREAD_DIGITS, Analysis
from alphaforge.signals.filters import PASSES, Columns, leads
from alphaforge.signals.model import FilterName
from alphaforge.signals.regime import Codes
from alphaforge.signals.votes import Mask

NONE: Final = -1
"""The reason of a candle that no filter refuses."""


@dataclass(frozen=True, slots=True)
class Screened:
    """What is decided on each analysed row (n,) at its candle's close, whatever the desk holds.

    `reason`: the position in FilterName of the first filter that fails, NONE where all pass but the two that ask the
    desk, exposure and cooldown: these come last, so a reason found here is the decision's. `direction`: +1 for BUY, -1
    for SELL, 0 for none. Neither means anything on rows that are not warm.
    """

    reason: Codes
    direction: Codes

    @property
    def candidates(self) -> Mask:
        """Which rows become signals unless the desk refuses, (n,)."""
        candidates: Mask = self.reason == NONE
        return candidates


def screen(analysis: Analysis, market_open: Mask) -> Screened:
    """Screen every analysed row, `market_open` (n,) being whether the market is open at its close.

    Raises InvalidInput where that is not said for each row.
    """
    if market_open.shape != analysis.buy.shape:
        message = f"Market hours of shape {market_open.shape} do not say it for {len(analysis.buy)} rows"
        raise InvalidInput(message)
    columns = _columns(analysis, market_open)
    reason = np.full(len(analysis.buy), NONE, np.int8)
    for position, name in reversed(tuple(enumerate(FilterName))):  # so that the first failure is the one that stays
        if name in PASSES:
            reason -= position  # where the filter does not pass, nothing but its position is left
            reason *= np.asarray(PASSES[name](columns, analysis.settings)).view(np.int8)
            reason += position
    return Screened(reason, columns.direction)


def _columns(analysis: Analysis, market_open: Mask) -> Columns:
    buy, sell, settings = analysis.buy, analysis.sell, analysis.settings
    buys, sells = np.asarray(leads(buy, sell, settings)), np.asarray(leads(sell, buy, settings))
    return Columns(
        market_open=market_open,
        regime_code=analysis.regime,
        direction=buys.view(np.int8) - sells.view(np.int8),
        agreement=analysis.agreement,
        strength=analysis.strength,
        close=analysis.close,
        atr=analysis.atr,
        adx=analysis.adx,
        spread=rounded(analysis.spread, SPREAD_DIGITS),
    )
