"""The document of a plan from what its tasks came to; of those that are finished, where some are not."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from alphaforge.backtests.choices import Figure
from alphaforge.backtests.equity_path import Trials
from alphaforge.backtests.evidence import continued
from alphaforge.backtests.plan import Kind, Plan, Result, plain_options
from alphaforge.backtests.point import point_of_segment
from alphaforge.backtests.report import VERSION, document
from alphaforge.backtests.schedule import Part, Schedule, figure_of
from alphaforge.backtests.segment import joined
from alphaforge.backtests.setting_texts import plain_settings, plain_value
from alphaforge.core.errors import NoData
from alphaforge.core.times import rfc3339

_LEVELS = {Figure.PROFIT_FACTOR: 1.0}
_TWO = 2


def composed(plan: Plan, results: Mapping[int, Result]) -> dict[str, Any]:
    """The report of a single run, a grid or a walk-forward; `results`: by the numbers of tasks.

    A grid and a walk-forward say how much of them is finished, and have no `report` until a run is. Raises NoData
    where nothing is finished.
    """
    if not results:
        raise NoData("Nothing of this backtest is finished", advice="Let one of its parts come to an end.")
    schedule = Schedule.of(plan)
    if plan.kind is Kind.SINGLE:
        return document(results[0]["segment"], trials=Trials(plan.tried), version=plan.version)
    return _grid(schedule, results) if plan.kind is Kind.GRID else _walk_forward(schedule, results)


def _head(
    schedule: Schedule, results: Mapping[int, Result], segment: Result | None, report: Mapping[str, Any] | None
) -> dict[str, Any]:
    """What a grid and a walk-forward say alike; `report`: of what was chosen, where it was run."""
    plan = schedule.plan
    return {
        "version": VERSION,
        "kind": str(plan.kind),
        "asked": {
            "instruments": list(plan.instruments),
            "from": rfc3339(plan.start),
            "to": rfc3339(plan.end),
            "settings": plain_settings(plan.settings),
            "options": plain_options(plan.options),
            "source": None if segment is None else segment["source"],
            "simulated": None if segment is None else segment["simulated"],
            "version": plan.version,
        },
        "verdict": None if report is None else report["verdict"],
        "finished": len(results),
        "tasks": schedule.total,
    }


def _grid(schedule: Schedule, results: Mapping[int, Result]) -> dict[str, Any]:
    (part,) = schedule.parts
    plan = schedule.plan
    points = [_named(schedule, point) for point in schedule.compared(part, results)]
    best = schedule.best(part, results)
    segment = results[part.run]["segment"] if part.run in results else None
    trials = Trials(plan.tried - 1 + len(points), _variance(points))
    report = None if segment is None else document(segment, trials=trials, version=plan.version)
    return {
        **_head(schedule, results, segment, report),
        "sentence": _grid_sentence(schedule, points, best, report),
        "grid": {
            "axes": plan.sweep.to_dict(),
            "by": str(plan.by),
            "minimum_trades": plan.minimum_trades,
            "asked": len(schedule.points),
            "points": sorted(points, key=lambda point: _rank(point, plan)),
            "best": None if best is None else best["number"],
            "impossible": [
                {"why": one.why, "count": one.count, "example": {k: plain_value(v) for k, v in one.example.items()}}
                for one in plan.sweep.points(plan.settings)[1]
            ],
            "map": _map(plan, points),
        },
        "report": report,
    }


def _named(schedule: Schedule, point: Mapping[str, Any]) -> dict[str, Any]:
    """A point with the values that make it."""
    settings = schedule.points[point["number"]].settings
    values = {axis.name: plain_value(getattr(settings, axis.name)) for axis in schedule.plan.sweep.axes}
    return {**point, "values": values, "fingerprint": settings.fingerprint()}


def _rank(point: Mapping[str, Any], plan: Plan) -> tuple[bool, bool, float, int]:
    """Points that can be chosen before those that cannot, the best of them first."""
    value = figure_of(point, plan.by)
    return (point["trades"] < plan.minimum_trades, value is None, -(value or 0.0), point["number"])


def _variance(points: list[dict[str, Any]]) -> float | None:
    """The variance of the points' daily Sharpe ratios; None where fewer than two have one."""
    known = [point["daily_sharpe"] for point in points if point["daily_sharpe"] is not None]
    return float(np.var(known, ddof=1)) if len(known) >= _TWO else None


