"""Fetch what closed since the last time, all instruments side by side."""

import asyncio
from collections.abc import Sequence

import structlog

from alphaforge.core.errors import MarketError, MarketUnavailable
from alphaforge.market.rolling import Refreshed
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)


async def collect_candles(desk: Desk, names: Sequence[str]) -> dict[str, Refreshed | MarketError]:
    """What each instrument's refresh brought; one that fails answers its error, and stops no other.

    Those of open signals that are watched no more are fetched as well, so that the signals come to their end.
    """
    left = (name for name in desk.followed() if name not in desk.names)
    asked = tuple(dict.fromkeys((*names, *left)))
    fetched = await asyncio.gather(*(_collected(desk, name) for name in asked))
    return dict(zip(asked, fetched, strict=True))


def is_late(fetched: Refreshed | MarketError) -> bool:
    """Whether the broker has not closed its newest candle yet, or could not be asked: ask again soon."""
    return fetched.late if isinstance(fetched, Refreshed) else isinstance(fetched, MarketUnavailable)


async def _collected(desk: Desk, name: str) -> Refreshed | MarketError:
    try:
        return await desk.candles.refresh(name)
    except MarketError as error:
        log.warning("candles_unavailable", instrument=name, error=error.message)
        return error
