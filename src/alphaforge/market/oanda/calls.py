"""One question to OANDA: paced, retried within a time budget, and not asked at all while the market is down."""

import asyncio
import time
import zlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Generic, TypeVar
from urllib.parse import urlencode

import httpx2
import stamina
import structlog

from alphaforge.core.errors import MarketError, MarketUnavailable, RateLimited, TokenRejected
from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.breaker import CircuitBreaker, CircuitOpen
from alphaforge.market.oanda.connections import FRESH
from alphaforge.market.oanda.failures import WAIT, Garbled, failure_of_status, failure_of_transport
from alphaforge.market.oanda.limiter import WindowLimiter
from alphaforge.market.oanda.traffic import Asked, Traffic

log = structlog.get_logger(__name__)
T = TypeVar("T")

_LARGE = 20_000
"""Bytes from which an answer is unpacked and read beside the event loop: a page of megabytes would hold up everything
else, and the next page is asked for meanwhile."""

_GZIP_FORMAT = 31


@dataclass(frozen=True, slots=True)
class CallLimits:
    """Seconds, but for `attempts`. `budget` bounds a call with all its attempts and pauses.

    `connect` and `read` bound an attempt: opening a connection, and each wait for bytes. After a failure the pause is
    `pause`, doubled each time, plus up to `jitter`; after a 429 about `rate_pause`.
    """

    budget: float = 20.0
    attempts: int = 4
    connect: float = 4.0
    read: float = 8.0
    pause: float = 0.1
    longest_pause: float = 4.0
    jitter: float = 0.3
    rate_pause: float = 1.0

    @property
    def timeout(self) -> httpx2.Timeout:
        """The bounds of an attempt; waiting for a connection of the pool is bounded by the budget alone."""
        return httpx2.Timeout(self.read, connect=self.connect, pool=None)


@dataclass(frozen=True, slots=True)
class Answer(Generic[T]):
    """A decoded answer that took `elapsed` seconds."""

    value: T
    elapsed: float


