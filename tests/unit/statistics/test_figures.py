import json
import math
from collections.abc import Callable
from itertools import groupby
from statistics import fmean, stdev
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput
from alphaforge.statistics.days import NO_DAYS, summarised
from alphaforge.statistics.equity import daily_returns
from alphaforge.statistics.figures import figures_of, plain, statistics_of
from alphaforge.statistics.trades import ResultClass, Trades
from statistics_builders import DAY, MONDAY, seeded, trades_of

NAN = math.nan
NEAR = {"rel": 1e-9, "abs": 1e-9}


def known(values: np.ndarray) -> list[float]:
    return [value for value in values.tolist() if not math.isnan(value)]


def longest(classes: list[int], kind: int) -> int:
    return max((len(list(run)) for value, run in groupby(classes) if value == kind), default=0)


def by_hand(trades: Trades) -> dict[str, Any]:
    """What can be said without days, in plain Python, from the formulas of docs/statistics.md."""
    amounts, r, pips, classes = known(trades.amount), known(trades.r), known(trades.pips), trades.result.tolist()
    won, lost = [one for one in amounts if one > 0], [one for one in amounts if one < 0]
    wins, losses = classes.count(1), classes.count(-1)
    holding = (trades.closed - trades.opened).tolist()
    exits = [
        (p, m) for p, m in zip(trades.pips.tolist(), trades.mfe.tolist(), strict=True) if not math.isnan(p) and m > 0
    ]
    payoff = fmean(won) / -fmean(lost)
    p = len(won) / (len(won) + len(lost))
    total = fall = peak = 0.0
    for one in amounts:
        total += one
        peak = max(peak, total)
        fall = min(fall, total - peak)
    return {
        "counts.trades": len(trades),
        "counts.wins": wins,
        "counts.losses": losses,
        "counts.expired": classes.count(2),
        "counts.unknown": classes.count(3),
        "rates.win_rate": wins / (wins + losses),
        "rates.win_rate_all": wins / (len(trades) - classes.count(3)),
        "rates.break_even": 1 / (1 + payoff),
        "money.gross_profit": sum(won),
        "money.gross_loss": sum(lost),
        "money.net": sum(amounts),
        "money.cost": sum(known(trades.cost)),
        "money.before_cost": sum(known(trades.amount + trades.cost)),
        "money.expectancy": fmean(amounts),
        "money.deviation": stdev(amounts),
        "money.profit_factor": sum(won) / -sum(lost),
        "money.payoff_ratio": payoff,
        "money.kelly": p - (1 - p) / payoff,
        "money.best": max(amounts),
        "money.worst": min(amounts),
        "r.total": sum(r),
        "r.expectancy": fmean(r),
        "r.deviation": stdev(r),
        "r.sqn": math.sqrt(len(r)) * fmean(r) / stdev(r),
        "r.profit_factor": sum(one for one in r if one > 0) / -sum(one for one in r if one < 0),
        "pips.total": sum(pips),
        "pips.mean": fmean(pips),
        "pips.deviation": stdev(pips),
        "streaks.longest_win": longest(classes, 1),
        "streaks.longest_loss": longest(classes, -1),
        "holding.mean_seconds": fmean(holding),
        "holding.exposure": sum(holding) / (trades.closed.max() - trades.opened.min()),
        "excursions.mae": fmean(known(trades.mae)),
        "excursions.mfe": fmean(known(trades.mfe)),
        "excursions.exit_efficiency": sum(p for p, _ in exits) / sum(m for _, m in exits),
        "excursions.exit_efficiency_mean": fmean(p / m for p, m in exits),
        "drawdown.trade_by_trade": fall,
        "drawdown.recovery_factor": sum(amounts) / -fall,
    }


def value(figures: dict[str, Any], name: str) -> Any:
    section, _, figure = name.partition(".")
    found = figures[section][figure]
    return found["value"] if isinstance(found, dict) else found


@given(st.integers(0, 100_000), st.integers(40, 600), st.integers(1, 120))
@settings(max_examples=25, deadline=None)
def test_every_figure_of_trades_is_its_formula(seed: int, count: int, days: int) -> None:
    trades = seeded(count, days, seed)
    figures = plain(statistics_of(trades))
    expected = by_hand(trades)
    assert {name: value(figures, name) for name in expected} == pytest.approx(expected, **NEAR)


