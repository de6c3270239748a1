"""A trader's own results count towards the size of the next position."""

import math

from alphaforge.core.errors import InvalidInput
from alphaforge.signals.sizing import KellyStatistics, kelly_statistics
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.signals import SignalRepository
from alphaforge.storage.trade_results import TradeResultRepository
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.load_book import load_book


async def record_trade_result(
    desk: Desk, connection: AsyncConnection, name: str, profit_loss: float, risk: float
) -> KellyStatistics:
    """Store a result (both in account currency) and answer what sizing makes of the instrument's results now.

    In the caller's transaction, so that what the caller answers can be kept together with it.
    Raises InvalidInput for a risk that is not above zero or numbers that are not finite.
    """
    if not (math.isfinite(profit_loss) and math.isfinite(risk) and risk > 0):
        raise InvalidInput(
            f"A result of {profit_loss} at a risk of {risk} cannot be",
            advice="Give finite numbers; the risk is the money that was at stake, above 0.",
        )
    (watched,) = desk.watched((name,))
    await TradeResultRepository(connection).add(watched, profit_loss, risk, desk.clock.now())
    results = await SignalRepository(connection).results(desk.source.name, (watched,), desk.strategy.kelly_results)
    return kelly_statistics([r for _, r in sorted(results[watched])], settings=desk.strategy)


async def read_kelly(desk: Desk, names: tuple[str, ...]) -> KellyStatistics:
    """The sizing figures of these instruments' results together, in the order of time; from the book, if it is held."""
    async with desk.deciding:
        results = (await load_book(desk)).book.results
    merged = sorted(result for name in names for result in results.get(name, []))
    return kelly_statistics([r for _, r in merged], settings=desk.strategy)
