"""Small backtests: candles, settings that need few of them, and a report that is made once."""

from functools import cache
from typing import Any

from alphaforge.backtests.composition import composed
from alphaforge.backtests.model import Market
from alphaforge.backtests.perform import perform
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.core.candles import CandleSeries
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import rfc3339
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from builders import GBP_USD, walk

SETTINGS = {"minimum_candles": 60, "volatility_window": 50, "window": 1_000}
"""As the strategy, warm after sixty hours."""
SOURCE = "sandbox"


@cache
def candles() -> CandleSeries:
    """A fortnight and more of GBP_USD."""
    return walk(GBP_USD, 4_000, seed=21)


START, END = float(candles().time[1_000]), float(candles().time[-1] + 300)
ASKED: dict[str, Any] = {
    "instruments": ["GBP_USD"],
    "from": rfc3339(START),
    "to": rfc3339(END),
    "settings": SETTINGS,
}
"""As POST /api/backtests takes it."""


async def keep_candles(database: Database, source: str = SOURCE) -> None:
    """Store them."""
    async with database.write("candles") as connection:
        await CandleRepository(connection, source).keep(candles())


@cache
def report() -> dict[str, Any]:
    """The report of what `ASKED` says, made here and now."""
    plan = Plan.from_dict(
        {"instruments": ["GBP_USD"], "start": START, "end": END, "settings": SETTINGS, "version": "2.0.0"}
    )
    market = Market({"GBP_USD": candles()}, (GBP_USD,), {"GBP_USD": hours_of("GBP_USD")}, SOURCE, simulated=True)
    [task] = Schedule.of(plan).ready({})
    return composed(plan, {task.number: perform(task, market)})
