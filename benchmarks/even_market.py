"""A simulated market whose prices come whenever they like, not four times a second together: `... PORT SPEED`."""

import asyncio
import sys

from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import serve_sandbox

NAMES = ("GBP_USD", "XAU_USD", "USD_JPY", "EUR_USD", "AUD_USD")
BEGINS = "2025-07-08T09:00:00Z"
_BETWEEN_PRICES = 0.02


async def _serve(port: int, speed: float) -> None:
    market = SimulatedMarket(7, NAMES, SandboxClock(parse_rfc3339(BEGINS), speed))
    await serve_sandbox(market, port=port, price_interval=_BETWEEN_PRICES)
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(_serve(int(sys.argv[1]), float(sys.argv[2])))
