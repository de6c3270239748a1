"""Kept-alive connections to one server: as many as are asked over side by side, and none that must be waited for."""

import asyncio
import ssl
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import Protocol, runtime_checkable

import httpcore2

from alphaforge.market.oanda.limiter import WindowLimiter

KEEPALIVE = 900.0
"""Seconds for which an idle connection is kept: longer than from one M5 close to the next."""

FRESH = "fresh"
"""The extension of a request that is to have a connection of its own, which is kept for others afterwards."""

_OTHERS_OPEN = 0.1
"""Seconds after which to look again, where all that may be opened at once is being opened by others."""


class Connections(httpcore2.AsyncConnectionPool):
    """At most `most` connections to one server, in which no request waits for a new one while an old one becomes free.

    The usual pool binds a request to a connection that may not be opened for another second, and looks at every
    connection for every request. Here a request takes what is idle, or opens one where that is allowed at once, or
    waits for whichever comes first; one with the extension `FRESH` opens one in any case.
    """

    def __init__(
        self,
        openings: WindowLimiter,
        network: httpcore2.AsyncNetworkBackend,
        most: int,
        context: ssl.SSLContext | None,
        socket_options: Iterable[httpcore2.SOCKET_OPTION] = (),
    ) -> None:
        super().__init__(
            ssl_context=context,
            max_connections=most,
            keepalive_expiry=KEEPALIVE,
            network_backend=network,
            socket_options=socket_options,
        )
        self._openings = openings
        self._most = most
        self._held: set[httpcore2.AsyncConnectionInterface] = set()
        self._idle: deque[httpcore2.AsyncConnectionInterface] = deque()
        self._waiting: deque[asyncio.Future[None]] = deque()

    @property
    def connections(self) -> list[httpcore2.AsyncConnectionInterface]:
        """Those that are open or being opened, as far as is known."""
        return list(self._held)

    async def drop_closed(self) -> None:
        """Let go of the idle ones that the other side has closed, or that are too old."""
        for connection in [one for one in self._idle if one.is_closed() or one.has_expired()]:
            self._idle.remove(connection)
            await self._close(connection)

    async def handle_async_request(self, request: httpcore2.Request) -> httpcore2.Response:
        """Send a request as soon as there is a connection for it."""
        connection = await self._taken(request.url.origin, fresh=FRESH in request.extensions)
        try:
            response = await connection.handle_async_request(request)
        except BaseException:
            await self._leave(connection)
            raise
        if not isinstance(response.stream, AsyncIterable):  # never: the connection is asynchronous
            raise TypeError(type(response.stream))
        response.stream = _Body(response.stream, partial(self._leave, connection))
        return response

    async def aclose(self) -> None:
        """Close all connections."""
        self._idle.clear()
        for connection in list(self._held):
            await self._close(connection)

    async def _taken(self, origin: httpcore2.Origin, *, fresh: bool) -> httpcore2.AsyncConnectionInterface:
        while True:
            if not fresh and (connection := await self._rested()):
                return connection
            if self._may_open():
                connection = self.create_connection(origin)
                self._held.add(connection)
                return connection
            await self._change()

    async def _rested(self) -> httpcore2.AsyncConnectionInterface | None:
        """The connection that was idle longest, so that the other side forgets none of them."""
        while self._idle:
            connection = self._idle.popleft()
            if not (connection.is_closed() or connection.has_expired()):
                return connection
            await self._close(connection)
        return None

    def _may_open(self) -> bool:
        opening = sum(not connection.is_connected() for connection in self._held)
        return len(self._held) < self._most and self._openings.free() > opening

    async def _change(self) -> None:
        """Wait until a connection becomes free, or one more may be opened."""
        waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        growing = len(self._held) < self._most
        try:
            async with asyncio.timeout((self._openings.wait() or _OTHERS_OPEN) if growing else None):
                await waiting
        except TimeoutError:
            pass
        except BaseException:
            if waiting.done() and not waiting.cancelled():
                self._wake()  # whoever goes away hands on what he was woken for
            raise
        finally:
            if waiting in self._waiting:
                self._waiting.remove(waiting)

    def _wake(self) -> None:
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(None)
                return

    async def _leave(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        """Take a connection back, if it can be used again."""
        try:
            if connection in self._held and connection.is_idle() and not connection.is_closed():
                self._idle.append(connection)
            else:
                await self._close(connection)
        finally:
            self._wake()

    async def _close(self, connection: httpcore2.AsyncConnectionInterface) -> None:
        self._held.discard(connection)
        await connection.aclose()


class _Body:
    """A body that says when its connection is free again."""

    def __init__(self, body: AsyncIterable[bytes], closed: Callable[[], Awaitable[None]]) -> None:
        self._body = body
        self._closed: Callable[[], Awaitable[None]] | None = closed

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for part in self._body:
            yield part

    async def aclose(self) -> None:
        """Free the connection, once."""
        closed, self._closed = self._closed, None
        try:
            if isinstance(self._body, _Closing):
                await self._body.aclose()
        finally:
            if closed:
                await closed()


@runtime_checkable
class _Closing(Protocol):
    """What wants to be closed."""

    async def aclose(self) -> None: ...
