"""The answer to a request for candles."""

from itertools import chain

import numpy as np
from starlette.requests import Request
from starlette.responses import Response

from alphaforge.market.sandbox.answers import json_answer, packed
from alphaforge.market.sandbox.bars import NO_BARS, Bars, Ints
from alphaforge.market.sandbox.broker import broker_of, struck, unix_times
from alphaforge.market.sandbox.faults import Fault, FaultKind
from alphaforge.market.sandbox.queries import candle_query
from alphaforge.market.sandbox.text import candle_text
from alphaforge.market.sandbox.windows import candles_for

_LONG = 86_400
_M5, _FEW = 300, 100
"""The question after every close takes less time than the way to a worker and back, once its day is made."""


async def candle_page(request: Request) -> Response:
    """`GET /v3/instruments/{instrument}/candles`, and the same below an account."""
    broker = broker_of(request)
    instrument: str = request.path_params["instrument"]
    listing = broker.listing(instrument)
    now = broker.market.clock.now()
    query = candle_query(request.query_params, now)
    late = struck(request, FaultKind.LATE_COMPLETION)
    revised = struck(request, FaultKind.REVISED_CANDLE)
    empty = struck(request, FaultKind.EMPTY_WINDOW)
    unix = unix_times(request)

    def page() -> tuple[bytes, bool]:
        bars = NO_BARS if empty else candles_for(broker.market, instrument, query, now)
        complete = query.buckets.ends_of(bars.time) + (late.delay if late else 0.0) <= now
        if revised:
            bars = _revised(bars, bars.time[complete], revised)
        precision = listing.instrument.display_precision
        head = f'{{"instrument":"{instrument}","granularity":"{query.buckets.granularity}","candles":'
        candles = candle_text(bars, complete, query.prices, precision, unix=unix)
        return packed(request, chain([head.encode()], candles, [b"}"]))

    if query.count <= _FEW and query.buckets.seconds == _M5:
        return json_answer(page())
    return json_answer(await broker.work(page, long=query.buckets.seconds >= _LONG))


def _revised(bars: Bars, closed: Ints, fault: Fault) -> Bars:
    """The bars with one closed candle's close moved by the fault's points: the one `at` a time, or the newest."""
    which = np.flatnonzero(bars.time == (fault.at if fault.at is not None else closed[-1:].max(initial=-1)))
    prices, volume = bars.prices.copy(), bars.volume.copy()
    for side in (0, 4, 8):
        opens, highs, lows, closes = range(side, side + 4)
        prices[closes, which] += fault.points
        prices[highs, which] = np.maximum(prices[highs, which], prices[closes, which])
        prices[lows, which] = np.minimum(prices[lows, which], prices[[opens, closes]][:, which].min(axis=0))
    volume[which] += 1
    return Bars(bars.time, prices, volume)
