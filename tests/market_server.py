"""A broker on a loopback port whose every byte a test decides."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

Answer = Callable[["Exchange"], Awaitable[None]]


@dataclass(slots=True)
class Exchange:
    """One request, and the connection to answer it on."""

    target: str
    headers: dict[str, str]
    connection: int
    writer: asyncio.StreamWriter

    async def reply(self, body: bytes, *, status: int = 200, **headers: str) -> None:
        """A whole answer."""
        lines = [f"HTTP/1.1 {status} Said", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        await self.send("\r\n".join([*lines, "", ""]).encode() + body)

    async def begin_chunks(self) -> None:
        """The head of an answer in chunks."""
        await self.send(b"HTTP/1.1 200 Said\r\nTransfer-Encoding: chunked\r\n\r\n")

    async def chunk(self, body: bytes) -> None:
        """One chunk."""
        await self.send(f"{len(body):x}\r\n".encode() + body + b"\r\n")

    async def send(self, data: bytes) -> None:
        """Bytes as they are."""
        self.writer.write(data)
        await self.writer.drain()

    def reset(self) -> None:
        """Break the connection."""
        self.writer.transport.abort()


@dataclass(slots=True)
class Broker:
    """Answers each request by `answer`; counts connections."""

    answer: Answer
    url: str = ""
    connections: int = 0
    exchanges: list[Exchange] = field(default_factory=list)
    _talks: set[asyncio.Task[None]] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection, until either side ends it."""
        self.connections += 1
        talk = asyncio.create_task(self._talk(self.connections, reader, writer))
        self._talks.add(talk)
        await asyncio.wait({talk})  # not awaited itself: its end by `stop` is no error
        writer.close()

    async def _talk(self, number: int, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError, ConnectionError):
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                first, *lines = head.split("\r\n")
                headers = dict(line.split(": ", 1) for line in lines if line)
                exchange = Exchange(first.split(" ")[1], {k.lower(): v for k, v in headers.items()}, number, writer)
                self.exchanges.append(exchange)
                await self.answer(exchange)

    async def stop(self) -> None:
        """Break off whatever is under way."""
        for talk in self._talks:
            talk.cancel()
        await asyncio.gather(*self._talks, return_exceptions=True)


@asynccontextmanager
async def running_broker() -> AsyncIterator[Broker]:
    """A broker that knows nothing until it is given an `answer`."""

    async def missing(exchange: Exchange) -> None:
        await exchange.reply(b'{"errorMessage":"nothing here"}', status=404)

    broker = Broker(missing)
    server = await asyncio.start_server(broker.serve, "127.0.0.1", 0)
    broker.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield broker
    finally:
        server.close()
        await broker.stop()
        await server.wait_closed()
