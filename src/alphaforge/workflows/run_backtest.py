"""Perform a backtest: its candles in a folder, its tasks in processes, and what they come to put together."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from alphaforge.backtests.plan import Kind, Plan, Task
from alphaforge.backtests.schedule import Schedule
from alphaforge.storage.engine import Database
from alphaforge.workflows.backtest_child import REQUEST
from alphaforge.workflows.backtest_history import HistoryWriter, Loaded, warm_up_of
from alphaforge.workflows.backtest_processes import Processes, processes
from alphaforge.workflows.backtest_request import Request

Progress = Callable[[int, int], None]
"""Told how many tasks are done, and of how many."""


def named(task: Mapping[str, Any]) -> str:
    """A task, for people."""
    what = f"points {task['points'][0]} to {task['points'][-1]}" if task["points"] else "the run"
    return what if task["fold"] is None else f"{what} of fold {task['fold']}"


def warm_up_for(plan: Plan) -> int:
    """How many M5 candles before its periods a plan needs, whichever of its settings is tried."""
    return max(warm_up_of(point.settings) for point in plan.points())


async def write_request(
    database: Database, request: Request, folder: Path, tasks: Sequence[Mapping[str, Any]] | None = None
) -> tuple[Loaded, ...]:
    """Write what a backtest's processes need into a folder: the request, and the candles of these tasks, or of all.

    Raises NoData where an instrument has none in the whole period.
    """
    plan = request.plan
    start = plan.start if not tasks else min(task["start"] for task in tasks)
    end = plan.end if not tasks else max(task["end"] for task in tasks)
    await asyncio.to_thread((folder / REQUEST).write_bytes, msgspec.json.encode(request.to_dict()))
    if tasks is not None and not tasks:
        return ()
    writer = HistoryWriter(database, request.source, folder, plan.settings, start, end, warm_up_for(plan))
    if tasks is not None and plan.kind is Kind.WALK_FORWARD:
        for name in plan.instruments:  # one of many periods may be without candles: then nothing was traded in it
            await writer.copy(name)
        return ()
    return await writer.write(plan.instruments)


@dataclass(slots=True)
class Performance:
    """The tasks of a plan, performed in processes as soon as each may be.

    `results`: by number, what was performed. `stopped`: set by whoever wants no more.
    """

    request: Request
    folder: Path
    cores: int
    progress: Progress
    stopped: asyncio.Event = field(default_factory=asyncio.Event)
    results: dict[int, Any] = field(default_factory=dict)

    async def run(self) -> bool:
        """Perform all of them; False where it was stopped before. Raises the error of the first task that fails."""
        schedule = Schedule.of(self.request.plan)
        first = schedule.ready(self.results)
        self.progress(0, schedule.total)
        async with processes(self.folder, max(1, min(self.cores, len(first)))) as performers:
            waiting = asyncio.create_task(self.stopped.wait())
            begun: dict[asyncio.Task[None], int] = {}
            try:
                while not self.stopped.is_set():
                    for task in schedule.ready(self.results):
                        if task.number not in begun.values():
                            begun[asyncio.create_task(self._perform(performers, task))] = task.number
                    if not begun:
                        return True
                    ended, _ = await asyncio.wait({*begun, waiting}, return_when=asyncio.FIRST_COMPLETED)
                    for one in ended - {waiting}:
                        one.result()
                        del begun[one]  # type: ignore[arg-type]  # the only other one is left out
                        self.progress(len(self.results), schedule.total)
                return False
            finally:
                for one in (*begun, waiting):
                    one.cancel()
                await asyncio.gather(*begun, waiting, return_exceptions=True)

    async def _perform(self, performers: Processes, task: Task) -> None:
        plain = task.to_dict()
        answer = await performers.ask("perform", plain, named(plain))
        self.results[task.number] = msgspec.json.decode(answer)
