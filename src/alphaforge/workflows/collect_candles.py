"""Fetch what closed since the last time, all instruments side by side."""

import asyncio
from collections.abc import Sequence

import structlog

from alphaforge.core.errors import MarketError
from alphaforge.market.rolling import Refreshed
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)


async def collect_candles(desk: Desk, names: Sequence[str]) -> dict[str, Refreshed | MarketError]:
    """What each instrument's refresh brought; one that fails answers its error, and stops no other."""
    fetched = await asyncio.gather(*(_collected(desk, name) for name in names))
    return dict(zip(names, fetched, strict=True))


async def _collected(desk: Desk, name: str) -> Refreshed | MarketError:
    try:
        return await desk.candles.refresh(name)
    except MarketError as error:
        log.warning("candles_unavailable", instrument=name, error=error.message)
        return error
