"""Prices of now, as they come: one JSON object a line, at most four prices a second of an instrument."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

import msgspec
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from alphaforge.market.sandbox.accounts import account_id
from alphaforge.market.sandbox.bars import Ticks
from alphaforge.market.sandbox.broker import Broker, broker_of, unix_times, visit_of
from alphaforge.market.sandbox.clock import steady_seconds
from alphaforge.market.sandbox.faults import Fault, FaultKind
from alphaforge.market.sandbox.listings import Listing
from alphaforge.market.sandbox.prices import asked_listings, nan_prices, price_message
from alphaforge.market.sandbox.text import time_text
from alphaforge.market.sandbox.wire import wire_of

_OF_A_TICK = (FaultKind.DUPLICATE_TICK, FaultKind.OUT_OF_ORDER_TICK, FaultKind.FUTURE_TICK)
_OF_A_PRICE = (FaultKind.NAN_PRICE, FaultKind.EMPTY_BOOK, FaultKind.BAD_JSON)
_OF_THE_STREAM = (FaultKind.SILENT_STREAM, FaultKind.HEARTBEATS_ONLY)
_OF_THE_END = (FaultKind.REVOKED_TOKEN, FaultKind.RESET, FaultKind.TRUNCATED)
_MERGED = 3


async def price_stream(request: Request) -> Response:
    """`GET /v3/accounts/{account}/pricing/stream`."""
    account_id(request)
    stream = _Stream(request, broker_of(request), asked_listings(request, broker_of(request)))
    return StreamingResponse(stream.chunks(), media_type="application/octet-stream")


class _Stream:
    """One listener."""

    def __init__(self, request: Request, broker: Broker, listings: list[Listing]) -> None:
        self.request, self.broker, self.listings = request, broker, listings
        self.visit = visit_of(request)
        self.unix = unix_times(request)
        self.sent = dict.fromkeys((listing.instrument.name for listing in listings), 0.0)
        self.mute: Fault | None = None

    async def chunks(self) -> AsyncIterator[bytes]:
        """The body's chunks until the server closes or a fault ends them."""
        self.broker.faults.streams += 1
        try:
            waiting: list[bytes] = []
            async for line in self._lines():
                waiting.append(line)
                if len(waiting) < _MERGED and self._struck(FaultKind.MERGED_LINES):
                    continue
                if self._struck(FaultKind.SPLIT_LINES):
                    for part in _split(b"".join(waiting)):
                        yield part
                        await asyncio.sleep(0.01)  # a chunk of its own on the wire, too
                else:
                    yield b"".join(waiting)
                waiting = []
        finally:
            self.broker.faults.streams -= 1

    async def _lines(self) -> AsyncIterator[bytes]:
        """Prices and heartbeats, each ended by a line feed."""
        beat = steady_seconds() + self.broker.heartbeat
        while not self.broker.closing.is_set():
            if (fault := self._struck(*_OF_THE_END)) is not None:
                await self._end(fault)
                return
            muted = self._muted()
            if muted is None:
                async for line in self._prices():
                    yield line
            if steady_seconds() >= beat:
                beat += self.broker.heartbeat
                if muted is None or muted.kind is FaultKind.HEARTBEATS_ONLY:
                    yield self._line({"type": "HEARTBEAT", "time": time_text(self._now(), unix=self.unix)})
            with suppress(TimeoutError):
                await asyncio.wait_for(self.broker.closing.wait(), self.broker.price_interval)

    async def _prices(self) -> AsyncIterator[bytes]:
        """The lines of the instruments that have a newer price than was sent."""
        now = self._now()
        for listing in self.listings:
            await asyncio.sleep(0)  # a quote may need a day of prices to be made: others get their turn in between
            name = listing.instrument.name
            newest = self.broker.market.quote(name, now)
            if len(newest) and newest.time[0] > self.sent[name]:
                self.sent[name] = float(newest.time[0])
                for line in self._price_lines(listing, newest, now):
                    yield line

    def _price_lines(self, listing: Listing, newest: Ticks, now: float) -> list[bytes]:
        message = price_message(self.broker, listing, newest, now, unix=self.unix)
        fault = self._struck(*_OF_A_PRICE)
        if fault and fault.kind is FaultKind.NAN_PRICE:
            message |= nan_prices()
        if fault and fault.kind is FaultKind.EMPTY_BOOK:
            message |= {"bids": [], "asks": []}
        line = self._line(message)
        if fault and fault.kind is FaultKind.BAD_JSON:
            line = line[: len(line) // 2] + b"\n"
        return [line, *self._extra_ticks(message, line, float(newest.time[0]))]

    def _extra_ticks(self, message: dict[str, object], line: bytes, moment: float) -> list[bytes]:
        """What a fault sends after a price: the same again, an older one, or one of the future."""
        fault = self._struck(*_OF_A_TICK)
        if fault is None:
            return []
        if fault.kind is FaultKind.DUPLICATE_TICK:
            return [line]
        shift = fault.delay if fault.kind is FaultKind.FUTURE_TICK else -fault.delay
        return [self._line(message | {"time": time_text(moment + shift, unix=self.unix)})]

    async def _end(self, fault: Fault) -> None:
        """End the stream as the fault asks; after a broken connection nothing more may be sent."""
        if fault.kind is FaultKind.REVOKED_TOKEN:
            return
        wire = wire_of(self.request.scope)
        if fault.kind is FaultKind.RESET:
            wire.reset()
        else:
            wire.break_off(b'{"type":"PRICE","time":"')
        await self.broker.closing.wait()  # cancelled as soon as the connection is seen to be lost

    def _muted(self) -> Fault | None:
        """The fault that keeps this stream silent; a stream that it struck once stays so while it holds."""
        if self.mute is None:
            self.mute = self._struck(*_OF_THE_STREAM)
        elif not self.broker.faults.holds(self.mute):
            self.mute = None
        return self.mute

    def _struck(self, *kinds: FaultKind) -> Fault | None:
        return self.broker.faults.take(self.visit, kinds)

    def _now(self) -> float:
        return self.broker.market.clock.now()

    @staticmethod
    def _line(message: dict[str, object]) -> bytes:
        return msgspec.json.encode(message) + b"\n"


def _split(text: bytes) -> list[bytes]:
    """A text in three parts, none of which ends a line but the last."""
    third = max(1, len(text) // 3)
    return [text[:third], text[third : 2 * third], text[2 * third :]]
