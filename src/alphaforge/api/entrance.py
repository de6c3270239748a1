"""The interface's door, there before the interface is."""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # a second's worth of imports stands behind this door
    from starlette.types import ASGIApp, Receive, Scope, Send


class Entrance:
    """The application from the first moment on: the process is alive, and all else waits until the desk is there."""

    def __init__(self) -> None:
        self._app: ASGIApp | None = None
        self._opened = asyncio.Event()
        self._ending: Callable[[], None] = lambda: None

    @property
    def is_open(self) -> bool:
        """Whether the desk is there."""
        return self._app is not None

    def open(self, app: "ASGIApp", ending: Callable[[], None] = lambda: None) -> None:
        """Let everybody in; `ending` ends the answers that do not end by themselves."""
        self._app = app
        self._ending = ending
        self._opened.set()

    def end(self) -> None:
        """The server ends."""
        self._ending()

    async def __call__(self, scope: "Scope", receive: "Receive", send: "Send") -> None:
        """Handle one ASGI connection."""
        if self._app is None:
            if scope["type"] == "http" and scope["path"] == "/health/live":
                await _answer_alive(send)
                return
            await self._opened.wait()
        if self._app is not None:
            await self._app(scope, receive, send)


async def _answer_alive(send: "Send") -> None:
    """What /health/live answers later, too."""
    body = b'{"status":"alive"}'
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})
