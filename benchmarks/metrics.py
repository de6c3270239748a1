"""What does counting every request cost where an answer is there already, without the server and the network?

In this process, with and without in turns: the best rounds of either, and the middle of all pairs' ratios. Once with
the lines of the log, whose notes are what is counted, and once without them.
"""

import asyncio
import shutil
import tempfile
import time
from pathlib import Path
from typing import TextIO

from pydantic import SecretStr

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.bootstrap import api_options, open_services
from alphaforge.settings import Settings
from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.request_lines import RequestLines
from alphaforge.telemetry.requests import RequestTimes
from benchmarks import hits
from benchmarks.data import filled_database
from benchmarks.report import median, show

MOST = 0.08
"""Of the throughput, by which metrics may slow it."""


def run(rounds: int = 1_500, calls: int = 100) -> None:
    """Print the figures."""
    print(f"A kept list of 100 signals, gzip, in process; {rounds} rounds of {calls} answers each, in turns")
    filled = filled_database()
    for level in ("INFO", "WARNING"):
        with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
            configure_logs("json", level, stream=nowhere)
            path = shutil.copyfile(filled, Path(name) / "filled.db")
            settings = Settings(
                database_url=SecretStr(f"sqlite:///{path}"), rate_limit_per_minute=10**9, background_tasks=False
            )
            asyncio.run(_measure(settings, nowhere, level, rounds, calls))


async def _measure(settings: Settings, nowhere: TextIO, level: str, rounds: int, calls: int) -> None:
    async with open_services(settings) as services:
        app = create_app(services, api_options(settings))
        lines = RequestLines(nowhere), RequestLines(nowhere, RequestTimes())
        ways = [(from_memory_first(app, one.line), one, list[float]()) for one in lines]
        for first, _, _ in ways:
            if (await hits.kept(first)).header("x-cache") != "hit":
                raise RuntimeError("It is not kept")
        for number in range(rounds):
            for first, one, took in ways if number % 2 else reversed(ways):
                began = time.perf_counter()
                await hits.asked(first, calls)
                one.flush()
                took.append((time.perf_counter() - began) / calls * 1e6)
        without, counted = (took for _, _, took in ways)
        ratio = median([one / another for one, another in zip(counted, without, strict=True)])
        figure = f"{min(counted):.2f} us, {min(without):.2f} without"
        show(f"counted, LOG_LEVEL={level}: best rounds", figure, f"{min(counted) / min(without):.3f} times")
        show("the middle of all pairs", f"{ratio:.3f} times", f"{1 + MOST} times", met=ratio <= 1 + MOST)
