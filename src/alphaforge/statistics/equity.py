"""The equity by trading day: returns and drawdowns. Flat days count, by number instead of by row."""

from dataclasses import dataclass
from math import isfinite

import numpy as np

from alphaforge.core.candles import Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.calendar import day_name
from alphaforge.statistics.days import Days

_FRIDAY = 5


@dataclass(frozen=True, slots=True)
class Equity:
    """The account at the close of each day with trades, shape (d + 1,): row 0 is the start, before any trade.

    `day`: int64, days since 1970; row 0 repeats the first day. `equity`: money; from zero where `balance` is None.
    `drawdown`: equity below its highest close so far, the start among them, <= 0. `flat`: int64 (d,), Mondays to
    Fridays without a trade between a day and the next one in the table.
    """

    balance: float | None
    day: Ints
    equity: Floats
    drawdown: Floats
    flat: Ints

    @property
    def peak(self) -> Floats:
        """The highest close so far."""
        return self.equity - self.drawdown


def equity(days: Days, balance: float | None = None) -> Equity:
    """The equity that these days' amounts make of `balance`; what is not known adds nothing.

    Raises InvalidInput for a balance that is not above zero.
    """
    if balance is not None and not (isfinite(balance) and balance > 0):
        message = f"A starting balance of {balance} is impossible"
        raise InvalidInput(message, advice="Give an amount above 0, or none: then nothing is said in percent.")
    value = np.concatenate(([0.0], np.cumsum(days.of("amount")))) + (balance or 0.0)
    fall = value - np.maximum.accumulate(value)
    flat = _weekdays_before(days.day[1:]) - _weekdays_before(days.day[:-1] + 1)
    return Equity(balance, np.concatenate((days.day[:1], days.day)), value, fall, np.append(flat, 0)[: len(days)])


def returns(account: Equity) -> Floats | None:
    """The return of each day with trades on the equity before it, (d,); None without a balance, or once it was gone."""
    if account.balance is None or account.equity.min() <= 0:
        return None
    return np.diff(account.equity) / account.equity[:-1]


def daily_returns(days: Days, balance: float) -> Floats | None:
    """The return of every trading day from the first trade's to the last one's, flat days as 0; None: see `returns`."""
    account = equity(days, balance)
    found = returns(account)
    if found is None:
        return None
    every = np.zeros(len(found) + int(account.flat.sum()))
    every[np.arange(len(found)) + np.cumsum(account.flat) - account.flat] = found
    return every


@dataclass(frozen=True, slots=True)
class Fall:
    """The deepest fall in money: its days, and how many calendar days from the high to the recovery or the end."""

    depth: float
    start: str
    trough: str
    recovery: str | None
    days: int


def deepest(account: Equity) -> Fall | None:
    """The deepest fall between closes, None where there was none. The first of equals; it starts at the last high."""
    low = int(np.argmin(account.drawdown)) if len(account.drawdown) else 0
    if not account.drawdown[low] < 0:
        return None
    high = low - int(np.argmax(account.equity[low::-1]))
    back = np.flatnonzero(account.equity[low:] >= account.equity[high])
    end = low + int(back[0]) if len(back) else len(account.equity) - 1
    return Fall(
        depth=float(account.drawdown[low]),
        start=day_name(account.day[high]),
        trough=day_name(account.day[low]),
        recovery=day_name(account.day[end]) if len(back) else None,
        days=int(account.day[end] - account.day[high]),
    )


def longest_fall(account: Equity) -> int:
    """The most calendar days from a high to the day that was as high again, or to the end."""
    at_high = np.flatnonzero(account.drawdown == 0)
    days = np.diff(account.day[at_high], append=account.day[-1])
    below = np.diff(at_high, append=len(account.equity)) > 1
    return int(days[below].max(initial=0))


def trade_by_trade(days: Days) -> float:
    """The deepest fall from any trade's close to a later one, <= 0, from what each day says of its own path."""
    before = np.concatenate(([0.0], np.cumsum(days.of("amount"))))[:-1]
    highs = np.maximum.accumulate(before + days.of("path_high"))
    peak = np.concatenate(([0.0], np.maximum(highs[:-1], 0.0)))
    across = peak - (before + days.of("path_low"))
    return -max(float(across.max()), float(days.of("path_fall").max()), 0.0) + 0.0


def _weekdays_before(day: Ints) -> Ints:
    """How many Mondays to Fridays lie before a day, counted from the Monday before 1970."""
    monday = day + 3  # 1970-01-01 was a Thursday
    return monday // 7 * 5 + np.minimum(monday % 7, _FRIDAY)
