"""From a query to candles: walking through a market's history in pieces of modest size."""

from collections.abc import Iterator

from alphaforge.market.sandbox.bars import Bars, chained
from alphaforge.market.sandbox.protocol import SandboxMarket
from alphaforge.market.sandbox.queries import CandleQuery

_PIECE = 32 * 86_400  # 9,000 M5 candles: half a megabyte
_TRADED = 0.7  # of a week's time has prices


def candles_for(market: SandboxMarket, instrument: str, query: CandleQuery, now: float) -> Bars:
    """The candles that answer `query` at `now`, oldest first."""
    return _last(market, instrument, query, now) if query.start is None else _first(market, instrument, query, now)


def _first(market: SandboxMarket, instrument: str, query: CandleQuery, now: float) -> Bars:
    """All candles between the query's start and end; without an end, the first `count`."""
    parts: list[Bars] = []
    found = 0
    count = query.count if query.end is None else None
    end = query.buckets.ceil(now) if query.end is None else query.end
    start = max(query.start or 0, query.buckets.floor(market.earliest(instrument)))
    for step in _pieces(query):
        if start >= end or (count is not None and found >= count):
            break
        stop = min(query.buckets.ceil(start + step), end)
        parts.append(market.candles(instrument, query.buckets, start, stop, now))
        found += len(parts[-1])
        start = stop
    return chained(parts).rows(0, count)


def _last(market: SandboxMarket, instrument: str, query: CandleQuery, now: float) -> Bars:
    """The last candles before the query's end."""
    parts: list[Bars] = []
    found = 0
    stop = query.buckets.ceil(now) if query.end is None else query.end
    earliest = market.earliest(instrument)
    for step in _pieces(query):
        if found >= query.count or stop <= earliest:
            break
        start = query.buckets.floor(stop - step)
        parts.insert(0, market.candles(instrument, query.buckets, start, stop, now))
        found += len(parts[0])
        stop = start
    return chained(parts).rows(max(0, found - query.count), None)


def _pieces(query: CandleQuery) -> Iterator[int]:
    """How many seconds to look through at a time: at first what is asked, then days for what was closed or silent."""
    yield min(_PIECE, int(query.count * query.buckets.seconds / _TRADED))
    while True:
        yield min(_PIECE, max(4 * 86_400, 500 * query.buckets.seconds))
