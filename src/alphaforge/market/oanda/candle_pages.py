"""A page of candles, from bytes to checked columns.

A page of 5,000 candles has 1.4 MB and 60,000 prices. Making objects of them takes twice as long as reading their
digits in bulk, so that is tried first (`columns_in_bulk`); whatever is unusual about a page is left to the slow way.
"""

import re
from itertools import chain, takewhile

import msgspec
import numpy as np

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.errors import InvalidCandle, MalformedAnswer
from alphaforge.core.granularity import Granularity
from alphaforge.market.oanda.answers import Candle, Candles, moment, reader
from alphaforge.market.oanda.candle_digits import Columns, columns_in_bulk
from alphaforge.market.source import CandlePage

_BULK = 50_000
"""Bytes from which reading in bulk pays."""

_LONGEST_KEY = 64
_INCOMPLETE = re.compile(rb'\{\s*"complete"\s*:\s*false')
_read_candles = reader(Candles, "candles")
_side = msgspec.structs.astuple


def candle_page(body: bytes, instrument: str, granularity: Granularity) -> CandlePage:
    """The closed candles of an answer, and whether one is still forming.

    The closed candles end before the first that is not complete, even if complete ones follow: whoever goes on from
    the last closed candle must not step over one that is late.
    Raises MalformedAnswer for anything but a page of this instrument with possible candles in order; Garbled where
    it is not JSON.
    """
    page, columns = (_in_bulk(body) if len(body) > _BULK else None) or _one_by_one(body)
    if page.instrument != instrument or page.granularity != granularity:
        raise MalformedAnswer(f"OANDA answered with other candles than {instrument} {granularity}")
    closed = _series(instrument, granularity, columns)
    forming = [int(moment(candle.time)) for candle in page.candles if not candle.complete]
    return CandlePage(closed, forming=bool(forming), forming_start=forming[0] if forming else None)


def _series(instrument: str, granularity: Granularity, columns: Columns) -> CandleSeries:
    try:
        return series_from_columns(instrument, granularity, columns)
    except InvalidCandle as error:
        raise MalformedAnswer(f"OANDA sent a candle that cannot be: {error.message}") from None


def _in_bulk(body: bytes) -> tuple[Candles, Columns] | None:
    """The page without its complete candles, and those as columns; None where the page is unusual."""
    first, last = body.find(b"["), body.rfind(b"]")
    if first < 0 or last < first:
        return None
    end = last
    if (false := body.find(b"false", first)) >= 0:
        incomplete = _INCOMPLETE.search(body, max(first, false - _LONGEST_KEY))
        if not incomplete:
            return None
        end = incomplete.start()
    columns = columns_in_bulk(body[first + 1 : end])
    return (_read_candles(body[: first + 1] + body[end:]), columns) if columns else None


def _one_by_one(body: bytes) -> tuple[Candles, Columns]:
    page = _read_candles(body)
    closed: list[Candle] = list(takewhile(lambda candle: candle.complete, page.candles))
    count = len(closed)
    values = chain.from_iterable(_side(candle.mid) + _side(candle.bid) + _side(candle.ask) for candle in closed)
    prices = np.fromiter(values, np.float64, 12 * count).reshape(count, 12)
    time = np.fromiter((moment(candle.time) for candle in closed), np.float64, count).astype(np.int64)
    volume = np.fromiter((candle.volume for candle in closed), np.int64, count)
    return page, [time, *np.ascontiguousarray(prices.T), volume]
