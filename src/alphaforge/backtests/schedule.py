"""Which tasks a plan is made of, and which of them may be performed now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self

from alphaforge.backtests.choices import Figure
from alphaforge.backtests.grid import Axis, Point
from alphaforge.backtests.plan import Kind, Plan, Result, Task
from alphaforge.backtests.setting_texts import settled_with
from alphaforge.backtests.walk_forward import Fold
from alphaforge.core.errors import InvalidSetting
from alphaforge.signals.analysis import same_analysis
from alphaforge.signals.settings import StrategySettings

_A_BATCH: Final = 20
"""Points of one task: enough to use an analysis again, few enough to show progress."""


@dataclass(frozen=True, slots=True)
class Part:
    """Points to choose from over one period, and the run of the best; `comparing` is empty where nothing is chosen."""

    comparing: tuple[Task, ...]
    run: int
    start: float
    end: float
    fold: Fold | None


@dataclass(frozen=True, slots=True)
class Schedule:
    """The parts of a plan and the settings that it tries. Tasks are numbered from 0 without a gap."""

    plan: Plan
    points: Mapping[int, Point]
    parts: tuple[Part, ...]

    @classmethod
    def of(cls, plan: Plan) -> Self:
        """The schedule of a plan: one part, or one a fold. Raises InvalidInput where no point can be meant."""
        points = plan.points()
        alike = _alike(points, plan)
        parts: list[Part] = []
        number = 0
        for fold in plan.periods() or (None,):
            start, end = (plan.start, plan.end) if fold is None else (fold.train_start, fold.train_end)
            comparing = () if plan.kind is Kind.SINGLE else _comparing(alike, plan, (start, end), fold, number)
            number += len(comparing)
            begin, last = (start, end) if fold is None else (fold.test_start, fold.test_end)
            parts.append(Part(comparing, number, begin, last, fold))
            number += 1
        return cls(plan, {point.number: point for point in points}, tuple(parts))

    @property
    def total(self) -> int:
        """How many tasks there are at most: where no point can be chosen, there is no run of it."""
        return sum(len(part.comparing) + 1 for part in self.parts)

    def ready(self, results: Mapping[int, Result]) -> list[Task]:
        """The tasks that have no result and need none that is missing; runs before points, older folds first."""
        runs: list[Task] = []
        comparing: list[Task] = []
        for part in self.parts:
            waiting = [task for task in part.comparing if task.number not in results]
            comparing.extend(waiting)
            if not waiting and part.run not in results:
                settings = self.chosen(part, results)
                if settings is not None:
                    runs.append(self._run(part, settings))
        return runs + comparing

    def compared(self, part: Part, results: Mapping[int, Result]) -> list[dict[str, Any]]:
        """The points of a part that have a result, in the order of the sweep."""
        found = [point for task in part.comparing if task.number in results for point in results[task.number]["points"]]
        return sorted(found, key=lambda point: point["number"])

    def best(self, part: Part, results: Mapping[int, Result]) -> dict[str, Any] | None:
        """The best point of a part by the plan's figure, None where none has trades enough."""
        return best_of(self.compared(part, results), self.plan.by, self.plan.minimum_trades)

    def chosen(self, part: Part, results: Mapping[int, Result]) -> StrategySettings | None:
        """The settings that a part's run takes. A fold without a choice goes on with the plan's own settings."""
        if not part.comparing:
            return next(iter(self.points.values())).settings
        best = self.best(part, results)
        if best is not None:
            return self.points[best["number"]].settings
        return None if part.fold is None else self.plan.settings

    def _run(self, part: Part, settings: StrategySettings) -> Task:
        return Task(
            number=part.run,
            start=part.start,
            end=part.end,
            settings=(settings,),
            options=self.plan.options,
            fold=None if part.fold is None else part.fold.number,
        )


def best_of(points: Sequence[dict[str, Any]], by: Figure, minimum_trades: int) -> dict[str, Any] | None:
    """The point with the largest figure among those with trades enough; the first of equals."""
    known = [point for point in points if point["trades"] >= minimum_trades and figure_of(point, by) is not None]
    return max(known, key=lambda point: figure_of(point, by) or 0.0, default=None)


def figure_of(point: Mapping[str, Any], by: Figure) -> float | None:
    """A point's figure; of one with an interval, the value."""
    value = point[str(by)]
    figure: float | None = value["value"] if isinstance(value, Mapping) else value
    return figure


def _comparing(
    points: Sequence[Point], plan: Plan, period: tuple[float, float], fold: Fold | None, number: int
) -> tuple[Task, ...]:
    """The points in batches, as tasks numbered from `number` on."""
    return tuple(
        Task(
            number=number + place,
            start=period[0],
            end=period[1],
            settings=tuple(point.settings for point in batch),
            options=plan.options,
            points=tuple(point.number for point in batch),
            fold=None if fold is None else fold.number,
        )
        for place, batch in enumerate(_batches(points))
    )


def _alike(points: Sequence[Point], plan: Plan) -> list[Point]:
    """The points with those beside each other that look at candles alike, so that a task analyses these once."""
    shaping = [axis.name for axis in plan.sweep.axes if _shapes(axis, plan.settings)]
    places: dict[tuple[object, ...], int] = {}

    def group(point: Point) -> int:
        return places.setdefault(tuple(getattr(point.settings, name) for name in shaping), len(places))

    return sorted(points, key=group)


def _shapes(axis: Axis, base: StrategySettings) -> bool:
    """Whether values of a setting make different analyses; so it is taken where one of them contradicts the base."""
    try:
        return not all(same_analysis(base, settled_with(base, {axis.name: value})) for value in axis.values)
    except InvalidSetting:
        return True


def _batches(points: Sequence[Point]) -> list[Sequence[Point]]:
    return [points[first : first + _A_BATCH] for first in range(0, len(points), _A_BATCH)]
