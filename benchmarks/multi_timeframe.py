"""What the newest candles of three timeframes of one instrument cost AlphaForge, in a process of its own.

Its window is there, as it always is in a running desk: one request brings what closed since, and the longer candles
are made from M5.
"""

import asyncio
import os
import sys
import time

import msgspec
from pydantic import SecretStr

from alphaforge.bootstrap import open_desk
from alphaforge.core.candles import derived
from alphaforge.core.granularity import Granularity
from alphaforge.core.memory import forget_peak
from alphaforge.settings import Settings
from alphaforge.workflows.collect_candles import collect_candles
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.open_market import open_market
from benchmarks.machine import peak, resident
from benchmarks.report import median

INSTRUMENT = "GBP_USD"
ROUNDS = 10


class Fetched(msgspec.Struct):
    """Seconds (the median), and MiB above idle at the peak."""

    seconds: float
    memory: float


async def fetch(market: str, path: str) -> Fetched:
    """Do it several times."""
    settings = Settings(
        database_url=SecretStr(f"sqlite:///{path}"),
        oanda_api_key=SecretStr("sandbox"),
        oanda_api_url=market,
        background_tasks=False,
        instruments=(INSTRUMENT,),
    )
    async with open_desk(settings) as desk:
        await open_market(desk)
        await collect_candles(desk, [INSTRUMENT])
        idle = resident(os.getpid())
        forget_peak(os.getpid())
        took = [await _once(desk) for _ in range(ROUNDS)]
        return Fetched(median(took), max(0.0, peak(os.getpid()) - idle))


async def _once(desk: Desk) -> float:
    began = time.perf_counter()
    found = (await collect_candles(desk, [INSTRUMENT]))[INSTRUMENT]
    series = desk.candles.series(INSTRUMENT)
    frames = [series, derived(series, Granularity.M15), derived(series, Granularity.H1)]
    took = time.perf_counter() - began
    if isinstance(found, Exception) or not all(len(frame) for frame in frames):
        raise RuntimeError(f"No candles: {found}")
    return took


if __name__ == "__main__":
    sys.stdout.buffer.write(msgspec.json.encode(asyncio.run(fetch(sys.argv[1], sys.argv[2]))))
