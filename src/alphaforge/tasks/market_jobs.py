"""The jobs that the schedule asks for: a scan at a close, a settlement every minute."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from alphaforge.core.errors import AlphaForgeError, NoData
from alphaforge.core.memory import give_back
from alphaforge.storage.jobs import DONE, MARKET_LANE
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import Running, TaskKind
from alphaforge.tasks.strategy import SCAN, Strategy
from alphaforge.workflows.scan_market import ScanResult

SETTLE = "settle"
_SECONDS = 120.0
_PATIENCE = 300.0
"""How long the schedule waits for one, other processes' deaths included."""


def market_kinds(strategy: Strategy, is_ready: Callable[[], bool]) -> tuple[TaskKind, ...]:
    """How they are run, by a process whose market `is_ready`."""

    async def scan(running: Running) -> object:
        """With the strategy stopped candles are collected and nothing is decided.

        What it took goes back to the machine: megabytes of pages the first time, then held by nobody any more.
        """
        names = [name for name in running.job.payload["instruments"] if name in strategy.desk.names]
        results = await (strategy.scan(names) if strategy.is_running else strategy.collect(names))
        await asyncio.to_thread(give_back)
        return {"market_time": strategy.desk.clock.now(), "instruments": [_told(result) for result in results]}

    async def settle(_: Running) -> object:
        return {"settled": await strategy.settle_own()}

    alike: dict[str, Any] = {"pool": "market", "timeout": _SECONDS, "attempts": 3, "pauses": (1.0, 5.0)}
    return (TaskKind(SCAN, scan, is_ready=is_ready, **alike), TaskKind(SETTLE, settle, is_ready=is_ready, **alike))


async def scan_by_job(board: JobBoard, names: Sequence[str]) -> list[ScanResult]:
    """Have these instruments scanned, in whichever process; what was found, but for the decisions themselves."""
    found = await _by_job(board, SCAN, {"instruments": list(names)})
    return [
        ScanResult(
            one["instrument"],
            None,
            one["signal_id"],
            one["reason"],
            late=one["late"],
            evaluated=one["evaluated"],
            problem=one["problem"],
        )
        for one in found["instruments"]
    ]


async def settle_by_job(board: JobBoard) -> None:
    """Have this desk's open signals held against the candles, in whichever process."""
    await _by_job(board, SETTLE, {})


async def _by_job(board: JobBoard, kind: str, payload: dict[str, object]) -> Any:  # noqa: ANN401 - as JSON has it
    job = await board.ask(kind, payload, lane=MARKET_LANE)
    try:
        ended = await board.ended(job.id, _PATIENCE)
    except TimeoutError:
        await board.cancel(job.id)
        raise NoData(f"Nobody ended job {job.id} ({kind}) within {_PATIENCE:g} s") from None
    if ended.status != DONE:
        raise AlphaForgeError(ended.error or f"Job {job.id} ({kind}) was {ended.status}")
    return ended.result


def _told(result: ScanResult) -> dict[str, object]:
    return {
        "instrument": result.instrument,
        "signal_id": result.signal_id,
        "reason": result.reason,
        "late": result.late,
        "evaluated": result.evaluated,
        "problem": result.problem,
    }
