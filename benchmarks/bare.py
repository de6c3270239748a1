"""The reference for throughput: an ASGI app that does nothing but send one answer, on the very same server.

The answer is one that AlphaForge gave, its status, headers and bytes (`date` excepted: uvicorn writes it itself).
"""

import socket
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import msgspec
import uvicorn
import uvloop

from alphaforge.asgi import KEEP_ALIVE_SECONDS, SHUTDOWN_SECONDS


class Answer(msgspec.Struct, frozen=True):
    """What it sends."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    def header(self, name: str) -> str:
        """A header's value, empty where there is none."""
        return next((value.decode("latin-1") for one, value in self.headers if one == name.encode()), "")

    @property
    def etag(self) -> str:
        """Its tag."""
        return self.header("etag")


def app_of(answer: Answer) -> Callable[..., Awaitable[None]]:
    """The application."""
    start = {"type": "http.response.start", "status": answer.status, "headers": answer.headers}
    body = {"type": "http.response.body", "body": answer.body}

    async def app(_scope: Any, _receive: Any, send: Any) -> None:  # noqa: ANN401 - ASGI's
        await send(start)
        await send(body)

    return app


async def _serve(answer: Answer, port: int) -> None:
    """As alphaforge.asgi does."""
    listener = socket.create_server(("127.0.0.1", port), backlog=2048)
    config = uvicorn.Config(
        app_of(answer),
        lifespan="off",
        access_log=False,
        log_config=None,
        server_header=False,
        timeout_keep_alive=KEEP_ALIVE_SECONDS,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
    )
    await uvicorn.Server(config).serve([listener])


if __name__ == "__main__":
    uvloop.run(_serve(msgspec.msgpack.decode(Path(sys.argv[1]).read_bytes(), type=Answer), int(sys.argv[2])))
