"""Live through a year of candle files close by close, then hold live, backtest and offline against each other.

    python tests/e2e/year.py [--candles DIR] [--from TIME] [--days N] [--database FILE]

The live side is the desk itself: its client asks a sandbox over HTTP, `scan_market` fetches, settles, decides and
stores; only the time is moved by hand, from one close to the next. Then the backtest reads the candles that the desk
has stored, and the offline evaluation the same. Every decision, fill and outcome must be equal to the last bit,
and so must the statistics of the signals. `--database` keeps what the live side stored, and goes on from there.
"""

import argparse
import asyncio
import logging
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog
from agreement import disagreements
from replay import REAL_CANDLES, console
from rich.progress import Progress

from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import AlphaForgeError
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.market.oanda import OandaAccess, OandaClient
from alphaforge.market.sandbox.candle_files import candle_files
from alphaforge.market.sandbox.replay import ReplayMarket
from alphaforge.market.sandbox.server import serve_sandbox
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.storage.engine import Database
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.load_book import load_book
from alphaforge.workflows.open_market import open_market
from alphaforge.workflows.scan_market import scan_market

sys.path.insert(0, str(Path(__file__).parents[1]))
from desks import desk_of

NAMES = ("GBP_USD", "XAU_USD", "USD_JPY")
M5 = 300
DAY = 86_400
WARM_UP = 13_300


async def live_through(market: ReplayMarket, database_url: str, start: int, end: int) -> Counter[str]:
    """Scan at every close in (start, end]; answers how many candles came to which reason in this sitting."""
    sandbox = await serve_sandbox(market)
    client = OandaClient(OandaAccess.of("practice", "any", api_url=sandbox.url), MarketClock())
    database = await Database.open(database_url)
    try:
        desk = desk_of(database, client, NAMES, DEFAULT_SETTINGS)
        return await _scanned(desk, client, market, start, end)
    finally:
        await client.aclose()
        await database.close()
        await sandbox.aclose()


async def _scanned(desk: Desk, client: OandaClient, market: ReplayMarket, start: int, end: int) -> Counter[str]:
    reasons: Counter[str] = Counter()
    await client.connect()
    await open_market(desk)
    await load_book(desk)
    start = max([start, *(evaluated + M5 for evaluated in desk.evaluated.values())])
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("market days", total=(end - start) / DAY)
        for close in closes(market, start, end):
            market.clock.advance_to(close + 1.0)
            client.clock.observe(close + 1.0)
            for found in await scan_market(desk):
                reasons[found.reason or "signal"] += 1
            progress.update(bar, completed=(close - start) / DAY)
    return reasons


def closes(market: ReplayMarket, start: int, end: int) -> list[int]:
    """The closes of all candles of the files in (start, end]."""
    found = {int(time) + M5 for name in NAMES for time in market.minutes5(name, start, end).time}
    return sorted(close for close in found if start < close <= end)


def main() -> int:
    """0 where all three agree, 1 where they do not."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candles", type=Path, default=REAL_CANDLES)
    parser.add_argument("--from", dest="start", default=None)
    parser.add_argument("--days", type=float, default=400.0)
    parser.add_argument("--database", type=Path, default=None)
    given = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    if not given.candles.is_dir():
        console.print(f"Skipped: there are no candles at {given.candles}; ALPHAFORGE_REAL_CANDLES names their folder.")
        return 0
    market, start, end = _market(given.candles, given.start, given.days)
    began = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="alphaforge-year-") as folder:
        file = given.database or Path(folder) / "desk.db"
        reasons = asyncio.run(live_through(market, f"sqlite:///{file}", start, end))
        console.print(f"Lived {rfc3339(start)} to {rfc3339(end)} in {time.monotonic() - began:.0f} s: {dict(reasons)}")
        try:
            faults = asyncio.run(disagreements(f"sqlite:///{file}", NAMES, console.print))
        except AlphaForgeError as error:
            faults = [error.message]
    for fault in faults[:20]:
        console.print(f"[red]{fault}")
    console.print("They differ." if faults else "Live, backtest and offline agree to the last bit.")
    return 1 if faults else 0


def _market(folder: Path, start: str | None, days: float) -> tuple[ReplayMarket, int, int]:
    """The market of the files, and the time to live through: from where all are warm, if nothing else is said."""
    files = candle_files(folder)
    probe = ReplayMarket(files, parse_rfc3339("2025-01-15T12:00:00Z") if start is None else parse_rfc3339(start))
    series = [probe.minutes5(name, 0, 2**40).time for name in NAMES]
    first = max(int(one[WARM_UP]) for one in series) if start is None else int(parse_rfc3339(start))
    last = min(int(one[-1]) + M5 for one in series)
    market = ReplayMarket(files, first + 1.0)
    return market, first, min(last, int(first + days * DAY))


if __name__ == "__main__":
    sys.exit(main())
