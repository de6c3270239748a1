"""Trades summed up by trading day: the one table that every figure is made from.

A day's row is made of that day's trades alone, in the order of their closing, with sums that are added one after the
other. So it is the same to the last bit whatever other days there are, and a table whose changed days are replaced
equals one that is made anew.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.trades import Classes, ResultClass, Trades
from alphaforge.statistics.within_day import Slices, deviations, extreme, fall, runs, slices, sums

COLUMNS = (
    *("trades", "wins", "losses", "breakevens", "expired", "unknown"),
    *("amounts", "amount", "amount_spread", "profits", "profit", "shortfalls", "shortfall"),
    *("amount_best", "amount_worst", "costs", "cost", "with_cost", "before_cost"),
    *("rs", "r", "r_spread", "r_profit", "r_shortfall", "r_best", "r_worst"),
    *("pips_known", "pips", "pips_spread", "pips_best", "pips_worst"),
    *("maes", "mae", "mfes", "mfe", "exits", "exit_share", "exit_pips", "exit_mfe"),
    *("holding", "first_opened", "last_closed"),
    *("win_prefix", "win_suffix", "win_longest", "loss_prefix", "loss_suffix", "loss_longest"),
    *("path_high", "path_low", "path_fall"),
)
"""The rows of `Days.values`, in this order.

