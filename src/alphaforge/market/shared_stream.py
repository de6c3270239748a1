"""One price stream for all processes of a desk: who holds it passes on what it brings, the others take it there."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass

import msgspec

from alphaforge.core.errors import InvalidInput, MarketUnavailable
from alphaforge.market.source import CandleSource, Heartbeat, Quote

LOOK_SECONDS = 0.5
"""Between two looks at who leads."""


class _Message(msgspec.Struct, array_like=True):
    """A quote, or without one a heartbeat."""

    time: float
    quote: tuple[str, float, float, int | None, int | None, bool] | None = None


_decode = msgspec.msgpack.Decoder(_Message).decode


def packed(item: Quote | Heartbeat) -> bytes:
    """What came, as it is passed on."""
    if isinstance(item, Heartbeat):
        return msgspec.msgpack.encode(_Message(item.time))
    quote = item.instrument, item.bid, item.ask, item.bid_volume, item.ask_volume, item.tradeable
    return msgspec.msgpack.encode(_Message(item.time, quote))


def unpacked(message: bytes) -> Quote | Heartbeat:
    """What was passed on. Raises MarketUnavailable for what `packed` did not make."""
    try:
        found = _decode(message)
        if found.quote is None:
            return Heartbeat(found.time)
        name, bid, ask, bid_volume, ask_volume, tradeable = found.quote
        return Quote(name, found.time, bid, ask, bid_volume, ask_volume, tradeable)
    except (msgspec.MsgspecError, InvalidInput):
        raise MarketUnavailable("What is passed on of prices cannot be read", advice=_ANOTHER) from None


_ANOTHER = "Another program, or another version, may write to the same Redis."


@dataclass(frozen=True, slots=True)
class SharedStream:
    """`stream` is the market's for who is `leading`, and what `messages` brings for the others.

    `publish` must neither wait nor raise. `messages` is opened anew each time, and ends or raises where nothing is
    heard any more. Whoever begins or ceases to lead breaks off, so that the feed opens the other stream.
    """

    source: CandleSource
    publish: Callable[[bytes], None]
    messages: Callable[[], AsyncGenerator[bytes, None]]
    leading: Callable[[], bool]

    async def stream(self, instruments: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        """What comes. Raises MarketError; ends in no other way."""
        leads = self.leading()
        async with aclosing(self._held(instruments) if leads else self._heard(frozenset(instruments))) as items:
            while (item := await self._next(items, leads=leads)) is not None:
                yield item
        raise MarketUnavailable("The price stream changes hands")

    async def _next(self, items: AsyncGenerator[Quote | Heartbeat, None], *, leads: bool) -> Quote | Heartbeat | None:
        """What comes next; None as soon as another leads than did."""
        coming = asyncio.ensure_future(anext(items))
        try:
            while self.leading() == leads:
                if (await asyncio.wait({coming}, timeout=LOOK_SECONDS))[0]:
                    return coming.result()
        except StopAsyncIteration:
            raise MarketUnavailable("The price stream ended") from None
        finally:
            coming.cancel()
            await asyncio.wait({coming})
        return None

    async def _held(self, instruments: Sequence[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        stream = self.source.stream(instruments)
        try:
            async for item in stream:
                self.publish(packed(item))
                yield item
        finally:
            if isinstance(stream, AsyncGenerator):
                await stream.aclose()

    async def _heard(self, instruments: frozenset[str]) -> AsyncGenerator[Quote | Heartbeat, None]:
        async with aclosing(self.messages()) as messages:
            async for message in messages:
                item = unpacked(message)
                if isinstance(item, Heartbeat) or item.instrument in instruments:
                    yield item
