"""A real server on a free port, and clients over real sockets."""

import asyncio
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from starlette.types import ASGIApp

from alphaforge.api.patience import Patience
from alphaforge.asgi import server_of


@asynccontextmanager
async def serving(app: ASGIApp, patience: Patience) -> AsyncIterator[tuple[int, Any]]:
    listener = socket.create_server(("127.0.0.1", 0))
    server = server_of(app, patience)
    server.config.timeout_graceful_shutdown = 1
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield listener.getsockname()[1], server
    finally:
        server.should_exit = True
        await task


async def become(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not claim():  # noqa: ASYNC110 - the server has no events for what a test wants to know
            await asyncio.sleep(0.01)


async def watched(server: Any, seconds: float) -> None:
    """Until the server has looked after its connections for so long."""
    looked = server._looked
    await become(lambda: server._looked > looked + seconds)


async def opened(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    return await asyncio.open_connection("127.0.0.1", port)


async def everything(reader: asyncio.StreamReader) -> bytes:
    """What the server sends until it closes."""
    async with asyncio.timeout(10):
        try:
            return await reader.read()
        except ConnectionResetError:
            return b""


async def closed(writer: asyncio.StreamWriter) -> None:
    writer.close()
    try:
        await writer.wait_closed()
    except ConnectionError:
        return
