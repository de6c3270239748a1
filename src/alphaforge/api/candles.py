"""Closed candles: M5 as they came, M15 and H1 derived from them, as decisions see them."""

from enum import StrEnum
from typing import Annotated

import numpy as np
from fastapi import APIRouter, Query, Response

from alphaforge.api.candle_indicators import NAMES, indicator_bodies, indicator_names
from alphaforge.api.encoding import json_answer
from alphaforge.api.parameters import Asked, From, Spelling, To, full_minute, known_instrument
from alphaforge.api.schemas import market as shapes
from alphaforge.api.services import CANDLE_GRANULARITIES, Services
from alphaforge.core.candles import CandleSeries, Ohlc, derived, empty_series, joined
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import rfc3339
from alphaforge.signals.analysis import WARM_UP

router = APIRouter(tags=["candles"])

MOST_CANDLES = 5_000
"""As many as OANDA gives in one answer."""


class Side(StrEnum):
    """Which price the candles are of."""

    MID = "mid"
    BID = "bid"
    ASK = "ask"


@router.get("/api/candles/{instrument:path}", summary="Closed candles, oldest first", response_model=shapes.Candles)
async def candles(
    services: Asked,
    instrument: Spelling,
    *,
    granularity: Annotated[str, Query(max_length=3, description="M5, M15 or H1.", examples=["M15"])] = "M5",
    price: Annotated[Side, Query(description="mid, bid or ask.")] = Side.MID,
    limit: Annotated[int, Query(ge=1, le=MOST_CANDLES, description="How many at most.")] = 500,
    start: From = None,
    end: To = None,
    indicators: Annotated[
        str | None,
        Query(
            max_length=300,
            description=f"Any of {', '.join(f'`{name}`' for name in NAMES)}, separated by commas.",
            examples=["ema_fast,ema_slow"],
        ),
    ] = None,
) -> Response:
    """The newest closed candles (before `to`, where given), or the first ones from `from` on.

    Where nothing traded there is no candle, and one whose last minutes are still to come is not among them.
    `indicators` adds for each of them what decisions would see at that candle: of the middle, whatever `price` is.
    """
    names = indicator_names(indicators)
    name = known_instrument(services, instrument).name
    length = _granularity(granularity)
    if start is not None and end is not None and end <= start:
        message = "'to' must lie after 'from'"
        raise InvalidInput(message)
    known, first = await _series(
        services, name, length, limit=limit, start=start, end=end, before=WARM_UP if names else 0
    )
    series, market = known.rows(first), services.status.market()
    body: dict[str, object] = {
        "instrument": name,
        "granularity": length.value,
        "price": price.value,
        "candles": _rows(series, getattr(series, price.value)),
        "count": len(series),
        "source": market.source,
        "simulated": market.simulated,
    }
    if names:
        body["indicators"] = indicator_bodies(names, known, first, services.strategy.settings)
    return json_answer(body)


def _granularity(text: str) -> Granularity:
    if text.upper() not in CANDLE_GRANULARITIES:
        message = "granularity must be M5, M15 or H1"
        raise InvalidInput(message)
    return Granularity(text.upper())


async def _series(
    services: Services,
    name: str,
    length: Granularity,
    *,
    limit: int,
    start: float | None,
    end: float | None,
    before: int,
) -> tuple[CandleSeries, int]:
    """The closed candles asked for, from memory as far as that reaches, else with the database.

    Before them come as many as `before`, where they exist; beside them the place of the first that was asked for.
    """
    now = full_minute(services.clock.now())
    until = now if end is None else min(now, end)
    reach = _span(limit, length)
    if start is None:
        stop = int(until)
        first = length.floor(until) - reach
    else:
        first = -length.floor(-start)
        stop = min(first + reach, int(until))
    earlier = first - (_span(before, length) if before else 0)
    base = await _base(services, name, length, earlier, stop)
    closed = _closed(base, services.candles.series(name), length).after(earlier).until(until)
    begin = int(np.searchsorted(closed.time, first))
    if start is None:
        begin = max(begin, len(closed) - limit)
    else:
        closed = closed.rows(0, begin + limit)
    return closed, begin


def _span(count: int, length: Granularity) -> int:
    """Seconds in which so many candles are found where they exist, with room for hours in which nothing trades."""
    return 2 * count * length.seconds + _LONG_WEEKEND


_LONG_WEEKEND = 4 * 86_400


async def _base(services: Services, name: str, length: Granularity, first: int, stop: int) -> CandleSeries:
    """M5 candles from `first` to `stop`, beginning on a bucket of `length`."""
    memory = services.candles.series(name)
    if len(memory) and int(memory.time[0]) <= first:
        return memory.after(first).until(stop)
    part = memory.after(first).until(stop)
    stored = await services.candles.between(name, first, stop)
    if len(part) and not len(stored):  # its first bucket may lack candles that nobody kept
        part = part.after(-length.floor(-int(part.time[0])))
    return joined(stored, part)


def _closed(base: CandleSeries, memory: CandleSeries, length: Granularity) -> CandleSeries:
    """Candles of `length` that no later M5 candle can change: they end before the newest one known does."""
    if not len(base):
        return empty_series(base.instrument, length)
    newest = max(base.end, memory.end if len(memory) else 0)
    return derived(base, length).until(newest)


def _rows(series: CandleSeries, price: Ohlc) -> list[dict[str, object]]:
    columns = (series.time, price.open, price.high, price.low, price.close, series.volume)
    return [
        {"time": rfc3339(moment), "open": first, "high": high, "low": low, "close": last, "volume": volume}
        for moment, first, high, low, last, volume in zip(*(column.tolist() for column in columns), strict=True)
    ]
