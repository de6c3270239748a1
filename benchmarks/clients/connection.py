"""One client: a connection that stays open, one question at a time."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol, cast

from httptools import HttpParserError, HttpResponseParser

_BUFFER = bytearray(256 * 1024)
_VIEW = memoryview(_BUFFER)
"""One for all: it is read before the next connection's bytes are put into it."""


class Crowd(Protocol):
    """Who asks, and counts."""

    def answered(self, client: "Connection", status: int, now: float) -> None:
        """The client's question got this status at the moment `now` of `time.perf_counter`."""
        ...

    def lost(self, client: "Connection", why: str) -> None:
        """The client's connection is gone, or what came over it is no HTTP."""
        ...


class Connection(asyncio.BufferedProtocol):
    """Sends ready-made requests and finds the ends of the answers. `count` counts their bytes, headers included."""

    def __init__(self, crowd: Crowd) -> None:
        self.bytes = 0
        self.waits = False
        self.was_answered = False
        self.since = 0.0
        self._crowd = crowd
        self._send: Callable[[bytes], None] = _not_connected
        self._parser = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._was_closed = False

    def ask(self, request: bytes, since: float) -> None:
        """Send a request; its time counts from `since`, by `time.perf_counter`."""
        self.waits = True
        self.since = since
        self._send(request)

    def close(self) -> None:
        """Hang up; nobody is told."""
        self.waits, self._was_closed = False, True
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's has the methods and not the class
        self._send = self._transport.write

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - asyncio's signature
        """Where bytes are put."""
        return _VIEW

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came."""
        self.bytes += nbytes
        try:
            self._parser.feed_data(_VIEW[:nbytes])
        except HttpParserError as error:
            self._crowd.lost(self, type(error).__name__)
            self.close()

    def on_message_complete(self) -> None:
        """An answer is whole: the parser says so."""
        self.waits = False
        self._crowd.answered(self, self._parser.get_status_code(), time.perf_counter())

    def connection_lost(self, exc: Exception | None) -> None:
        """The server hung up, in the middle of an answer or between two: either is an error to those who measure."""
        self._send = _not_connected
        if not self._was_closed:
            self._crowd.lost(self, "hung up" if exc is None else type(exc).__name__)


def _not_connected(_: bytes) -> None:
    raise ConnectionError("not connected")
