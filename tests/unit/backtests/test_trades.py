from dataclasses import fields, replace

import numpy as np
import pytest

from alphaforge.backtests.choices import Entry
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market, Options, Run
from alphaforge.backtests.trades import order_of, trades_of
from alphaforge.core.market_hours import hours_of
from alphaforge.signals.model import Status
from alphaforge.signals.settings import StrategySettings
from alphaforge.statistics.trades import ResultClass
from builders import GBP_USD, USD_JPY, XAU_USD, walk

INSTRUMENTS = (GBP_USD, XAU_USD, USD_JPY)
MARKET = Market(
    {one.name: walk(one, 1_000, seed=31 + place) for place, one in enumerate(INSTRUMENTS)},
    INSTRUMENTS,
    {one.name: hours_of(one.name) for one in INSTRUMENTS},
    source="a random walk",
)
SETTINGS = StrategySettings(
    minimum_candles=40,
    volatility_window=40,
    minimum_adx=0.0,
    minimum_strength=0.0,
    cooldown=900.0,
    stop_atr=4.0,
    target_atr=6.0,
)


def backtest(settings: StrategySettings = SETTINGS, **options: object) -> Run:
    return run(MARKET, settings, replace(Options(), **options))  # type: ignore[arg-type] - any of its fields


@pytest.fixture(scope="module")
def found() -> Run:
    return backtest()


def test_trades_come_in_the_order_of_their_closing_and_can_be_found_again(found: Run) -> None:
    trades, order = trades_of(found), order_of(found)
    assert len(trades) == len(found.fills) > 30
    assert (np.diff(trades.closed) >= 0).all()
    assert (order != np.arange(len(order))).any()
    for one in ("opened", "closed", "amount", "cost", "pips", "mae", "mfe"):
        assert (getattr(trades, one) == getattr(found.fills, one)[order]).all()
    assert (np.diff(found.fills.candle_time) >= 0).all()


def test_a_trade_counts_as_what_its_signal_became_and_an_expired_one_as_itself(found: Run) -> None:
    statuses = [tuple(Status)[code] for code in found.fills.status[order_of(found)]]
    meant = {Status.WON: ResultClass.WIN, Status.LOST: ResultClass.LOSS, Status.EXPIRED: ResultClass.EXPIRED}
    assert set(statuses) == set(meant)
    assert trades_of(found).result.tolist() == [meant[one] for one in statuses]


def test_the_amounts_add_up_to_the_equity(found: Run) -> None:
    trades, equity = trades_of(found), found.fills.equity[order_of(found)]
    assert equity == pytest.approx(10_000.0 + np.cumsum(trades.amount))


def test_money_by_hand_of_the_first_trade() -> None:
    found = backtest(balance=50_000.0, risk=0.01)
    fills = found.fills
    assert fills.amount[0] == pytest.approx(500.0 * fills.r[0])
    assert fills.cost[0] == pytest.approx(500.0 * fills.spread[0] / abs(fills.entry[0] - fills.stop[0]))
    assert (fills.risk_fraction == backtest().fills.risk_fraction).all()  # what the live desk would have risked


def test_without_a_risk_of_its_own_a_trade_risks_what_the_desk_would(found: Run) -> None:
    fills, first = found.fills, int(order_of(found)[0])
    assert fills.amount[first] == pytest.approx(10_000.0 * fills.risk_fraction[first] * fills.r[first])


OVER_NIGHT = replace(SETTINGS, lifetime=90_000)


def test_financing_goes_into_amount_cost_and_r_and_leaves_the_fills_alone() -> None:
    rates = {one.name: (-0.9, 0.9) for one in INSTRUMENTS}
    plain, financed = backtest(OVER_NIGHT, risk=0.01), backtest(OVER_NIGHT, risk=0.01, financing=rates)
    for field in fields(plain.fills):
        if field.name not in {"financing_r", "amount", "cost", "equity"}:
            assert (getattr(plain.fills, field.name) == getattr(financed.fills, field.name)).all()
    assert (plain.fills.financing_r == 0).all()
    fills = financed.fills
    held = fills.financing_r != 0
    assert 0 < held.sum() < len(fills)
    assert (np.sign(fills.financing_r[held]) == -fills.side[held]).all()
    r, cost_r = fills.r + fills.financing_r, fills.spread / np.abs(fills.entry - fills.stop) - fills.financing_r
    assert trades_of(financed).r.tolist() == r[order_of(financed)].tolist()
    assert fills.amount * cost_r == pytest.approx(fills.cost * r)  # both are of the same money at risk


def test_only_instruments_with_rates_are_financed() -> None:
    fills = backtest(OVER_NIGHT, financing={"GBP_USD": (0.05, -0.05)}).fills
    pound = fills.instrument == INSTRUMENTS.index(GBP_USD)
    assert (fills.financing_r[~pound] == 0).all()
    assert (fills.financing_r[pound] != 0).any()


def test_entered_at_the_next_open_trades_are_accounted_from_there() -> None:
    found = backtest(entry=Entry.NEXT_OPEN)
    assert (trades_of(found).opened == found.fills.opened[order_of(found)]).all()
    assert found.fills.equity[order_of(found)] == pytest.approx(10_000.0 + np.cumsum(trades_of(found).amount))
