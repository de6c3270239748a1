import json
from typing import Any

import numpy as np
import pytest

from alphaforge.backtests import schedule
from alphaforge.backtests.choices import Figure
from alphaforge.backtests.composition import composed
from alphaforge.backtests.grid import parse_sweep
from alphaforge.backtests.perform import Analyses, perform
from alphaforge.backtests.plan import Plan, Task
from alphaforge.backtests.report import report_of
from alphaforge.backtests.schedule import Schedule
from alphaforge.backtests.setting_texts import plain_settings
from alphaforge.backtests.walk_forward import Folds
from alphaforge.core.errors import NoData
from alphaforge.statistics.deflated import luckiest_sharpe
from backtest_runs import SEEDS, controls, market, market_of, period, whole

NAMES = ("GBP_USD", "XAU_USD")
DAY = 86_400.0


def performed(plan: Plan, most: int = 1_000) -> dict[int, dict[str, Any]]:
    """The results of a plan's tasks, or of the first of them, as they come back from another machine."""
    planned, results, analyses = Schedule.of(plan), {}, Analyses(market())
    while tasks := planned.ready(results)[:1]:
        if len(results) == most:
            break
        task = Task.from_dict(json.loads(json.dumps(tasks[0].to_dict())))
        results[task.number] = json.loads(json.dumps(perform(task, market(), analyses, seeds=SEEDS), allow_nan=False))
    return results


@pytest.fixture(scope="module")
def grid() -> tuple[Plan, dict[int, dict[str, Any]]]:
    start, end = period()
    sweep = parse_sweep(["stop=1,2", "target=2,3", "ema_fast=5,9"])
    plan = Plan(NAMES, start, end, sweep=sweep, by=Figure.PROFIT_FACTOR)
    return plan, performed(plan)


@pytest.fixture(scope="module")
def walk_forward() -> tuple[Plan, dict[int, dict[str, Any]]]:
    _, end = period()
    plan = Plan(NAMES, end - 10 * DAY, end, sweep=parse_sweep(["stop=1,2"]), folds=Folds(4 * DAY, 2 * DAY))
    return plan, performed(plan)


def test_a_single_run_is_its_report() -> None:
    start, end = period()
    plan = Plan(NAMES, start, end, version="1.2.3")
    told = composed(plan, performed(plan))
    assert told == json.loads(json.dumps(report_of(whole(), controls=controls(), version="1.2.3")))


def test_a_grid_tells_every_point_the_best_first_and_reports_it_deflated(
    grid: tuple[Plan, dict[int, dict[str, Any]]],
) -> None:
    plan, results = grid
    told = composed(plan, results)
    points = told["grid"]["points"]
    values = [point["profit_factor"]["value"] for point in points]
    assert values == sorted(values, reverse=True)
    assert len(points) == told["grid"]["asked"] == 4
    assert told["grid"]["best"] == points[0]["number"]
    assert told["report"]["asked"]["fingerprint"] == points[0]["fingerprint"]
    assert told["report"]["figures"]["counts"]["trades"] == points[0]["trades"]
    assert told["report"]["sharpe"]["tried"] == 4
    (impossible,) = told["grid"]["impossible"]
    assert impossible["count"] == 4
    assert told["sentence"].startswith("4 settings tried, the best by profit factor: stop_atr=")


