import json
from dataclasses import fields, replace

import numpy as np
import pytest

from alphaforge.backtests.choices import Entry
from alphaforge.backtests.controls import (
    Controls,
    _open_rows,
    _settled,
    controls_of,
    held,
    joined_controls,
    random_entries,
)
from alphaforge.backtests.engine import run
from alphaforge.backtests.judged import judged
from alphaforge.backtests.model import Options, Rows
from alphaforge.backtests.period import evaluated_period
from alphaforge.backtests.trades import trades_of
from alphaforge.core.candles import Ohlc
from alphaforge.signals.levels import levels
from alphaforge.signals.model import Direction
from alphaforge.signals.outcome import OpenSignal, settle
from alphaforge.signals.settings import DEFAULT_SETTINGS
from backtest_runs import SEEDS, analyses, controls, market, market_of, thirds, whole


def test_each_seed_draws_as_many_entries_as_there_were_trades() -> None:
    random = random_entries(whole(), analyses(), seeds=5)
    assert (random.trades <= len(whole().fills)).all()
    assert (random.trades > 0.98 * len(whole().fills)).all()  # but for those that the data leave open
    assert len(set(random.profit.tolist())) == 5
    again = random_entries(whole(), analyses(), seeds=7)
    assert again.profit[:5].tolist() == random.profit.tolist()


@pytest.mark.parametrize("at", list(Entry))
def test_a_random_entry_is_worth_what_a_signal_there_would_have_been(at: Entry) -> None:
    made = run(market(), DEFAULT_SETTINGS, Options(entry=at), start=whole().start, end=whole().end, analyses=analyses())
    instrument = market().instruments[0]
    series = market().series[instrument.name]
    rows = np.array([len(series) - 500, len(series) - 2_000])
    found = _settled(made, instrument, analyses()[instrument.name], rows, np.array([1.0, -1.0]))
    for row, direction, r in zip(rows.tolist(), (Direction.BUY, Direction.SELL), found.tolist(), strict=True):
        quote = (float(series.bid.close[row]), float(series.ask.close[row]))
        opened = int(series.time[row]) + 300
        if at is Entry.NEXT_OPEN:
            quote = (float(series.bid.open[row + 1]), float(series.ask.open[row + 1]))
            opened = int(series.time[row + 1])
        laid = levels(direction, quote, float(analyses()[instrument.name].atr[row]), instrument, DEFAULT_SETTINGS)
        assert laid is not None
        signal = OpenSignal(
            1,
            instrument.name,
            direction,
            laid.entry,
            laid.stop,
            laid.target,
            opened,
            opened + 14_400,
            quote[1] - quote[0],
        )
        outcome = settle(signal, series, instrument.pip)
        assert outcome is not None
        assert r == outcome.r_multiple


def test_nothing_after_the_period_is_looked_at() -> None:
    made = thirds()[0]
    last = evaluated_period(made)[1]
    cut = market_of(*(series.until(last) for series in market().series.values()))
    own = {name: replace(analysis, series=cut.series[name]) for name, analysis in analyses().items()}
    assert random_entries(made, analyses(), seeds=3).profit.tolist() == (
        random_entries(replace(made, market=cut), own, seeds=3).profit.tolist()
    )


def test_without_a_spread_is_the_run_over_mid_prices() -> None:
    at_mid = market_of(*(replace(one, bid=one.mid, ask=one.mid) for one in market().series.values()))
    fresh = trades_of(run(at_mid, DEFAULT_SETTINGS, Options(), start=whole().start, end=whole().end))
    again = controls().without_spread
    for name in {field.name for field in fields(fresh)} - {"amount"}:
        assert getattr(fresh, name).tolist() == getattr(again, name).tolist()
    assert again.amount.tolist() == fresh.r.tolist()


def flat(price: float, count: int) -> Ohlc:
    return Ohlc(*(np.full(count, price) for _ in range(4)))


def test_holding_pays_the_spread_and_remembers_its_deepest_fall() -> None:
    series = next(iter(market().series.values())).last(6)
    bid = Ohlc(*(np.array([10.0, 12.0, 9.0, 11.0, 8.0, 11.0]) for _ in range(4)))
    ask = Ohlc(*(column + 1.0 for column in bid.columns()))
    made = held(replace(series, bid=bid, ask=ask, mid=flat(10.0, 6)), 0, float(series.end))
    told = judged(replace(controls(), held={"GBP_USD": made}), whole().fills.r)["held"]
    assert told["instruments"]["GBP_USD"] == {
        "return": pytest.approx(11 / 11 - 1),
        "max_drawdown": pytest.approx(-(12 - 8) / 12),
    }
    assert told["together"] is None


