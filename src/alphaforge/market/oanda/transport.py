"""Connections: few, kept alive, and never opened faster than OANDA allows."""

import asyncio
import select
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import httpcore2
import httpx2

from alphaforge.market.oanda.limiter import WindowLimiter
from alphaforge.market.oanda.traffic import Traffic

KEEPALIVE = 900.0
"""Seconds for which an idle connection is kept: longer than from one M5 close to the next."""

_ADDRESSES_TRIED = 3


def connection_limiter() -> WindowLimiter:
    """OANDA's two new connections a second; a tenth more, since the network may squeeze two openings together."""
    return WindowLimiter(2, 1.1)


class PacedBackend(httpcore2.AsyncNetworkBackend):
    """Opens TCP connections one address at a time, each only when the limiter lets it.

    The usual way races several addresses of a host against each other, which opens more connections than asked.
    """

    def __init__(
        self, openings: WindowLimiter, traffic: Traffic, network: httpcore2.AsyncNetworkBackend | None = None
    ) -> None:
        self._openings = openings
        self._traffic = traffic
        self._network = network or httpcore2.AnyIOBackend()

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - the signature is httpcore's
        local_address: str | None = None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        """Open a connection to the first address that answers; `timeout` in seconds for each."""
        failure: Exception = httpcore2.ConnectError("The host has no address")
        for address in await _addresses(host, port, timeout):
            await self._openings.acquire()
            self._traffic.connections += 1
            try:
                stream = await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
                return _Connection(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
        raise failure

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)


class _Connection(httpcore2.AsyncNetworkStream):
    """A stream that tells quickly whether the other side has closed it, which the pool asks many times a request."""

    def __init__(self, stream: httpcore2.AsyncNetworkStream) -> None:
        self._stream = stream
        self._socket: socket.socket | None = stream.get_extra_info("socket")

    async def read(self, max_bytes: int, timeout: float | None = None) -> bytes:  # noqa: ASYNC109 - httpcore's
        return await self._stream.read(max_bytes, timeout)

    async def write(self, buffer: bytes, timeout: float | None = None) -> None:  # noqa: ASYNC109 - httpcore's
        await self._stream.write(buffer, timeout)

    async def aclose(self) -> None:
        await self._stream.aclose()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's
    ) -> httpcore2.AsyncNetworkStream:
        return _Connection(await self._stream.start_tls(ssl_context, server_hostname, timeout))

    def get_extra_info(self, info: str) -> Any:  # noqa: ANN401 - httpcore's
        if info != "is_readable" or self._socket is None or not hasattr(select, "poll"):
            return self._stream.get_extra_info(info)
        if self._socket.fileno() < 0:
            return True
        readiness = select.poll()
        readiness.register(self._socket.fileno(), select.POLLIN)
        return bool(readiness.poll(0))


async def _addresses(host: str, port: int, seconds: float | None) -> list[str]:
    """The first few addresses of a host, in the order in which the system would try them."""
    try:
        async with asyncio.timeout(seconds):
            found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except TimeoutError:
        raise httpcore2.ConnectTimeout("The host's name was not resolved in time") from None
    except OSError as error:
        raise httpcore2.ConnectError(f"The host's name is not known: {error.strerror}") from None
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))[:_ADDRESSES_TRIED]


class PacedTransport(httpx2.AsyncHTTPTransport):
    """A pool in which no request waits for a new connection while a kept-alive one becomes free.

    The pool itself would bind a request to a connection that may not be opened for another second. So a request
    enters the pool only when a connection is idle or may be opened at once.
    """

    def __init__(
        self, openings: WindowLimiter, traffic: Traffic, connections: int, context: ssl.SSLContext | None
    ) -> None:
        # not super().__init__: it would build a pool without a way to hand it a network
        self._pool = httpcore2.AsyncConnectionPool(
            ssl_context=context,
            max_connections=connections,
            keepalive_expiry=KEEPALIVE,
            network_backend=PacedBackend(openings, traffic),
            socket_options=_keepalive_options(),
        )
        self._paced_pool = self._pool
        self._openings = openings
        self._connections = connections
        self._busy = 0
        self._changed = asyncio.Event()

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Send a request as soon as there is a connection for it."""
        await self._enter()
        try:
            response = await super().handle_async_request(request)
        except BaseException:
            self._leave()
            raise
        if not isinstance(response.stream, httpx2.AsyncByteStream):  # never: the parent makes no other
            raise TypeError(type(response.stream))
        response.stream = _Watched(response.stream, self._leave)
        return response

    async def _enter(self) -> None:
        while not self._has_room():
            self._changed.clear()
            opening = self._openings.wait() or None if len(self._live()) < self._connections else None
            try:
                async with asyncio.timeout(opening):
                    await self._changed.wait()
            except TimeoutError:
                continue
        self._busy += 1

    def _has_room(self) -> bool:
        live = self._live()
        if self._busy < len(live):
            return True
        opening = sum(not connection.is_connected() for connection in live)
        return len(live) < self._connections and self._openings.free() > opening

    def _live(self) -> list[httpcore2.AsyncConnectionInterface]:
        pool = self._paced_pool.connections
        return [connection for connection in pool if not (connection.is_closed() or connection.has_expired())]

    def _leave(self) -> None:
        self._busy -= 1
        self._changed.set()


class _Watched(httpx2.AsyncByteStream):
    """A body that says when its connection is free again."""

    def __init__(self, body: httpx2.AsyncByteStream, closed: Callable[[], None]) -> None:
        self._body = body
        self._closed: Callable[[], None] | None = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        """Free the connection, once."""
        closed, self._closed = self._closed, None
        try:
            await self._body.aclose()
        finally:
            if closed:
                closed()


def _keepalive_options() -> list[httpcore2.SOCKET_OPTION]:
    """Probes on idle connections: a router that forgot one would otherwise be noticed only by a request."""
    options: list[httpcore2.SOCKET_OPTION] = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not on every system
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