@dataclass(frozen=True, slots=True)
class Caller:
    """Asks OANDA's REST server. `transport` is that of `http`, `observe` sees every answer's headers and its time."""

    http: httpx2.AsyncClient
    transport: httpx2.AsyncBaseTransport
    access: OandaAccess
    limits: CallLimits
    requests: WindowLimiter
    breaker: CircuitBreaker
    traffic: Traffic
    observe: Callable[[httpx2.Headers, float], None]
    random: Random
    long_work: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def get(
        self,
        asked: Asked,
        what: str,
        path: str,
        decode: Callable[[bytes], T],
        params: Mapping[str, str] | None = None,
    ) -> Answer[T]:
        """The decoded answer to a GET; `what` names it in logs and errors. Raises MarketError."""
        call = _Call(asked, what, self.access.api_url + path + (f"?{urlencode(params)}" if params else ""))
        try:
            async with asyncio.timeout(self.limits.budget):
                return await self._patiently(call, decode)
        except TimeoutError:
            raise self._out_of_time(call) from None
        except BaseException:
            if call.under_way:  # whoever asked went away: a probe must not stay open for ever
                self.breaker.abandoned()
            raise

    async def open(self, path: str) -> None:
        """Ask over a new connection, which is kept for others. Raises MarketError."""
        request = self._request(_Call(Asked.CONNECTIONS, "connections", self.access.api_url + path))
        request.extensions[FRESH] = True
        try:
            await self._open(request)
        except MarketError as error:
            self.traffic.failed(error)
            raise

    async def _open(self, request: httpx2.Request) -> None:
        try:
            async with asyncio.timeout(self.limits.budget):
                await self.requests.acquire()
                with self.traffic.request(Asked.CONNECTIONS):
                    response, body = await self._exchange(request)
                    if response.status_code != httpx2.codes.OK:
                        raise failure_of_status(response.status_code, body, self.access, "connections")
        except TimeoutError:
            raise MarketUnavailable("OANDA did not open connections in time", advice=WAIT) from None
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            raise failure_of_transport(error, "connections") from None

    async def _patiently(self, call: "_Call", decode: Callable[[bytes], T]) -> Answer[T]:
        attempts = stamina.retry_context(
            on=self._worth_repeating,
            attempts=self.limits.attempts,
            timeout=self.limits.budget,
            wait_initial=self.limits.pause,
            wait_max=self.limits.longest_pause,
            wait_jitter=self.limits.jitter,
        )
        async for attempt in attempts:
            with attempt:
                self.traffic.retries += attempt.num > 1
                try:
                    return await self._once(call, decode)
                except MarketError as error:
                    self._note(call, error)
                    raise
        raise AssertionError(call.what)  # pragma: no cover - the loop returns or raises

    def _out_of_time(self, call: "_Call") -> MarketError:
        if isinstance(call.failure, RateLimited):
            return call.failure
        message = f"OANDA did not answer {call.what} within {self.limits.budget:g} s"
        if call.under_way:
            self.breaker.failed(message)
        elif call.failure:
            message += f"; at the last attempt: {call.failure.message}"
        error = MarketUnavailable(message, advice=WAIT)
        self._note(call, error)
        return error

    def _worth_repeating(self, error: Exception) -> bool | float:
        if isinstance(error, RateLimited):
            return self.limits.rate_pause * self.random.uniform(0.5, 1.5)
        return isinstance(error, MarketUnavailable | Garbled) and not isinstance(error, CircuitOpen)

    def _note(self, call: "_Call", error: MarketError) -> None:
        call.failure = error
        self.traffic.last_error, self.traffic.refused = error.message, isinstance(error, TokenRejected)
        if not isinstance(error, CircuitOpen):  # nothing was asked, so nothing failed anew
            self.traffic.failed(error)
            log.warning("market_call_failed", what=call.what, error=type(error).__name__, reason=error.message)

    async def _once(self, call: "_Call", decode: Callable[[bytes], T]) -> Answer[T]:
        self.breaker.admit()
        call.under_way = True
        await self.requests.acquire()
        try:
            with self.traffic.request(call.asked) as timing:
                response, body = await self._exchange(self._request(call))
                call.under_way, elapsed = False, timing.answered()
                self._refuse_failure(call, response, body, elapsed)
                value = await self._worked_out(decode, body)
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            call.under_way = False
            failure = failure_of_transport(error, call.what)
            self.breaker.failed(failure.message)
            raise failure from None
        self.traffic.last_answer, self.traffic.last_error = time.monotonic(), ""
        self.traffic.refused = False
        return Answer(value, elapsed)

    async def _exchange(self, request: httpx2.Request) -> tuple[httpx2.Response, bytes]:
        """An answer and its body, straight from the transport: of what the client does beyond that nothing is wanted.

        Redirects are not followed, and there are no cookies and no login; it takes a third of a request's time. The
        body is unpacked when the connection is free already: the next request goes out meanwhile.
        """
        if self.http.is_closed:
            raise RuntimeError("The client is closed")  # its pool would open connections that nobody closes
        response = await self.transport.handle_async_request(request)
        if not isinstance(response.stream, httpx2.AsyncByteStream):  # never: the transport is asynchronous
            raise TypeError(type(response.stream))
        try:
            packed = b"".join([part async for part in response.stream])
        finally:
            await response.stream.aclose()
        self.traffic.bytes_received += len(packed)
        if response.headers.get("Content-Encoding", "").lower() != "gzip":
            return response, packed
        return response, await self._worked_out(_unpacked, packed)

    def _request(self, call: "_Call") -> httpx2.Request:
        """The request, put together by hand: the client's own way reads the address three times over."""
        timeout = {"timeout": self.limits.timeout.as_dict()}
        return httpx2.Request("GET", call.url, headers=self.http.headers, extensions=timeout)

    def _refuse_failure(self, call: "_Call", response: httpx2.Response, body: bytes, elapsed: float) -> None:
        """Take note of an answer; raises what it stands for if it is no success."""
        status, request_id = response.status_code, response.headers.get("RequestID")
        log.debug("market_answer", what=call.what, status=status, request_id=request_id, ms=round(elapsed * 1000, 1))
        self.observe(response.headers, elapsed)
        if status != httpx2.codes.OK:
            failure = failure_of_status(status, body, self.access, call.what)
            log.warning("market_refused", what=call.what, status=status, request_id=request_id)
            if isinstance(failure, MarketUnavailable):
                self.breaker.failed(failure.message)
            else:
                self.breaker.succeeded()
            raise failure
        self.breaker.succeeded()

    async def _worked_out(self, work: Callable[[bytes], T], content: bytes) -> T:
        """What `work` makes of an answer's content, beside the event loop where it is large.

        One at a time: more threads would not be quicker, as they take turns anyway, and the loop would wait for each.
        """
        if len(content) <= _LARGE:
            return work(content)
        async with self.long_work:
            return await asyncio.to_thread(work, content)


def _unpacked(packed: bytes) -> bytes:
    try:
        return zlib.decompress(packed, _GZIP_FORMAT)
    except zlib.error:
        raise httpx2.DecodingError("The answer is not the gzip that it says it is") from None


@dataclass(slots=True)
class _Call:
    """One call while it lasts: whether an attempt is under way, and what became of the one before."""

    asked: Asked
    what: str
    url: str
    under_way: bool = False
    failure: MarketError | None = None
