"""Quotes from OANDA's prices: what is no quote, what is late, and what cannot be yet."""

from collections.abc import Sequence
from dataclasses import dataclass, field

import msgspec
import structlog

from alphaforge.core.clock import Clock
from alphaforge.core.errors import InvalidInput, MalformedAnswer
from alphaforge.market.oanda.answers import Depth, Price, Pricing, moment, reader
from alphaforge.market.oanda.traffic import Traffic
from alphaforge.market.source import Heartbeat, Quote

log = structlog.get_logger(__name__)
read_pricing = reader(Pricing, "prices")
_line = msgspec.json.Decoder(Price, strict=False)

_AHEAD = 10.0
"""Seconds by which a tick may be ahead of the market's clock, which is as exact as the network is quick."""


def quote_of(price: Price) -> Quote | None:
    """The quote, or None where there is no price on both sides. Raises InvalidInput for NaN and crossed prices."""
    if price.status == "invalid" or not (price.bids and price.asks):
        return None
    bid, ask = price.bids[0], price.asks[0]
    tradeable = price.tradeable is not False if price.status is None else price.status == "tradeable"
    return Quote(price.instrument, moment(price.time), bid.price, ask.price, _volume(bid), _volume(ask), tradeable)


def quotes_of(pricing: Pricing, asked: Sequence[str], traffic: Traffic) -> list[Quote]:
    """The quotes of an answer; one that is refused is counted and does not hide the others."""
    quotes = []
    for price in pricing.prices:
        if price.instrument not in asked:
            raise MalformedAnswer("OANDA answered with prices of other instruments")
        try:
            quote = quote_of(price)
        except InvalidInput as error:
            traffic.refused_prices += 1
            log.warning("price_refused", instrument=price.instrument, reason=error.message)
            continue
        if quote:
            quotes.append(quote)
    return quotes


def _volume(depth: Depth) -> int | None:
    liquidity = depth.liquidity
    return int(liquidity) if liquidity is not None and 0 <= liquidity < float("inf") else None


@dataclass(slots=True)
class TickReader:
    """Turns the stream's bytes into quotes and heartbeats. Chunks need not end where lines do.

    One bad line is logged, counted and skipped: the lines after it are as good as ever.
    """

    instruments: Sequence[str]
    clock: Clock
    traffic: Traffic
    _rest: bytes = b""
    _newest: dict[str, float] = field(default_factory=dict)

    def feed(self, chunk: bytes) -> list[Quote | Heartbeat]:
        """What the lines that `chunk` completes say. Raises MalformedAnswer where a line never ends."""
        *lines, self._rest = (self._rest + chunk).split(b"\n")
        if len(self._rest) > _LONGEST_LINE:
            raise MalformedAnswer("OANDA's price stream sent a line without an end")
        items = (self._item(line) for line in lines if line.strip())
        return [item for item in items if item is not None]

    def _item(self, line: bytes) -> Quote | Heartbeat | None:
        try:
            price = _line.decode(line)
            if price.type == "HEARTBEAT":
                self.traffic.heartbeats += 1
                return Heartbeat(moment(price.time))
            return self._tick(price)
        except (msgspec.DecodeError, UnicodeDecodeError, MalformedAnswer) as error:
            self.traffic.bad_lines += 1
            log.warning("stream_line_skipped", reason=str(error))
            return None

    def _tick(self, price: Price) -> Quote | None:
        if price.type != "PRICE" or price.instrument not in self.instruments:
            return None
        try:
            quote = quote_of(price)
        except InvalidInput as error:
            self.traffic.refused_prices += 1
            log.warning("price_refused", instrument=price.instrument, reason=error.message)
            return None
        if quote is None:
            return None
        if quote.time > self.clock.now() + _AHEAD * max(1.0, self.clock.speed):
            self.traffic.future_prices += 1
            log.warning("price_from_the_future_dropped", instrument=quote.instrument, time=quote.time)
            return None
        if quote.time <= self._newest.get(quote.instrument, float("-inf")):
            self.traffic.stale_prices += 1
            return None
        self._newest[quote.instrument] = quote.time
        self.traffic.prices += 1
        return quote


_LONGEST_LINE = 1_000_000
