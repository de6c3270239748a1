"""Listeners of the stream over real sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import msgspec

from connections import closed, opened


@dataclass(frozen=True)
class Heard:
    """An event."""

    kind: str
    id: str
    data: dict[str, Any]


@dataclass
class Ear:
    """An answer that is read event by event. `last_id` follows the standard: a comment may carry one.

    `is_whole`: the server ended it, and the connection was not just lost.
    """

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    head: bytes
    last_id: str = ""
    retry: int = 0
    is_whole: bool = False
    events: list[Heard] = field(default_factory=list)
    _rest: bytes = b""

    @property
    def status(self) -> int:
        return int(self.head.split(b" ", 2)[1])

    async def next(self, *kinds: str) -> Heard:
        """The next event, of these kinds where some are named."""
        async with asyncio.timeout(10):
            while True:
                block = await self._block()
                if block is None:
                    raise EOFError
                heard = self._understood(block)
                if heard and (not kinds or heard.kind in kinds):
                    return heard

    async def end(self) -> list[Heard]:
        """All events until the server ends."""
        found = []
        try:
            while True:
                found.append(await self.next())
        except (EOFError, ConnectionResetError):
            return found

    async def _block(self) -> bytes | None:
        while b"\n\n" not in self._rest:
            try:
                size = int(await self.reader.readuntil(b"\r\n"), 16)
                data = await self.reader.readexactly(size + 2)
            except asyncio.IncompleteReadError:
                return None
            if not size:
                self.is_whole = True
                return None
            self._rest += data[:-2]
        block, _, self._rest = self._rest.partition(b"\n\n")
        return block

    def _understood(self, block: bytes) -> Heard | None:
        fields = dict(line.split(": ", 1) for line in block.decode().splitlines() if ": " in line)
        self.last_id = fields.get("id", self.last_id)
        self.retry = int(fields.get("retry", self.retry))
        if "data" not in fields:
            return None
        heard = Heard(fields["event"], self.last_id, msgspec.json.decode(fields["data"]))
        self.events.append(heard)
        return heard


@asynccontextmanager
async def listening(port: int, query: str = "", last_id: str = "", more: str = "") -> AsyncIterator[Ear]:
    """Somebody who listens."""
    reader, writer = await opened(port)
    header = f"last-event-id: {last_id}\r\n" if last_id else ""
    host = "" if "host: " in more else "host: localhost\r\n"
    writer.write(f"GET /api/stream{query} HTTP/1.1\r\n{host}{header}{more}\r\n".encode())
    try:
        async with asyncio.timeout(10):
            head = await reader.readuntil(b"\r\n\r\n")
        yield Ear(reader, writer, head)
    finally:
        await closed(writer)
