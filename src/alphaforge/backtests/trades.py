"""The trades of a backtest as every figure wants them."""

from typing import Final

import numpy as np

from alphaforge.backtests.account import closing_order
from alphaforge.backtests.fills import EXPIRED, LOST, STATUSES, WON
from alphaforge.backtests.model import Run
from alphaforge.core.candles import Ints
from alphaforge.statistics.trades import ResultClass, Trades

_CLASSES: Final = np.zeros(len(STATUSES), np.int8)
_CLASSES[[WON, LOST, EXPIRED]] = ResultClass.WIN, ResultClass.LOSS, ResultClass.EXPIRED


def order_of(run: Run) -> Ints:
    """The places in `run.fills` of its trades in the order of their closing: that of `trades_of`."""
    return closing_order(run.fills.opened, run.fills.closed)


def trades_of(run: Run) -> Trades:
    """The trades in the order of their closing, in money and with financing; `order_of` says which is which.

    `r` is net of financing as the amount is: what the trade brought by what it risked. `pips` are of prices alone.
    """
    fills, order = run.fills, order_of(run)
    return Trades(
        opened=fills.opened[order].astype(np.float64),
        closed=fills.closed[order].astype(np.float64),
        amount=fills.amount[order],
        cost=fills.cost[order],
        r=(fills.r + fills.financing_r)[order],
        pips=fills.pips[order],
        mae=fills.mae[order],
        mfe=fills.mfe[order],
        result=_CLASSES[fills.status[order]],
    )
