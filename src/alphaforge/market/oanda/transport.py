"""Connections: few, kept alive, and never opened faster than OANDA allows."""

import asyncio
import select
import socket
import ssl
from collections.abc import Iterable
from typing import Any

import httpcore2
import httpx2

from alphaforge.market.oanda.connections import Connections
from alphaforge.market.oanda.limiter import WindowLimiter
from alphaforge.market.oanda.traffic import Traffic

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
            moment = await self._openings.acquire()
            self._traffic.connections += 1
            try:
                stream = await self._network.connect_tcp(address, port, timeout, local_address, socket_options)
                return _Connection(stream)
            except (httpcore2.ConnectError, httpcore2.ConnectTimeout) as error:
                failure = error
            finally:
                self._openings.happened(moment)
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
    """httpx2's way to the network, over `Connections`."""

    def __init__(
        self, openings: WindowLimiter, traffic: Traffic, connections: int, context: ssl.SSLContext | None
    ) -> None:
        # not super().__init__: it would build a pool without a way to hand it a network
        network = PacedBackend(openings, traffic)
        self.pool = self._pool = Connections(openings, network, connections, context, _keepalive_options())


def _keepalive_options() -> list[httpcore2.SOCKET_OPTION]:
    """Probes on idle connections: a router that forgot one would otherwise be noticed only by a request."""
    options: list[httpcore2.SOCKET_OPTION] = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    for name, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, name):  # not on every system
            options.append((socket.IPPROTO_TCP, getattr(socket, name), value))
    return options
