"""The connection below HTTP: what a well-behaved server never does, it can be told to do here."""

import asyncio
import socket
import struct
from typing import Any

from starlette.types import Scope
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol
from uvicorn.server import ServerState

_KEY = "alphaforge.sandbox"


class Wire:
    """One TCP connection."""

    __slots__ = ("counted", "transport")

    def __init__(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.counted = False

    def reset(self) -> None:
        """End the connection with a reset, whatever was to be sent; one that the client has left is ended already."""
        if self.transport.is_closing():
            return
        connection = self.transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def break_off(self, part: bytes) -> None:
        """End the connection within a chunk: it was said to be twice as long as what comes."""
        self.transport.write(b"%x\r\n" % (2 * len(part) + 2) + part)
        self.transport.close()


def wire_of(scope: Scope) -> Wire:
    """The connection of a request; a server other than `serve_sandbox` gives none (LookupError)."""
    wire = scope.get("extensions", {}).get(_KEY, {}).get("wire")
    if isinstance(wire, Wire):
        return wire
    raise LookupError("Faults of the connection need the server that serve_sandbox starts")


class SandboxProtocol(HttpToolsProtocol):
    """uvicorn's protocol that lets the application see its connection and writes no access log."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self.access_log = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]  # as uvicorn does
        """A client has connected."""
        super().connection_made(transport)
        self.wire = Wire(transport)

    def on_message_begin(self) -> None:
        """A request begins."""
        super().on_message_begin()
        self.scope["extensions"] = {_KEY: {"wire": self.wire}}
