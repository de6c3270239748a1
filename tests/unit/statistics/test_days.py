from dataclasses import fields
from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.statistics.calendar import trading_days
from alphaforge.statistics.days import NO_DAYS, Days, replaced, summarised
from alphaforge.statistics.figures import figures_of
from alphaforge.statistics.trades import Trades
from statistics_builders import DAY, MONDAY, seeded, trades_of


def same(one: Days, other: Days) -> bool:
    return one.day.tobytes() == other.day.tobytes() and one.values.tobytes() == other.values.tobytes()


def merged(trades: Trades, more: Trades) -> Trades:
    order = np.argsort(np.concatenate((trades.closed, more.closed)), kind="stable")
    names = [field.name for field in fields(Trades)]
    return Trades(*(np.concatenate((getattr(trades, name), getattr(more, name)))[order] for name in names))


@given(st.integers(0, 10_000), st.lists(st.tuples(st.integers(0, 3), st.integers(0, 400)), max_size=8))
@settings(max_examples=40, deadline=None)
def test_a_table_maintained_day_by_day_is_the_table_made_anew_to_the_last_bit(
    seed: int, edits: list[tuple[int, int]]
) -> None:
    draw = np.random.default_rng(seed)
    trades = seeded(300, 60, seed)
    kept = summarised(trades)
    for kind, at in edits:
        if kind and len(trades):  # remove a trade, or one whole day
            day = trading_days(trades.closed)
            gone = day == day[at % len(day)] if kind == 1 else np.arange(len(day)) == at % len(day)
            touched, trades = set(day[gone].tolist()), trades.where(~gone)
        else:
            more = seeded(1 + at % 3, 90, int(draw.integers(1 << 30)))
            touched, trades = set(trading_days(more.closed).tolist()), merged(trades, more)
        there = np.isin(trading_days(trades.closed), list(touched))
        changed = summarised(trades.where(there))
        kept = replaced(kept, changed, touched - set(changed.day.tolist()))
    anew = summarised(trades)
    assert same(kept, anew)
    assert repr(figures_of(kept, balance=10_000)) == repr(figures_of(anew, balance=10_000))


def test_a_day_is_the_same_whatever_days_are_beside_it() -> None:
    trades = seeded(5_000, 20)  # up to 300 a day, so that long days go their own way
    whole, day = summarised(trades), trading_days(trades.closed)
    for position, one in enumerate(whole.day):
        alone = summarised(trades.where(day == one))
        assert alone.values[:, 0].tobytes() == whole.values[:, position].tobytes()


def test_days_that_are_gone_are_gone_even_from_what_changed() -> None:
    days = summarised(seeded(50, 10))
    assert same(replaced(days, NO_DAYS), days)
    assert same(replaced(NO_DAYS, days), days)
    assert same(replaced(days, days, days.day.tolist()), NO_DAYS)


def test_a_days_path_is_that_of_its_trades_one_by_one() -> None:
    for count, sign in product((5, 64, 65, 200), (None, 1, -1)):
        trades = seeded(count, 0) if sign is None else trades_of([sign * 1.5] * count, closed=[MONDAY] * count)
        low = high = fall = now = 0.0
        for amount in np.nan_to_num(trades.amount).tolist():
            now += amount
            high, low = max(high, now), min(low, now)
            fall = max(fall, high - now)
        days = summarised(trades)
        assert [days.of(f"path_{name}")[0] for name in ("high", "low", "fall")] == [high, low, fall]


def test_a_trade_closed_at_five_in_new_york_belongs_to_the_next_day() -> None:
    five = MONDAY + 9 * 3600  # 21:00 UTC, 17:00 in New York in July
    assert trading_days(np.array([five - 1, five])).tolist() == [int(MONDAY // DAY), int(MONDAY // DAY) + 1]