@given(st.lists(st.sampled_from([-1, 0, 1, 2, 3]), min_size=1, max_size=60), st.integers(1, 12))
@settings(max_examples=60, deadline=None)
def test_streaks_are_those_of_the_trades_however_days_cut_them(classes: list[int], a_day: int) -> None:
    closed = [MONDAY + DAY * (number // a_day) + number % a_day for number in range(len(classes))]
    streaks = statistics_of(trades_of([0.0] * len(classes), closed=closed, classes=classes)).streaks
    last, run = [(kind, len(list(run))) for kind, run in groupby(classes)][-1]
    assert (streaks.longest_win, streaks.longest_loss) == (longest(classes, 1), longest(classes, -1))
    assert streaks.current == {1: run, -1: -run}.get(last, 0)


def test_trades_of_one_moment_may_stand_in_any_order() -> None:
    trades = trades_of([100, -200, 300, -50, NAN], closed=[MONDAY] * 5)
    other = trades.where(np.array([4, 2, 0, 3, 1]))
    one, two = plain(statistics_of(trades)), plain(statistics_of(other))
    for order_dependent in ("streaks", "drawdown"):
        del one[order_dependent], two[order_dependent]
    assert one == two


@given(st.integers(0, 100_000), st.integers(0, 60), st.sampled_from([None, 1.0, 500.0, 1e6]))
@settings(max_examples=40, deadline=None)
def test_figures_are_json_and_losses_are_never_positive(seed: int, count: int, balance: float | None) -> None:
    figures = plain(statistics_of(seeded(count, 30, seed), balance=balance))
    json.dumps(figures, allow_nan=False)
    names = ("money.gross_loss", "money.average_loss", "drawdown.maximum", "drawdown.maximum_share")
    names += ("drawdown.trade_by_trade", "drawdown.current", "drawdown.current_share")
    assert all((value(figures, name) or 0) <= 0 for name in names)
    for section in figures.values():
        for one in section.values():
            if isinstance(one, dict) and one["low"] is not None and one["high"] is not None:
                assert one["low"] <= one["high"]


def test_nothing_is_known_of_no_trades_and_nothing_of_it_is_zero() -> None:
    for trades in (trades_of([]), trades_of([NAN, NAN])):
        figures = plain(statistics_of(trades, balance=1000))
        for section in ("rates", "money", "r", "pips", "excursions", "drawdown"):
            left = {name: one["value"] if isinstance(one, dict) else one for name, one in figures[section].items()}
            assert {one for name, one in left.items() if name != "no_losses"} == {None}, section
            assert not left.get("no_losses")
    assert figures["counts"]["unknown"] == 2
    assert figures["counts"]["amounts"] == 0


def test_without_losses_there_is_no_profit_factor_but_a_flag() -> None:
    money = statistics_of(trades_of([10, 20, 0])).money
    assert (money.profit_factor.value, money.no_losses, money.gross_loss) == (None, True, 0)
    assert (money.payoff_ratio, money.kelly, money.average_loss) == (None, None, None)
    only = statistics_of(trades_of([-10, -20])).money
    assert (only.profit_factor.value, only.no_losses, only.gross_loss, only.worst) == (0, False, -30, -20)


def test_expired_trades_are_neither_won_nor_lost_but_their_money_counts() -> None:
    figures = statistics_of(trades_of([10, -10, -4, 0], classes=[1, -1, 2, 0]))
    assert (figures.rates.win_rate.value, figures.rates.win_rate.n) == (0.5, 2)
    assert (figures.rates.win_rate_all.value, figures.rates.win_rate_all.n) == (0.25, 4)
    assert figures.money.gross_loss == -14


def test_equal_results_have_no_deviation_and_no_ratio_by_it() -> None:
    figures = statistics_of(trades_of([0.1] * 50, closed=(MONDAY + DAY * np.arange(50)).tolist()))
    assert (figures.money.deviation, figures.r.sqn.value) == (0.0, None)


def test_yen_are_as_exact_as_dollars() -> None:
    dollars, yen = seeded(300, 50), seeded(300, 50)
    yen = Trades(*(getattr(yen, name) * (15_000_000 if name == "amount" else 1) for name in Trades.__slots__))
    one, other = statistics_of(dollars).money, statistics_of(yen).money
    assert other.profit_factor.value == pytest.approx(one.profit_factor.value, **NEAR)
    assert other.deviation == pytest.approx(one.deviation * 15_000_000, rel=1e-9)
    assert other.profit_factor.low == pytest.approx(one.profit_factor.low, rel=1e-6)


def test_drawdown_by_hand() -> None:
    closed = [MONDAY + DAY * number for number in (0, 0, 1, 2, 7, 9)]
    closed[1] += 60
    figures = statistics_of(trades_of([30, 70, -40, -20, 60, -10], closed=closed), balance=900)
    fall = figures.drawdown  # 1000, 960, 940, 1000, 990
    assert (fall.maximum, fall.maximum_share, fall.current) == (-60, pytest.approx(-0.06), -10)
    assert (fall.start, fall.trough, fall.recovery) == ("2025-07-07", "2025-07-09", "2025-07-14")
    assert (fall.days, fall.longest_days) == (7, 7)
    assert fall.recovery_factor == 90 / 60
    # Monday to Wednesday of the next week, flat from Thursday to Friday and on one Tuesday
    assert (figures.daily.days, figures.daily.flat_days) == (8, 3)
    shares = [0, -0.04, -0.06, -0.06, -0.06, 0, 0, -0.01]
    assert fall.ulcer_index == pytest.approx(math.sqrt(sum(one * one for one in shares) / 8))


def test_the_starting_balance_is_a_high_to_fall_from() -> None:
    fall = statistics_of(trades_of([-100.0]), balance=1000).drawdown
    assert (fall.maximum, fall.maximum_share, fall.start, fall.recovery) == (-100, -0.1, "2025-07-07", None)
    assert fall.days == 0
    assert statistics_of(trades_of([-100.0])).drawdown.maximum == -100


def test_a_fall_within_a_day_shows_trade_by_trade_alone() -> None:
    fall = statistics_of(trades_of([50, -80, 60])).drawdown
    assert (fall.maximum, fall.trade_by_trade) == (0, -80)
    assert (fall.start, fall.days) == (None, None)


def test_without_a_balance_nothing_is_said_in_percent() -> None:
    figures = plain(statistics_of(seeded(300, 60)))
    said = {name for name in figures["daily"] if value(figures, f"daily.{name}") is not None}
    assert said == {"days", "flat_days", "ruined"}
    assert [figures["drawdown"][name] for name in ("maximum_share", "current_share", "ulcer_index")] == [None] * 3


def test_an_equity_that_is_gone_has_no_returns_and_says_so() -> None:
    figures = statistics_of(trades_of([-1000, 500]), balance=900)
    assert not figures.daily.ruined  # the day closed above zero: 400
    closed = [MONDAY, MONDAY + DAY]
    figures = statistics_of(trades_of([-1000, 500], closed=closed), balance=900)
    assert figures.daily.ruined
    assert (figures.daily.mean_return.value, figures.daily.sharpe.value, figures.daily.total_return) == (None,) * 3
    assert figures.daily.equity == 400
    assert figures.drawdown.maximum_share == pytest.approx(-1000 / 900)


@pytest.mark.parametrize("balance", [0.0, -1.0, NAN, math.inf])
def test_an_impossible_balance_is_refused(balance: float) -> None:
    with pytest.raises(InvalidInput, match="starting balance"):
        statistics_of(trades_of([1.0]), balance=balance)


def test_a_longer_record_has_more_flat_days_and_smaller_figures() -> None:
    trades = trades_of([100, -50, 80], closed=[MONDAY, MONDAY + DAY, MONDAY + 2 * DAY])
    day = int(MONDAY // DAY)
    short = statistics_of(trades, balance=1000)
    longer = statistics_of(trades, balance=1000, span=(day - 14, day + 14))
    assert (longer.daily.days, longer.daily.flat_days) == (21, 18)  # three weeks, and the Monday after them
    assert longer.daily.mean_return.value == pytest.approx(short.daily.mean_return.value * 3 / 21)
    assert longer.drawdown.ulcer_index == pytest.approx(short.drawdown.ulcer_index * math.sqrt(3 / 21))
    assert statistics_of(trades, balance=1000, span=(day + 1, day + 1)) == short
    assert (short.daily.best, short.daily.worst) == (0.1, pytest.approx(-50 / 1100))
    every = daily_returns(summarised(trades), 1000, (day - 14, day + 14))
    assert np.flatnonzero(every).tolist() == [10, 11, 12]
    assert (len(every), every[10]) == (21, 0.1)


def test_flat_days_may_be_the_best_and_the_worst() -> None:
    won = statistics_of(trades_of([1, 1], closed=[MONDAY, MONDAY + 2 * DAY]), balance=9).daily
    lost = statistics_of(trades_of([-1, -1], closed=[MONDAY, MONDAY + 2 * DAY]), balance=9).daily
    assert (won.worst, lost.best) == (0, 0)


def test_flat_days_before_the_first_trade_widen_no_interval_of_money_but_lower_the_pace() -> None:
    closed = (MONDAY + DAY * np.arange(40)).tolist()
    trades, day = trades_of([30.0, -20.0] * 20, closed=closed), int(MONDAY // DAY)
    short, longer = (statistics_of(trades, balance=1000, span=span) for span in ((day, day), (day - 70, day)))
    assert longer.money == short.money
    assert longer.daily.mean_return.n == short.daily.mean_return.n + 50
    assert longer.daily.mean_return.low < longer.daily.mean_return.value < longer.daily.mean_return.high
    assert longer.daily.mean_return.high < short.daily.mean_return.high


def test_a_drawdown_that_lasts_lasts_to_the_end_of_the_record() -> None:
    day = int(MONDAY // DAY)
    fall = statistics_of(trades_of([50, -10], closed=[MONDAY, MONDAY + DAY]), span=(day, day + 30)).drawdown
    assert (fall.days, fall.longest_days, fall.recovery) == (30, 30, None)


def test_what_never_went_right_has_no_exit_efficiency() -> None:
    one = trades_of([1.0])
    columns = {name: getattr(one, name) for name in Trades.__slots__} | {"pips": np.array([3.0]), "mfe": np.zeros(1)}
    exits = statistics_of(Trades(**columns)).excursions
    assert (exits.exit_efficiency.value, exits.exit_efficiency.n, exits.exit_efficiency_mean.value) == (None, 0, None)
    assert (exits.mfe.value, exits.mfe.n, exits.mae.value) == (0, 1, None)


def test_a_saturday_counts_only_where_a_trade_was_closed_on_it() -> None:
    saturday = MONDAY + 5 * DAY
    assert statistics_of(trades_of([1, 1], closed=[MONDAY, saturday]), balance=9).daily.days == 6
    assert statistics_of(trades_of([1, 1], closed=[MONDAY, saturday + 2 * DAY]), balance=9).daily.days == 6


def test_nothing_is_said_of_a_year_or_of_the_worst_twentieth_too_early() -> None:
    def record(days: int) -> Any:
        closed = (MONDAY + DAY * np.arange(days)).tolist()
        return statistics_of(trades_of([1.0, -2.0] * (days // 2), closed=closed), balance=100).daily

    assert (record(28).cagr, record(28).calmar) == (None, None)
    assert record(30).cagr == pytest.approx((100 - 15) ** (365.25 / 30) / 100 ** (365.25 / 30) - 1)
    assert (record(18).value_at_risk, record(18).expected_shortfall) == (None, None)
    assert record(20).value_at_risk < 0
    assert figures_of(NO_DAYS, balance=5).daily.equity == 5


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda columns: columns | {"amount": np.array([math.inf])}, "amount is infinite"),
        (lambda columns: columns | {"result": np.array([7], np.int8)}, "none of"),
        (lambda columns: columns | {"r": np.zeros(2)}, "different lengths"),
        (lambda columns: columns | {"closed": np.array([NAN])}, "no closed trade"),
    ],
)
def test_impossible_trades_are_refused(change: Callable[[dict[str, Any]], dict[str, Any]], words: str) -> None:
    trade = trades_of([1.0])
    with pytest.raises(InvalidInput, match=words):
        Trades(**change({name: getattr(trade, name) for name in Trades.__slots__}))


@pytest.mark.parametrize("times", [[math.inf], [1.75e12]])
def test_times_that_are_no_epoch_seconds_are_refused(times: list[float]) -> None:
    with pytest.raises(InvalidInput, match="no closed trade"):
        trades_of([1.0], closed=times)


def test_a_day_without_a_known_amount_is_no_day_of_zero_amounts() -> None:
    days = summarised(trades_of([NAN, 5.0], closed=[MONDAY, MONDAY + DAY]))
    assert np.isnan(days.of("amount_best")[0])
    assert figures_of(days).money.worst == 5
    assert ResultClass.UNKNOWN not in {ResultClass.WIN, ResultClass.LOSS}
