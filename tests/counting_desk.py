"""A desk in a process of its own, which scans so many closes of a market in memory and says what it counted.

`python counting_desk.py URL CLOSES`: says "ready", waits for a line, and ends with one line of JSON.
"""

import asyncio
import sys

import msgspec

from alphaforge.storage.engine import Database
from alphaforge.workflows.scan_market import scan_market
from builders import GBP_USD, USD_JPY, walk
from desks import desk_of, market_of

_FIRST = 700
"""The first candle that is decided: enough lie before it."""


async def count(url: str, closes: int) -> dict[str, object]:
    history = [walk(one, 800, seed=3, gaps=0.0) for one in (GBP_USD, USD_JPY)]
    market = market_of(*history, moment=float(history[0].time[_FIRST]) + 305.0)
    database = await Database.open(url)
    desk = desk_of(database, market, tuple(one.instrument for one in history))
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.to_thread(sys.stdin.readline)
    for _ in range(closes):
        await scan_market(desk)
        market.clock.time += 300.0
    await database.close()
    counts = desk.counts
    return {
        "scans": counts.scans["ok"].count,
        "evaluations": counts.evaluations,
        "signals": counts.signals.total(),
        "rejections": counts.rejections.total(),
    }


if __name__ == "__main__":
    found = asyncio.run(count(sys.argv[1], int(sys.argv[2])))
    sys.stdout.write(msgspec.json.encode(found).decode() + "\n")
