"""The first conversation with the market: who answers, what may be traded, which candles are there already."""

import structlog

from alphaforge.core.errors import MarketError
from alphaforge.workflows.desk import Desk

log = structlog.get_logger(__name__)


async def open_market(desk: Desk) -> None:
    """Learn the instruments and load the stored candles of this market. Raises MarketError and StorageError."""
    known = {instrument.name: instrument for instrument in await desk.source.instruments()}
    desk.instruments.update(known)
    for name in desk.names:
        if name not in known:
            log.error("instrument_missing", instrument=name, advice="The account cannot trade it; see INSTRUMENTS.")
    if not desk.source.simulated:  # a sandbox says with every answer what the time is
        await _learn_time(desk, [name for name in desk.names if name in known])
    await desk.candles.load(desk.names)
    log.info("market_opened", source=desk.source.name, simulated=desk.source.simulated, instruments=len(known))


async def _learn_time(desk: Desk, names: list[str]) -> None:
    """Ask for prices, which alone carry the market's time, before anything is decided by the machine's."""
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