def test_the_luckiest_is_measured_by_how_much_the_points_differ(grid: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    plan, results = grid
    for spread in (0.01, 0.03):
        points = [{**point, "daily_sharpe": spread * place} for place, point in enumerate(results[0]["points"])]
        sharpe = composed(plan, {**results, 0: {"points": points}})["report"]["sharpe"]
        assert sharpe["luckiest"] == pytest.approx(luckiest_sharpe(4, 5 / 3 * spread**2))
        assert not sharpe["assumed"]


def test_a_point_is_what_its_own_run_would_have_been(grid: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    plan, results = grid
    planned = Schedule.of(plan)
    told = composed(plan, results)["grid"]["points"][-1]
    alone = Task(0, plan.start, plan.end, (planned.points[told["number"]].settings,), plan.options, (7,))
    (point,) = perform(alone, market())["points"]
    assert {**point, "number": told["number"]}.items() <= told.items()


def test_two_settings_make_a_map(grid: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    start, end = period()
    plan = Plan(NAMES, start, end, sweep=parse_sweep(["stop=1,2", "target=2,3"]))
    told = composed(plan, performed(plan, most=1))["grid"]["map"]
    assert (told["down"], told["across"], told["level"]) == ("stop_atr", "target_atr", 0.0)
    assert np.array(told["values"], float).shape == (2, 2)


def test_an_unfinished_grid_tells_what_is_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    start, end = period()
    monkeypatch.setattr(schedule, "_A_BATCH", 2)
    plan = Plan(NAMES, start, end, sweep=parse_sweep(["stop=1:2:0.5"]))
    told = composed(plan, performed(plan, most=1))
    assert told["sentence"].startswith("2 of 3 settings tried so far, the best by expectancy in R: stop_atr=")
    assert told["report"] is None
    assert (told["finished"], told["tasks"]) == (1, 3)


def test_a_grid_without_trades_enough_chooses_nothing(grid: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    plan = Plan.from_dict(grid[0].to_dict() | {"minimum_trades": 100_000})
    told = composed(plan, performed(plan))
    assert told["sentence"] == "4 settings tried: none had the 100,000 trades that it takes to be chosen."
    assert (told["report"], told["grid"]["best"]) == (None, None)


def test_a_walk_forward_reports_its_tests_as_one(walk_forward: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    plan, results = walk_forward
    told = composed(plan, results)
    assert len(told["folds"]) == 3
    outside = [fold["out_of_sample"]["trades"] for fold in told["folds"]]
    assert told["report"]["figures"]["counts"]["trades"] == sum(outside) > 0
    opened = np.array(told["report"]["trades"]["opened"])
    assert opened.min() > plan.start + 4 * DAY
    assert told["report"]["asked"]["settings"] == {"stop_atr": "chosen by each fold"}
    assert told["report"]["controls"]["random"]["seeds"] == SEEDS
    assert told["sentence"].startswith("Out of sample over 3 folds: ")
    assert told["verdict"] == told["report"]["verdict"]
    assert told["out_of_sample_r"] == pytest.approx(told["report"]["figures"]["r"]["expectancy"]["value"])
    inside = [fold["in_sample"] for fold in told["folds"]]
    total = sum(point["net_r"] for point in inside) / sum(point["trades"] for point in inside)
    assert told["in_sample_r"] == pytest.approx(total)


def test_each_test_is_run_by_what_was_best_before_it(walk_forward: tuple[Plan, dict[int, dict[str, Any]]]) -> None:
    plan, results = walk_forward
    planned = Schedule.of(plan)
    for part, fold in zip(planned.parts, composed(plan, results)["folds"], strict=True):
        able = [point for point in planned.compared(part, results) if point["trades"] >= plan.minimum_trades]
        best = max(able, key=lambda point: point["expectancy_r"]["value"])
        assert fold["settings"] == plain_settings(planned.points[best["number"]].settings)
        assert fold["in_sample"]["expectancy_r"] == best["expectancy_r"]


def test_in_sample_figures_do_not_change_with_what_comes_after(
    walk_forward: tuple[Plan, dict[int, dict[str, Any]]],
) -> None:
    plan, results = walk_forward
    planned = Schedule.of(plan)
    (task, *_) = planned.parts[0].comparing
    longer = Task(task.number, task.start, task.end, task.settings, task.options, task.points)
    cut = {name: series.until(task.end) for name, series in market().series.items()}

    again = perform(longer, market_of(*cut.values()))
    assert json.loads(json.dumps(again)) == results[task.number]


def test_an_unfinished_walk_forward_tells_the_folds_that_it_has(
    walk_forward: tuple[Plan, dict[int, dict[str, Any]]],
) -> None:
    plan, results = walk_forward
    runs = {part.run for part in Schedule.of(plan).parts[1:]}
    told = composed(plan, {number: result for number, result in results.items() if number not in runs})
    assert told["sentence"].startswith("Out of sample over 1 of 3 folds: ")
    nothing = composed(plan, {0: results[0]})
    assert nothing["sentence"] == "Out of sample over 0 of 3 folds: nothing was judged yet."
    assert nothing["report"] is None


def test_nothing_finished_is_no_report() -> None:
    start, end = period()
    with pytest.raises(NoData, match="Nothing of this backtest"):
        composed(Plan(NAMES, start, end), {})
