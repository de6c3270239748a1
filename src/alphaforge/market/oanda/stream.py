"""The price stream: lines without end, alive as long as something comes every few seconds."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass

import httpx2
import structlog

from alphaforge.core.errors import MarketUnavailable
from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.failures import WAIT, failure_of_status, failure_of_transport
from alphaforge.market.oanda.limiter import WindowLimiter
from alphaforge.market.oanda.prices import TickReader
from alphaforge.market.oanda.traffic import Asked, Traffic
from alphaforge.market.source import Heartbeat, Quote

log = structlog.get_logger(__name__)

SILENCE = 10.0
"""Seconds without a price or heartbeat after which a stream is dead; heartbeats come every five."""

_WHAT = "the price stream"


@dataclass(frozen=True, slots=True)
class Streamer:
    """Opens price streams, each a request that is paced like any other but answered for hours."""

    http: httpx2.AsyncClient
    access: OandaAccess
    requests: WindowLimiter
    traffic: Traffic
    observe: Callable[[httpx2.Headers, float], None]
    silence: float = SILENCE

    async def stream(
        self, path: str, params: Mapping[str, str], ticks: TickReader
    ) -> AsyncGenerator[Quote | Heartbeat, None]:
        """What `ticks` reads from the stream. Raises MarketError; ends in no other way."""
        await self.requests.acquire()
        try:
            async with AsyncExitStack() as stack:
                with self.traffic.request(Asked.STREAM):  # its beginning: after that it is meant to last
                    async with asyncio.timeout(self.silence):
                        response = await self._opened(stack, path, params)
                chunks = await stack.enter_async_context(aclosing(_chunks(response)))
                deadline = time.monotonic() + self.silence
                while True:
                    async with asyncio.timeout(deadline - time.monotonic()):
                        chunk = await anext(chunks)
                    for item in ticks.feed(chunk):
                        deadline = time.monotonic() + self.silence
                        yield item
        except TimeoutError:
            raise MarketUnavailable(f"The price stream was silent for {self.silence:g} s", advice=WAIT) from None
        except StopAsyncIteration:
            raise MarketUnavailable("OANDA ended the price stream", advice=WAIT) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise failure_of_transport(error, _WHAT) from None

    async def _opened(self, stack: AsyncExitStack, path: str, params: Mapping[str, str]) -> httpx2.Response:
        began = time.monotonic()
        request = self.http.stream("GET", self.access.stream_url + path, params=params)
        response = await stack.enter_async_context(request)
        self.observe(response.headers, time.monotonic() - began)
        request_id = response.headers.get("RequestID")
        log.debug("market_answer", what=_WHAT, status=response.status_code, request_id=request_id)
        if response.status_code != httpx2.codes.OK:
            log.warning("market_refused", what=_WHAT, status=response.status_code, request_id=request_id)
            raise failure_of_status(response.status_code, await response.aread(), self.access, _WHAT)
        return response


async def _chunks(response: httpx2.Response) -> AsyncGenerator[bytes, None]:
    async for chunk in response.aiter_bytes():
        yield chunk