def _map(plan: Plan, points: list[dict[str, Any]]) -> dict[str, Any] | None:
    """The figure of every pair of values where two settings vary; None for a pair without a result."""
    varying = [axis for axis in plan.sweep.axes if len(axis.values) > 1]
    if len(varying) != _TWO:
        return None
    down, across = varying
    known = {
        (str(point["values"][down.name]), str(point["values"][across.name])): figure_of(point, plan.by)
        for point in points
    }
    return {
        "down": down.name,
        "across": across.name,
        "level": _LEVELS.get(plan.by, 0.0),
        "values": [
            [known.get((str(plain_value(row)), str(plain_value(column)))) for column in across.values]
            for row in down.values
        ],
    }


def _grid_sentence(
    schedule: Schedule,
    points: list[dict[str, Any]],
    best: Mapping[str, Any] | None,
    report: Mapping[str, Any] | None,
) -> str:
    plan, asked = schedule.plan, len(schedule.points)
    tried = (
        f"{len(points):,} of {asked:,} settings tried so far" if len(points) < asked else f"{asked:,} settings tried"
    )
    if best is None:
        return f"{tried}: none had the {plan.minimum_trades:,} trades that it takes to be chosen."
    said = f"{tried}, the best by {plan.by.words}: {_values_text(_named(schedule, best)['values'])}."
    return said if report is None else f"{said} {report['sentence']}"


def _values_text(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value_text(value)}" for name, value in values.items())


def _value_text(value: object) -> str:
    if isinstance(value, list):
        return "+".join(map(str, value)) or "none"
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _walk_forward(schedule: Schedule, results: Mapping[int, Result]) -> dict[str, Any]:
    plan = schedule.plan
    folds = [_fold(schedule, part, results) for part in schedule.parts if part.run in results]
    segments = [results[part.run]["segment"] for part in schedule.parts if part.run in results]
    report = None
    if segments:
        report = document(joined(segments), trials=Trials(plan.tried), version=plan.version)
        chosen = {axis.name: "chosen by each fold" for axis in plan.sweep.axes}
        report["asked"] |= {"settings": plain_settings(plan.settings) | chosen, "fingerprint": None}
    finished = (
        f"{len(folds)} folds" if len(folds) == len(schedule.parts) else f"{len(folds)} of {len(schedule.parts)} folds"
    )
    said = "nothing was judged yet." if report is None else continued(report["sentence"])
    return {
        **_head(schedule, results, segments[0] if segments else None, report),
        "sentence": f"Out of sample over {finished}: {said}",
        "by": str(plan.by),
        "tried": len(schedule.points),
        "minimum_trades": plan.minimum_trades,
        "in_sample_r": _mean_r([fold["in_sample"] for fold in folds]),
        "out_of_sample_r": _mean_r([fold["out_of_sample"] for fold in folds]),
        "folds": folds,
        "report": report,
    }


def _mean_r(points: Sequence[Mapping[str, Any] | None]) -> float | None:
    """The mean R of all trades of some points; None where there is none."""
    known = [point for point in points if point is not None and point["trades"]]
    trades = sum(point["trades"] for point in known)
    return sum(point["net_r"] for point in known) / trades if trades else None


def _fold(schedule: Schedule, part: Part, results: Mapping[int, Result]) -> dict[str, Any]:
    """What a fold chose, how that did where it was chosen, and how it did on the test."""
    best, fold = schedule.best(part, results), part.fold
    segment = results[part.run]["segment"]
    inside = None if best is None else _named(schedule, best)
    return {
        "train_from": None if fold is None else rfc3339(fold.train_start),
        "test_from": rfc3339(part.start),
        "test_to": rfc3339(part.end),
        "values": {} if inside is None else inside["values"],
        "settings": segment["settings"],
        "in_sample": inside,
        "out_of_sample": point_of_segment(segment),
    }