def test_holding_nothing_says_nothing() -> None:
    series = next(iter(market().series.values()))
    made = held(series, series.end, series.end + 300)
    assert judged(replace(controls(), held={"GBP_USD": made}), whole().fills.r)["held"]["instruments"] == {}


def test_controls_of_parts_join_to_those_of_the_whole() -> None:
    parts = [controls_of(third, analyses(), seeds=SEEDS) for third in thirds()]
    joined = joined_controls(parts)
    assert joined.random.trades.tolist() == sum(part.random.trades for part in parts).tolist()  # type: ignore[attr-defined]
    assert len(joined.without_spread) == sum(len(part.without_spread) for part in parts)
    assert (np.diff(joined.without_spread.closed) >= 0).all()
    both, once = (judged(one, whole().fills.r)["held"] for one in (joined, controls()))
    for name, told in once["instruments"].items():
        assert both["instruments"][name]["return"] == told["return"]
        assert both["instruments"][name]["max_drawdown"] <= 0
    assert both["together"]["return"] == pytest.approx(once["together"]["return"])


def test_controls_survive_json() -> None:
    again = Controls.from_dict(json.loads(json.dumps(controls().to_dict(), allow_nan=False)))
    assert again.to_dict() == controls().to_dict()


def test_the_p_value_counts_the_run_itself() -> None:
    random = controls().random
    best = float(random.expectancy.max())
    told = judged(controls(), np.array([best, best]))["random"]["expectancy_r"]
    assert told["as_well"] == 1 / SEEDS
    assert told["p"] == 2 / (1 + SEEDS)
    assert sum(told["counts"]) == SEEDS
    unbeaten = judged(controls(), np.array([best + 1]))["random"]["expectancy_r"]
    assert (unbeaten["as_well"], unbeaten["p"]) == (0, 1 / (1 + SEEDS))


def test_a_run_without_trades_is_held_against_nothing() -> None:
    made = run(market(), replace(DEFAULT_SETTINGS, minimum_votes=99.0), Options(), start=whole().start, end=whole().end)
    own = controls_of(made, {name: replace(one, settings=made.settings) for name, one in analyses().items()}, seeds=3)
    told = judged(own, made.fills.r)
    assert told["random"]["expectancy_r"]["p"] is None
    assert told["without_spread"]["trades"] == 0


def test_as_many_of_the_random_entries_are_bought_as_of_the_trades() -> None:
    rising, own = [], {}
    for name, series in market().series.items():
        step = 1e-4 if name == "GBP_USD" else 0.1
        price = step * (10_000 + np.arange(len(series)))
        path = Ohlc(price, price + step, price, price + step)
        rising.append(replace(series, mid=path, bid=path, ask=path))
        own[name] = replace(analyses()[name], atr=np.full(len(series), 3 * step))  # what is bought wins 2 R
    random = random_entries(replace(whole(), market=market_of(*rising)), own, seeds=5)
    few = 4  # expire over a weekend, or are left open by the data
    assert np.abs(random.profit / 2 - np.count_nonzero(whole().fills.side > 0)).max() < few
    assert np.abs(-random.loss - np.count_nonzero(whole().fills.side < 0)).max() < few


def test_nobody_enters_at_random_in_a_closed_market() -> None:
    closed = (int(whole().fills.opened[10]), int(whole().fills.opened[60]))
    hours = {name: replace(one, closures=(closed,)) for name, one in market().hours.items()}
    own = replace(market(), hours=hours)
    made = run(own, DEFAULT_SETTINGS, Options(), start=whole().start, end=whole().end, analyses=analyses())
    for name, series in own.series.items():
        rows = _open_rows(made, name)
        assert 0 < len(rows) < len(made.rows[name].reason) - 100
        assert hours[name].open_at(series.time[rows] + 300).all()


def test_no_candle_is_drawn_twice() -> None:
    fills, rows = whole().fills, whole().rows
    bought = replace(fills, instrument=np.zeros_like(fills.instrument), side=np.ones_like(fills.side))
    few = {**rows, "GBP_USD": Rows(rows["GBP_USD"].first, rows["GBP_USD"].reason[:40])}
    random = random_entries(replace(whole(), rows=few, fills=bought), analyses(), seeds=5)
    assert random.trades.tolist() == [40] * 5
    assert np.ptp(random.profit) < 1e-9  # each seed has all forty
