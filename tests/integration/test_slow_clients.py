"""A real server and clients that take their time, over real sockets."""

import asyncio
from dataclasses import dataclass, field
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from alphaforge.api.connection import LONGEST_HEAD
from alphaforge.api.middleware.body_limit import BodyLimit
from alphaforge.api.patience import Patience
from connections import become, closed, everything, opened, serving, watched

SOON = Patience(head=0.2, reading=0.2, look=0.02)
LATER = Patience(head=30, reading=30, look=0.02)
WHOLE = b"GET /x HTTP/1.1\r\nhost: localhost\r\n\r\n"


@dataclass
class Desk:
    """An application that answers what it is told to, and knows when its answers ended."""

    answer: bytes = b"{}"
    times: int = 1
    clients: list[Any] = field(default_factory=list)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.clients.append(scope["client"][0])
        try:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            for left in reversed(range(self.times)):
                await send({"type": "http.response.body", "body": self.answer, "more_body": left > 0})
        finally:
            self.ended.set()


@pytest.mark.parametrize(
    ("sent", "told"),
    [
        (b"", b""),
        (b"G", b"HTTP/1.1 408 "),
        (b"GET /x HTTP/1.1\r\nhost: loc", b"HTTP/1.1 408 "),
        (WHOLE + b"GET /y HT", b"HTTP/1.1 408 "),
        (b"\r\n\r\n", b""),
    ],
)
async def test_a_head_that_does_not_come_to_its_end_ends_the_connection(sent: bytes, told: bytes) -> None:
    async with serving(Desk(), SOON) as (port, server):
        reader, writer = await opened(port)
        writer.write(sent)
        answer = await everything(reader)
        assert answer.rpartition(b"0\r\n\r\n")[2].startswith(told)
        assert answer.startswith(b"HTTP/1.1 200 ") == sent.startswith(WHOLE)
        await become(lambda: not server.server_state.connections)
        await closed(writer)


async def test_a_head_that_comes_drop_by_drop_gains_no_time() -> None:
    async with serving(Desk(), SOON) as (port, server):
        reader, writer = await opened(port)

        async def drip() -> None:
            writer.write(b"GET /x HTTP/1.1\r\n")
            while not writer.is_closing():
                writer.write(b"a: b\r\n")
                await asyncio.sleep(0.01)

        dripping = asyncio.create_task(drip())
        assert (await everything(reader))[:13] in (b"HTTP/1.1 408 ", b"")  # a reset may overtake the words
        await become(lambda: not server.server_state.connections)
        dripping.cancel()
        await asyncio.wait({dripping})
        await closed(writer)


async def test_who_keeps_a_connection_and_asks_at_times_is_not_disturbed() -> None:
    async with serving(Desk(), SOON) as (port, server):
        reader, writer = await opened(port)
        async with asyncio.timeout(10):
            for _ in range(3):
                writer.write(WHOLE[:20])
                writer.write(WHOLE[20:])
                assert (await reader.readuntil(b"0\r\n\r\n")).startswith(b"HTTP/1.1 200 ")
                await watched(server, 2 * SOON.head)
        await closed(writer)


async def test_a_head_without_end_is_refused_for_its_length() -> None:
    async with serving(Desk(), LATER) as (port, server):
        reader, writer = await opened(port)
        writer.write(b"GET /x HTTP/1.1\r\n")
        for number in range(5 * LONGEST_HEAD // 1_000):
            writer.write(b"h%d: " % number + b"x" * 1_000 + b"\r\n")
        assert (await everything(reader))[:13] in (b"HTTP/1.1 431 ", b"")  # a reset may overtake the words
        await become(lambda: not server.server_state.connections)
        await closed(writer)


async def test_a_body_that_does_not_come_is_408_and_the_connection_ends() -> None:
    desk = Desk()
    async with serving(BodyLimit(desk, 1_000, seconds=0.2), LATER) as (port, server):
        reader, writer = await opened(port)
        writer.write(b'POST /x HTTP/1.1\r\nhost: localhost\r\ncontent-length: 100\r\n\r\n{"a"')
        answer = await everything(reader)
        assert answer.startswith(b"HTTP/1.1 408 ")
        assert b"application/problem+json" in answer
        await become(lambda: not server.server_state.connections)
        assert not desk.clients
        await closed(writer)


@pytest.mark.parametrize(("answer", "times"), [(b"x" * 30_000_000, 1), (b"x" * 100_000, 1_000)])
async def test_who_does_not_read_the_answer_is_cut_off_and_the_answer_ends(answer: bytes, times: int) -> None:
    desk = Desk(answer, times)
    async with serving(desk, SOON) as (port, server):
        _, writer = await opened(port)
        writer.transport.pause_reading()  # type: ignore[attr-defined] - it is a socket's
        writer.write(WHOLE)
        async with asyncio.timeout(10):
            await desk.ended.wait()
        await become(lambda: not server.server_state.connections and not server.server_state.tasks)
        await closed(writer)


async def test_who_does_not_read_and_wants_no_further_answer_is_cut_off_too() -> None:
    async with serving(Desk(b"x" * 30_000_000), SOON) as (port, server):
        _, writer = await opened(port)
        writer.transport.pause_reading()  # type: ignore[attr-defined] - it is a socket's
        writer.write(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        await become(lambda: bool(server.server_state.total_requests))
        await become(lambda: not server.server_state.connections)
        await closed(writer)


async def test_a_closed_connection_whose_last_bytes_nobody_takes_is_cut_off_too() -> None:
    desk = Desk(b"x" * 30_000_000)

    async def roomy(scope: Scope, receive: Receive, send: Send) -> None:
        for one in server.server_state.connections:
            one.transport.set_write_buffer_limits(high=10**9)  # as if the rest were little
        await desk(scope, receive, send)

    async with serving(roomy, SOON) as (port, server):
        _, writer = await opened(port)
        writer.transport.pause_reading()  # type: ignore[attr-defined] - it is a socket's
        writer.write(WHOLE.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"))
        await become(lambda: bool(server.server_state.total_requests))
        assert not any(one.flow.write_paused for one in server.server_state.connections)
        await become(lambda: not server.server_state.connections)
        await closed(writer)


async def test_who_reads_slowly_but_reads_gets_it_all() -> None:
    size = 20_000_000
    async with serving(Desk(b"x" * 100_000, size // 100_000), Patience(0.2, 2.0, 0.02)) as (port, _):
        reader, writer = await opened(port)
        writer.write(WHOLE)
        read = 0
        async with asyncio.timeout(30):
            while read < size:
                read += len(await reader.read(1_000_000))
                await asyncio.sleep(0.01)
        await closed(writer)


async def test_the_client_is_the_peer_whatever_it_claims() -> None:
    desk = Desk()
    async with serving(desk, LATER) as (port, _):
        reader, writer = await opened(port)
        writer.write(WHOLE.replace(b"\r\n\r\n", b"\r\nx-forwarded-for: 1.2.3.4\r\nconnection: close\r\n\r\n"))
        assert (await everything(reader)).startswith(b"HTTP/1.1 200 ")
        assert desk.clients == ["127.0.0.1"]
        await closed(writer)
