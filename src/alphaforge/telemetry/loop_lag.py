"""How late the event loop comes to what is due: what every client waits beside its own answer."""

import asyncio
import time

from alphaforge.core.distribution import Distribution

PERIOD = 0.25
"""Seconds between two looks; uvloop keeps its timers to the millisecond, so that less than one is not seen."""


async def watch_loop(lags: Distribution) -> None:
    """Add to `lags` (seconds) until cancelled."""
    while True:
        due = time.perf_counter() + PERIOD
        await asyncio.sleep(PERIOD)
        lags.add(time.perf_counter() - due)
