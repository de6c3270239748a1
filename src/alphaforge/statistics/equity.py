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

    `day`: int64, days since 1970; row 0 has the first day of the record, `last` is its last. `equity`: money; from
    zero where `balance` is None. `drawdown`: equity below its highest close so far, the start among them, <= 0.
    `flat`: int64 (d,), Mondays to Fridays without a trade after each day and before the next; `lead`: before the first.
    """

    balance: float | None
    day: Ints
    equity: Floats
    drawdown: Floats
    flat: Ints
    lead: int
    last: int

    @property
    def flat_days(self) -> int:
        """All days without a trade."""
        return self.lead + int(self.flat.sum())

    @property
    def peak(self) -> Floats:
        """The highest close so far."""
        return self.equity - self.drawdown


def equity(days: Days, balance: float | None = None, span: tuple[int, int] | None = None) -> Equity:
    """The equity that these days' amounts make of `balance`; what is not known adds nothing.

    `span`: first and last trading day of the record, where it is longer than from the first to the last trade.
    Raises InvalidInput for a balance that is not above zero.
    """
    if balance is not None and not (isfinite(balance) and balance > 0):
        message = f"A starting balance of {balance} is impossible"
        raise InvalidInput(message, advice="Give an amount above 0, or none: then nothing is said in percent.")
    value = np.concatenate(([0.0], np.cumsum(days.of("amount")))) + (balance or 0.0)
    fall = value - np.maximum.accumulate(value)
    if not len(days):
        return Equity(balance, np.zeros(1, np.int64), value, fall, np.zeros(0, np.int64), 0, 0)
    first, last = int(days.day[0]), int(days.day[-1])
    if span is not None:
        first, last = min(first, span[0]), max(last, span[1])
    ends = _weekdays_before(np.concatenate((days.day, [last + 1])))
    flat = ends[1:] - _weekdays_before(days.day + 1)
    lead = int(ends[0] - _weekdays_before(np.array([first], np.int64))[0])
    return Equity(balance, np.concatenate(([first], days.day)), value, fall, flat, lead, last)


def returns(account: Equity) -> Floats | None:
    """The return of each day with trades on the equity before it, (d,); None without a balance, or once it was gone."""
    if account.balance is None or account.equity.min() <= 0:
        return None
    return np.diff(account.equity) / account.equity[:-1]


def daily_returns(days: Days, balance: float, span: tuple[int, int] | None = None) -> Floats | None:
    """The return of every trading day of the record, flat days as 0; None where `returns` has none."""
    account = equity(days, balance, span)
    found = returns(account)
    if found is None:
        return None
    every = np.zeros(len(found) + account.flat_days)
    every[account.lead + np.arange(len(found)) + np.cumsum(account.flat) - account.flat] = found
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
    low = int(np.argmin(account.drawdown))
    if not account.drawdown[low] < 0:
        return None
    high = low - int(np.argmax(account.equity[low::-1]))
    back = np.flatnonzero(account.equity[low:] >= account.equity[high])
    end = int(account.day[low + int(back[0])]) if len(back) else account.last
    return Fall(
        depth=float(account.drawdown[low]),
        start=day_name(account.day[high]),
        trough=day_name(account.day[low]),
        recovery=day_name(end) if len(back) else None,
        days=end - int(account.day[high]),
    )


def longest_fall(account: Equity) -> int:
    """The most calendar days from a high to the day that was as high again, or to the end."""
    at_high = np.flatnonzero(account.drawdown == 0)
    days = np.diff(account.day[at_high], append=account.last)
    below = np.diff(at_high, append=len(account.equity)) > 1
    return int(days[below].max(initial=0))


def trade_by_trade(days: Days) -> float:
    """The deepest fall from any trade's close to a later one, <= 0, from what each day says of its own path."""
    before = np.concatenate(([0.0], np.cumsum(days.of("amount"))))[:-1]
    highs = np.maximum.accumulate(before + days.of("path_high"))
    peak = np.concatenate(([0.0], highs[:-1]))
    across = peak - (before + days.of("path_low"))
    return -max(float(across.max()), float(days.of("path_fall").max()), 0.0) + 0.0


def _weekdays_before(day: Ints) -> Ints:
    """How many Mondays to Fridays lie before a day, counted from the Monday before 1970."""
    monday = day + 3  # 1970-01-01 was a Thursday
    return monday // 7 * 5 + np.minimum(monday % 7, _FRIDAY)
