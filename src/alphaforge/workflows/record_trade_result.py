"""A trader's own results count towards the size of the next position."""

import math

from alphaforge.core.errors import InvalidInput
from alphaforge.signals.sizing import KellyStatistics, kelly_statistics
from alphaforge.storage.signals import SignalRepository
from alphaforge.storage.trade_results import TradeResultRepository
from alphaforge.workflows.desk import Desk


async def record_trade_result(desk: Desk, name: str, profit_loss: float, risk: float) -> KellyStatistics:
    """Store a result (both in account currency) and answer what sizing makes of the instrument's results now.

    Raises InvalidInput for a risk that is not above zero or numbers that are not finite.
    """
    if not (math.isfinite(profit_loss) and math.isfinite(risk) and risk > 0):
        raise InvalidInput(
            f"A result of {profit_loss} at a risk of {risk} cannot be",
            advice="Give finite numbers; the risk is the money that was at stake, above 0.",
        )
    (watched,) = desk.watched((name,))
    async with desk.database.write() as connection:
        await TradeResultRepository(connection).add(watched, profit_loss, risk, desk.clock.now())
    return await read_kelly(desk, (watched,))


async def read_kelly(desk: Desk, names: tuple[str, ...]) -> KellyStatistics:
    """The sizing figures of these instruments' stored results together."""
    async with desk.database.read() as connection:
        results = await SignalRepository(connection).results(desk.source.name, names, desk.strategy.kelly_results)
    merged = sorted(result for found in results.values() for result in found)
    return kelly_statistics([r for _, r in merged], settings=desk.strategy)
