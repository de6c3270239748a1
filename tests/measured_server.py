"""The interface on a real port of the loopback, over measurements that a test makes."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import uvicorn

from alphaforge.api.app import create_app
from alphaforge.api.measurements import Measurements
from alphaforge.api.services import ApiOptions
from alphaforge.storage.engine import Database
from alphaforge.telemetry.slow import SlowLog
from doors import services_of
from threads import BackgroundLoop


@contextmanager
def measured_server(
    database: Path,
    measurements: Measurements | None,
    slow: SlowLog | None = None,
    *,
    port: int = 0,
    options: ApiOptions | None = None,
) -> Iterator[str]:
    """Its address; it serves in a thread while the block lasts."""
    served = _serving(database, measurements, slow, port, options or ApiOptions())
    with BackgroundLoop() as loop:
        url = loop.run(served.__aenter__())
        try:
            yield url
        finally:
            loop.run(served.__aexit__(None, None, None))


@asynccontextmanager
async def _serving(path: Path, measurements: Any, slow: Any, port: int, options: ApiOptions) -> AsyncIterator[str]:
    database = await Database.open(f"sqlite:///{path}")
    services = replace(services_of(database), measurements=measurements, slow=slow or SlowLog())
    listener = socket.create_server(("127.0.0.1", port))
    config = uvicorn.Config(create_app(services, options), lifespan="off", log_config=None)
    config.timeout_graceful_shutdown = 1
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve([listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task
        await database.close()
