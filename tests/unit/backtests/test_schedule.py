import json
from collections.abc import Callable
from typing import Any

import pytest

from alphaforge.backtests import schedule
from alphaforge.backtests.choices import Entry, Figure, Positions
from alphaforge.backtests.grid import parse_sweep
from alphaforge.backtests.model import Options
from alphaforge.backtests.plan import Kind, Plan, Task
from alphaforge.backtests.schedule import Schedule
from alphaforge.backtests.setting_texts import with_settings
from alphaforge.backtests.walk_forward import Folds
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.settings import DEFAULT_SETTINGS

DAY = 86_400.0
OPTIONS = Options(Entry.NEXT_OPEN, Positions.ONE, 5_000.0, 0.01, {"GBP_USD": (-0.03, 0.01)}, finer=False)


def plan(**changes: Any) -> Plan:
    return Plan(**{"instruments": ("GBP_USD",), "start": 0.0, "end": 100 * DAY, **changes})


def results_of(tasks: list[Task], expectancy: Callable[[int], float]) -> dict[int, dict[str, Any]]:
    """What tasks of points would come to, the expectancy of a point by its number."""
    return {
        task.number: {
            "points": [
                {"number": number, "trades": 40, "expectancy_r": {"value": expectancy(number)}}
                for number in task.points
            ]
        }
        for task in tasks
    }


def test_a_single_run_is_one_task() -> None:
    planned = Schedule.of(plan(settings=with_settings(["stop=2"]), options=OPTIONS))
    (task,) = planned.ready({})
    assert (task.number, task.start, task.end, task.points) == (0, 0.0, 100 * DAY, ())
    assert task.settings == (with_settings(["stop=2"]),)
    assert task.options == OPTIONS
    assert (planned.total, planned.ready({0: {}})) == (1, [])


def test_a_grid_runs_its_best_point_when_all_are_known() -> None:
    planned = Schedule.of(plan(sweep=parse_sweep(["stop=1:3:0.05"])))
    assert planned.plan.kind is Kind.GRID
    tasks = planned.ready({})
    assert [number for task in tasks for number in task.points] == list(range(41))
    results = results_of(tasks, lambda number: -abs(number - 7.2))
    first = dict(list(results.items())[:1])
    assert [task.number for task in planned.ready(first)] == [task.number for task in tasks[1:]]
    (run,) = planned.ready(results)
    assert run.settings == (with_settings(["stop=1.35"]),)
    assert planned.total == len(tasks) + 1 == run.number + 1
    assert not planned.ready({**results, run.number: {}})


def test_points_with_too_few_trades_are_never_chosen() -> None:
    planned = Schedule.of(plan(sweep=parse_sweep(["stop=1,2"]), minimum_trades=41))
    results = results_of(planned.ready({}), lambda number: 1.0)
    assert planned.ready(results) == []


def test_each_fold_runs_what_was_best_on_its_own_training() -> None:
    planned = Schedule.of(plan(sweep=parse_sweep(["stop=1,2"]), folds=Folds(40 * DAY, 20 * DAY)))
    tasks = planned.ready({})
    assert [(task.fold, task.start / DAY, task.end / DAY) for task in tasks] == [(0, 0, 40), (1, 20, 60), (2, 40, 80)]
    results = results_of(tasks[:1], lambda number: -number) | results_of(tasks[1:2], lambda number: number)
    first, second, third = planned.ready(results)
    assert [first.settings[0].stop_atr, second.settings[0].stop_atr] == [1.0, 2.0]
    assert [(run.start / DAY, run.end / DAY) for run in (first, second)] == [(40, 60), (60, 80)]
    assert third.points
    assert sorted([*(task.number for task in tasks), first.number, second.number, planned.total - 1]) == list(
        range(planned.total)
    )


def test_a_fold_without_a_choice_goes_on_with_the_plans_own_settings() -> None:
    planned = Schedule.of(plan(sweep=parse_sweep(["stop=1,2"]), folds=Folds(40 * DAY, 60 * DAY), minimum_trades=1_000))
    (run,) = planned.ready(results_of(planned.ready({}), lambda number: 1.0))
    assert run.settings == (DEFAULT_SETTINGS,)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"instruments": ()}, "no instruments"),
        ({"instruments": ("GBP_USD", "GBP_USD")}, "GBP_USD, GBP_USD"),
        ({"end": -DAY}, "The period ends on 1969-12-31T00:00:00Z and begins on 1970-01-01T00:00:00Z"),
        ({"end": float("inf")}, "a beginning and an end"),
        ({"tried": 0}, "0 settings tried"),
        ({"folds": Folds(90 * DAY, 20 * DAY)}, "no room"),
    ],
)
def test_plans_that_cannot_be_meant_are_refused(changes: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        plan(**changes)


def test_a_grid_without_a_single_possible_point_is_refused() -> None:
    with pytest.raises(InvalidInput, match=r"None of the 2 combinations can be meant: .*fast to slow"):
        Schedule.of(plan(sweep=parse_sweep(["ema_fast=8,9"])))


def test_plans_and_tasks_survive_json() -> None:
    asked = plan(
        settings=with_settings(["min_votes=2.5"]),
        options=OPTIONS,
        sweep=parse_sweep(["stop=1,2", "untraded=none,unknown"]),
        folds=Folds(40 * DAY, 20 * DAY),
        by=Figure.SHARPE,
        minimum_trades=10,
        tried=7,
        version="1.2.3",
    )
    assert Plan.from_dict(json.loads(json.dumps(asked.to_dict()))) == asked
    for task in Schedule.of(asked).ready({}):
        assert Task.from_dict(json.loads(json.dumps(task.to_dict()))) == task


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"entry": "later"}, "later"),
        ({"risk": "much"}, "much"),
        ({"financing": [1]}, "two rates"),
        ({"financing": {"GBP_USD": 1}}, "options of a backtest"),
        ({"balance": -1}, "balance of -1"),
        ({"leverage": 30}, "'leverage' is no option"),
    ],
)
def test_options_that_cannot_be_meant_are_refused(options: dict[str, Any], message: str) -> None:
    with pytest.raises(InvalidInput, match=message):
        Plan.from_dict({"instruments": ["GBP_USD"], "start": 0, "end": DAY, "options": options})


def test_a_task_holds_points_that_are_analysed_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(schedule, "_A_BATCH", 4)
    planned = Schedule.of(plan(sweep=parse_sweep(["stop=1,2", "ema_fast=3,4,5", "min_adx=20,25"])))
    for task in planned.ready({}):
        assert len(task.settings) == 4
        assert len({settings.ema_fast for settings in task.settings}) == 1
    assert sorted(number for task in planned.ready({}) for number in task.points) == list(range(12))
