"""The money that trades make of a balance."""

from dataclasses import dataclass
from heapq import heappop, heappush

import numpy as np

from alphaforge.core.candles import Floats, Ints


@dataclass(frozen=True, slots=True)
class Account:
    """What became of the money, each column of shape (n,): risked at the opening, won or lost, and had afterwards."""

    risked: Floats
    amount: Floats
    equity: Floats


def account(opened: Ints, closed: Ints, fraction: Floats, r: Floats, balance: float) -> Account:
    """The account of trades, in the order in which they are given, that begins with `balance`.

    A trade risks its `fraction` of the equity that is realised when it is opened: of the balance and all amounts of
    trades that closed by then. It brings `r` times that when it closes. Trades close in the order of `closing_order`.
    No loss takes more than there is: equity ends at zero, and from then on nothing is risked. Times in epoch seconds.
    """
    risked, amounts, after = ([0.0] * len(opened) for _ in range(3))
    multiples, openings, closings = r.tolist(), opened.tolist(), closed.tolist()
    equity = balance
    open_ones: list[tuple[int, int, int]] = []

    def close_until(moment: float) -> None:
        nonlocal equity
        while open_ones and open_ones[0][0] <= moment:
            _, _, trade = heappop(open_ones)
            amounts[trade] = max(risked[trade] * multiples[trade], -equity)
            equity += amounts[trade]
            after[trade] = equity

    fractions = fraction.tolist()
    for trade in np.argsort(opened, kind="stable").tolist():
        close_until(openings[trade])
        risked[trade] = fractions[trade] * equity
        heappush(open_ones, (closings[trade], openings[trade], trade))
    close_until(float("inf"))
    return Account(np.array(risked), np.array(amounts), np.array(after))


def closing_order(opened: Ints, closed: Ints) -> Ints:
    """The places of trades in the order in which they close; those that close together, in that of their openings."""
    return np.lexsort((opened, closed))
