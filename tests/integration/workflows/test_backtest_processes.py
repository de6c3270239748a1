"""The processes that perform tasks: what they load, what they answer, and how they end."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import msgspec
import pytest
import uvloop

from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.core.errors import NoData
from alphaforge.core.market_hours import hours_of
from alphaforge.storage.engine import Database
from alphaforge.workflows.backtest_child import REQUEST, SCRATCH
from alphaforge.workflows.backtest_processes import ProcessDied, processes
from alphaforge.workflows.backtest_request import Request
from alphaforge.workflows.run_backtest import Performance, named, write_request
from api_bench import SQLITE
from backtests_at_hand import END, SETTINGS, SOURCE, START, keep_candles, report
from builders import GBP_USD

PLAN = Plan.from_dict(
    {"instruments": ["GBP_USD"], "start": START, "end": END, "settings": SETTINGS, "version": "2.0.0"}
)
ASKED = Request(PLAN, SOURCE, True, (GBP_USD,), {"GBP_USD": hours_of("GBP_USD")})
TASK = Schedule.of(PLAN).ready({})[0].to_dict()


def test_they_load_the_rules_and_nothing_of_database_interface_or_command_line() -> None:
    loaded = subprocess.run(  # noqa: S603 - our own interpreter
        [
            *(sys.executable, "-c"),
            "import alphaforge.workflows.backtest_child, alphaforge.workflows.backtest_tasks, sys; print(*sys.modules)",
        ],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.split()
    foreign = {"sqlalchemy", "fastapi", "starlette", "pydantic", "pandas", "typer", "rich", "structlog", "httpx2"}
    assert foreign & set(loaded) == set()
    assert "numpy" in loaded


@SQLITE
async def test_tasks_are_performed_and_each_error_comes_with_its_words(database: Database, tmp_path: Path) -> None:
    await keep_candles(database)
    await write_request(database, ASKED, tmp_path)
    async with processes(tmp_path, 1) as made:
        segment = msgspec.json.decode(await made.ask("perform", TASK, named(TASK)))["segment"]
        assert segment["trades"] == msgspec.json.decode(msgspec.json.encode(report()["trades"]))
        late = TASK | {"start": END + 86_400, "end": END + 2 * 86_400}
        with pytest.raises(NoData, match="No candle from 2025-01-2"):
            await made.ask("perform", late, named(TASK))
        assert msgspec.json.decode(await made.ask("go_on", {}, "what follows"))["tasks"] == [TASK]
        process = made.begun[0].process
    assert process.returncode == -signal.SIGKILL


@pytest.mark.parametrize("run", [asyncio.run, uvloop.run], ids=["a command's loop", "a server's loop"])
def test_one_that_breaks_says_in_which_task_and_why(run: Callable[..., None], tmp_path: Path) -> None:
    async def broken() -> None:
        async with processes(tmp_path, 1) as made:
            await made.ask("perform", TASK, named(TASK))

    with pytest.raises(ProcessDied, match=r"performed the run ended with code 70: FileNotFoundError.*request\.json"):
        run(broken())


async def test_a_stopped_performance_ends_at_once_and_keeps_what_there_is(tmp_path: Path) -> None:
    performance = Performance(ASKED, tmp_path, 1, lambda *_: performance.stopped.set())
    assert not await performance.run()
    assert performance.results == {}


def test_a_process_ends_with_the_one_that_began_it_and_clears_up_after_it(tmp_path: Path) -> None:
    """Its line closes, however that came about."""
    folder = tmp_path / f"{SCRATCH}x"
    folder.mkdir()
    (folder / REQUEST).write_bytes(msgspec.json.encode(ASKED.to_dict()))
    child = subprocess.Popen(  # noqa: S603 - our own interpreter
        [sys.executable, "-P", "-m", "alphaforge.workflows.backtest_child", str(folder)],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env={**os.environ},
    )
    assert child.stdin is not None
    child.stdin.close()
    assert child.wait(timeout=60) == 0
    assert not folder.exists()


def test_parts_are_named_for_people() -> None:
    assert named(TASK) == "the run"
    assert named(TASK | {"points": [20, 21, 39], "fold": 2}) == "points 20 to 39 of fold 2"
