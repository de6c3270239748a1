"""The work of a task: its runs, and their controls, over candles that are there already."""

from typing import Any

from alphaforge.backtests.controls import SEEDS, controls_of
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market
from alphaforge.backtests.plan import Task
from alphaforge.backtests.point import point_of
from alphaforge.backtests.segment import segment_of
from alphaforge.signals.analysis import Analysis, analyse, same_analysis
from alphaforge.signals.settings import StrategySettings


class Analyses:
    """The newest analysis of each series of a market: settings that leave its indicators alone use it again."""

    def __init__(self, market: Market) -> None:
        self._market = market
        self._held: dict[str, Analysis] = {}

    def under(self, settings: StrategySettings) -> dict[str, Analysis]:
        """The analysis of each instrument's candles by these settings."""
        for name, series in self._market.series.items():
            held = self._held.get(name)
            if held is None or not same_analysis(held.settings, settings):
                self._held[name] = analyse(series, settings).without_frames()
            else:
                self._held[name] = held.under(settings)
        return dict(self._held)


def perform(task: Task, market: Market, analyses: Analyses | None = None, *, seeds: int = SEEDS) -> dict[str, Any]:
    """What a task came to, ready for JSON: `points`, one for each of its settings, or the `segment` of its run.

    `market`: candles of the plan's instruments from long enough before the task's start. `analyses`: of that market,
    kept by whoever performs several tasks. Raises NoData where nothing can be evaluated.
    """
    known = Analyses(market) if analyses is None else analyses
    if not task.points:
        (settings,) = task.settings
        found = known.under(settings)
        made = run(market, settings, task.options, start=task.start, end=task.end, analyses=found)
        return {"segment": segment_of(made, controls_of(made, found, seeds=seeds))}
    points = []
    for number, settings in zip(task.points, task.settings, strict=True):
        found = known.under(settings)
        made = run(market, settings, task.options, start=task.start, end=task.end, analyses=found)
        points.append({"number": number, **point_of(made)})
    return {"points": points}
