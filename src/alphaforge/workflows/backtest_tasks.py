"""What a child process of a backtest can be asked: to perform a task, and to go on from the results of all."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from alphaforge.backtests.composition import composed
from alphaforge.backtests.engine import run
from alphaforge.backtests.model import Market
from alphaforge.backtests.perform import Analyses, perform
from alphaforge.backtests.plan import Task
from alphaforge.backtests.schedule import Schedule
from alphaforge.backtests.segment import segment_of
from alphaforge.core.memory import at_full_speed
from alphaforge.workflows.backtest_child import REQUEST, Answers
from alphaforge.workflows.backtest_request import Request
from alphaforge.workflows.backtest_summary import summary_of
from alphaforge.workflows.candle_columns import CandleColumns


def answers_of(folder: Path) -> Answers:
    """What can be asked over a folder with a request and candles, by name."""
    request = Request.from_dict(msgspec.json.decode((folder / REQUEST).read_bytes()))
    work = _Work(request, folder)
    return {"perform": work.perform, "go_on": work.go_on}


def market_of(request: Request, folder: Path) -> Market:
    """The market of a request, its candles mapped from the folder's files."""
    return Market(
        series={one.name: CandleColumns(folder, one.name).series() for one in request.instruments},
        instruments=request.instruments,
        hours=request.hours,
        source=request.source,
        simulated=request.simulated,
    )


class _Work:
    """The tasks of one request; the market is loaded with the first of them."""

    def __init__(self, request: Request, folder: Path) -> None:
        self._request = request
        self._folder = folder
        self._market: Market | None = None
        self._analyses: Analyses | None = None

    def perform(self, plain: Mapping[str, Any]) -> dict[str, Any]:
        """What a task comes to."""
        if self._market is None or self._analyses is None:
            self._market = market_of(self._request, self._folder)
            self._analyses = Analyses(self._market)
        with at_full_speed():
            return self._performed(self._market, self._analyses, Task.from_dict(plain))

    def _performed(self, market: Market, analyses: Analyses, task: Task) -> dict[str, Any]:
        if task.points or self._request.controls:
            return perform(task, market, analyses)
        (settings,) = task.settings
        found = analyses.under(settings)
        made = run(market, settings, task.options, start=task.start, end=task.end, analyses=found)
        return {"segment": segment_of(made)}

    def go_on(self, results: Mapping[str, Any]) -> dict[str, Any]:
        """Further tasks, or the report with its summary where there are none."""
        plan = self._request.plan
        known = {int(number): result for number, result in results.items()}
        tasks = Schedule.of(plan).ready(known)
        if tasks:
            return {"tasks": [task.to_dict() for task in tasks]}
        report = composed(plan, known)
        return {"report": report, "summary": summary_of(report)}
