"""The first conversation with the market: who answers, what may be traded, which candles are there already."""

import asyncio
from collections.abc import Sequence

import structlog

from alphaforge.core.errors import MarketError
from alphaforge.core.instruments import Instrument
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.load_book import load_book

log = structlog.get_logger(__name__)


async def open_market(desk: Desk, scanned_next: Sequence[str] = ()) -> None:
    """Learn the instruments and load the stored candles of this market. Raises MarketError and StorageError.

    What closed since of the candles of `scanned_next` is on its way then: the scan that follows waits for it only.
    """
    await desk.source.connect()  # whose candles are to be loaded is certain with the first answer
    try:
        async with asyncio.TaskGroup() as group:
            learning = group.create_task(desk.source.instruments())
            group.create_task(_recall(desk, scanned_next, learning))
    except ExceptionGroup as failed:
        raise failed.exceptions[0] from None
    known = {instrument.name: instrument for instrument in learning.result()}
    desk.instruments, desk.listed = desk.instruments | known, True
    for name in desk.names:
        if name not in known:
            log.error("instrument_missing", instrument=name, advice="The account cannot trade it; see INSTRUMENTS.")
    log.info("market_opened", source=desk.source.name, simulated=desk.source.simulated, instruments=len(known))


async def _recall(desk: Desk, scanned_next: Sequence[str], learning: asyncio.Task[list[Instrument]]) -> None:
    """Load what is stored of this market, and have the candles that are missing fetched meanwhile."""
    await desk.candles.load(desk.names)
    if not desk.source.simulated:  # a sandbox says with every answer what the time is
        await _learn_time(desk, [one.name for one in await learning if one.name in desk.names])
    desk.candles.begin(scanned_next)
    async with desk.deciding:
        desk.held = await load_book(desk)


async def _learn_time(desk: Desk, names: list[str]) -> None:
    """Ask for prices, which alone carry the market's time, before anything is asked for or decided by the machine's."""
    try:
        if names:
            await desk.source.quotes(names)
    except MarketError as error:  # the first prices that come will tell
        log.info("market_time_unknown", reason=error.message)


async def warm_connections(desk: Desk) -> None:
    """Have a kept-alive connection for each instrument, so that a scan can ask for all of them side by side."""
    try:
        await desk.source.prepare(len(desk.names))
    except MarketError as error:  # a comfort, not a need: the scan opens what it lacks
        log.info("connections_not_prepared", reason=error.message)