Counts: `trades` and the five classes; `amounts`, `costs`, `rs`, `pips_known`, `maes`, `mfes`: trades of which the
column is known; `with_cost`: amount and cost both are; `profits` and `shortfalls`: amounts above and below zero;
`exits`: pips known, and an MFE above zero. Sums over those: `amount`, `profit` >= 0, `shortfall` <= 0, `cost`,
`before_cost` (amount + cost), `r`, `r_profit`, `r_shortfall`, `pips`, `mae`, `mfe`, `exit_share` (pips / MFE of each),
`exit_pips`, `exit_mfe`, `holding` (seconds). `*_spread`: squared deviations from the day's own mean. `*_best`,
`*_worst`: NaN where none is known. `first_opened`, `last_closed`: epoch seconds. Streaks: wins or losses that the day
begins with, ends with, and the longest within it. Path, in amounts from zero at the day's start: the highest and the
lowest running sum, zero included, and the deepest fall from a high to a later low, >= 0.
"""

_AT = {name: position for position, name in enumerate(COLUMNS)}


@dataclass(frozen=True, slots=True)
class Days:
    """Days on which trades were closed, oldest first.

    `day`: int64 (d,), strictly increasing, days since 1970 of `trading_days`. `values`: float64 (len(COLUMNS), d).
    Raises InvalidInput for other shapes and another order.
    """

    day: Ints
    values: Floats

    def __post_init__(self) -> None:
        if self.values.shape != (len(COLUMNS), len(self.day)) or (np.diff(self.day) <= 0).any():
            message = f"{len(self.day)} days in ascending order need {len(COLUMNS)} values each"
            raise InvalidInput(message)
        object.__setattr__(self, "values", np.ascontiguousarray(self.values))  # the order in which sums are added

    def __len__(self) -> int:
        return len(self.day)

    def of(self, name: str) -> Floats:
        """One of `COLUMNS`, shape (d,)."""
        column: Floats = self.values[_AT[name]]
        return column


NO_DAYS = Days(np.zeros(0, np.int64), np.zeros((len(COLUMNS), 0)))


def replaced(days: Days, changed: Days, gone: Iterable[int] = ()) -> Days:
    """`days` with the rows of `changed` in the place of theirs, and without the days of `gone`."""
    out = np.fromiter(gone, np.int64)
    place = np.searchsorted(days.day, changed.day)
    if not len(out) and len(days) and (days.day.take(place, mode="clip") == changed.day).all():
        values = days.values.copy()  # the same days as before: the most frequent change
        values[:, place] = changed.values
        return Days(days.day, values)
    old = ~np.isin(days.day, np.concatenate((changed.day, out)))
    new = ~np.isin(changed.day, out)
    day = np.concatenate((days.day[old], changed.day[new]))
    order = np.argsort(day)
    return Days(day[order], np.concatenate((days.values[:, old], changed.values[:, new]), axis=1)[:, order])


def summarised(trades: Trades) -> Days:
    """The days of these trades."""
    if not len(trades):
        return NO_DAYS
    day = trading_days(trades.closed)
    part = slices(day)
    return Days(day[part.starts], _table(trades, part))


def summarised_by(trades: Trades, codes: Ints, positions: Ints) -> dict[int, Days]:
    """The days of several groups at once, by their codes: the same as `summarised` of each.

    `codes`, `positions`: int64 (m,), that the trade at a position belongs to the group of a code (>= 0); the positions
    of a code ascend.
    """
    if not len(codes):
        return {}
    order = np.argsort(codes, kind="stable")
    where = positions[order]
    day = trading_days(trades.closed)[where]
    part = slices(codes[order] * _FAR + day)
    table = _table(_Columns(*(getattr(trades, field.name)[where] for field in fields(Trades))), part)
    day, code = day[part.starts], codes[order][part.starts]
    starts = np.flatnonzero(np.diff(code, prepend=-1))
    ends = [*starts[1:].tolist(), len(code)]
    return {
        int(code[start]): Days(day[start:end], table[:, start:end])
        for start, end in zip(starts.tolist(), ends, strict=True)
    }


_FAR = 1 << 32  # days: no two groups touch


@dataclass(frozen=True, slots=True)
class _Columns:
    """The columns of `Trades`, group by group: in the order of closing within each."""

    opened: Floats
    closed: Floats
    amount: Floats
    cost: Floats
    r: Floats
    pips: Floats
    mae: Floats
    mfe: Floats
    result: Classes


def _table(trades: Trades | _Columns, part: Slices) -> Floats:
    columns = {
        **_classes(trades, part),
        **_amounts(trades, part),
        **_multiples(trades, part),
        **_prices(trades, part),
        "holding": sums(trades.closed - trades.opened, part),
        "first_opened": extreme(np.minimum, trades.opened, part),
        "last_closed": trades.closed[part.ends],
    }
    return np.stack([columns[name] for name in COLUMNS])


def _classes(trades: Trades | _Columns, part: Slices) -> dict[str, npt.NDArray[np.generic]]:
    result = trades.result
    names = {"wins": ResultClass.WIN, "losses": ResultClass.LOSS, "breakevens": ResultClass.BREAKEVEN}
    names |= {"expired": ResultClass.EXPIRED, "unknown": ResultClass.UNKNOWN}
    counts = {name: sums(result == one, part) for name, one in names.items()}
    win, loss = runs(result, int(ResultClass.WIN), part), runs(result, int(ResultClass.LOSS), part)
    return {
        "trades": (part.ends - part.starts + 1).astype(np.float64),
        **counts,
        **dict(zip(("win_prefix", "win_suffix", "win_longest"), win, strict=True)),
        **dict(zip(("loss_prefix", "loss_suffix", "loss_longest"), loss, strict=True)),
    }


def _amounts(trades: Trades | _Columns, part: Slices) -> dict[str, npt.NDArray[np.generic]]:
    amount, cost = trades.amount, trades.cost
    known = ~np.isnan(amount)
    value = np.where(known, amount, 0.0)
    before = amount + cost
    high, low, deepest = fall(value, part)
    return {
        "amounts": sums(known, part),
        "amount": sums(value, part),
        "amount_spread": deviations(amount, part),
        "profits": sums(value > 0, part),
        "profit": sums(np.maximum(value, 0.0), part),
        "shortfalls": sums(value < 0, part),
        "shortfall": sums(np.minimum(value, 0.0), part),
        "amount_best": extreme(np.fmax, amount, part),
        "amount_worst": extreme(np.fmin, amount, part),
        **_known("costs", "cost", cost, part),
        **_known("with_cost", "before_cost", before, part),
        "path_high": high,
        "path_low": low,
        "path_fall": deepest,
    }


def _multiples(trades: Trades | _Columns, part: Slices) -> dict[str, npt.NDArray[np.generic]]:
    value = np.nan_to_num(trades.r, nan=0.0)
    return {
        **_known("rs", "r", trades.r, part),
        "r_spread": deviations(trades.r, part),
        "r_profit": sums(np.maximum(value, 0.0), part),
        "r_shortfall": sums(np.minimum(value, 0.0), part),
        "r_best": extreme(np.fmax, trades.r, part),
        "r_worst": extreme(np.fmin, trades.r, part),
    }


def _prices(trades: Trades | _Columns, part: Slices) -> dict[str, npt.NDArray[np.generic]]:
    pips, mfe = trades.pips, trades.mfe
    exits = ~np.isnan(pips) & (mfe > 0)
    left = np.where(exits, pips, 0.0)
    reached = np.where(exits, mfe, 1.0)
    return {
        **_known("pips_known", "pips", pips, part),
        "pips_spread": deviations(pips, part),
        "pips_best": extreme(np.fmax, pips, part),
        "pips_worst": extreme(np.fmin, pips, part),
        **_known("maes", "mae", trades.mae, part),
        **_known("mfes", "mfe", mfe, part),
        "exits": sums(exits, part),
        "exit_share": sums(left / reached, part),
        "exit_pips": sums(left, part),
        "exit_mfe": sums(np.where(exits, mfe, 0.0), part),
    }


def _known(count: str, total: str, values: Floats, part: Slices) -> dict[str, npt.NDArray[np.generic]]:
    known = ~np.isnan(values)
    return {count: sums(known, part), total: sums(np.where(known, values, 0.0), part)}
