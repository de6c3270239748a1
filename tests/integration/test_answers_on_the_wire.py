"""What a real server writes without its application is what the application would have answered."""

import asyncio
import re
from typing import Any

import pytest
from starlette.types import Receive, Scope, Send

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.api.middleware.from_memory import Told
from alphaforge.api.patience import Patience
from alphaforge.api.services import ApiOptions
from alphaforge.storage.engine import Database
from api_bench import SQLITE
from connections import become, closed, everything, opened, serving, watched
from doors import heard, services_of

CALM = Patience(head=30, reading=30, look=0.02)
SOON = Patience(head=0.2, reading=30, look=0.02)
KEPT = b"GET /kept HTTP/1.1\r\nhost: localhost\r\n\r\n"
MADE = b"GET /made HTTP/1.1\r\nhost: localhost\r\n\r\n"
OWN = re.compile(rb"(date|x-request-id|ratelimit|x-cache|server-timing): [^\r]*\r\n")
"""What every answer has of its own."""


class Halves:
    """Keeps the answer to /kept, and makes all others, each saying what was asked; counts both."""

    def __init__(self, size: int = 5) -> None:
        self.told = Told(200, ((b"content-length", str(size).encode()),), b"k" * size)
        self.looked = self.made = 0
        self.held = asyncio.Event()
        self.held.set()

    def look(self, target: bytes, headers: dict[bytes, bytes], client: Any) -> Any:
        assert headers[b"host"] == b"localhost"
        assert client[0] == "127.0.0.1"
        self.looked += target == b"/kept"
        return (self.told, ((b"x-number", b"%d" % self.looked),)) if target == b"/kept" else None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.made += 1
        message = await receive()
        await self.held.wait()
        body = scope["method"].encode() + scope["raw_path"] + message.get("body", b"")
        headers = [(b"content-length", str(len(body)).encode())]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": body})


async def asked(reader: asyncio.StreamReader) -> tuple[bytes, bytes]:
    """The head and the body of one answer."""
    async with asyncio.timeout(10):
        head = await reader.readuntil(b"\r\n\r\n")
        length = re.search(rb"content-length: (\d+)", head)
        return head, await reader.readexactly(int(length[1]) if length and b" 304 " not in head else 0)


@SQLITE
@pytest.mark.parametrize("line", [b"", b"accept-encoding: gzip\r\n", b"if-none-match: *\r\n"])
async def test_the_same_bytes_come_with_and_without_the_application(database: Database, line: bytes) -> None:
    await heard(database)
    app = from_memory_first(create_app(services_of(database), ApiOptions(rate_limit_per_minute=60)), lambda _: None)
    question = b"GET /api/signals?limit=3 HTTP/1.1\r\nhost: localhost\r\n" + line
    async with serving(app, CALM) as (port, server):
        reader, writer = await opened(port)
        said = []
        for own in (b"", b"", b"x-request-id: mine\r\n", b""):  # made, kept, kept but by the long way, kept
            writer.write(question + own + b"\r\n")
            said.append(await asked(reader))
        (connection,) = server.server_state.connections
        assert connection.question[1] == 2, "as many were written without the application"
        hits = [b"x-cache: hit" in head for head, _ in said]
        assert hits == [False, True, True, True]
        assert len({body for _, body in said}) == 1
        kept, long_way = (sorted(OWN.sub(b"", head).splitlines()) for head, _ in said[1:3])
        assert kept == long_way
        assert b"date: " in said[1][0]
        assert b"ratelimit: limit=1200" in said[1][0]
        await closed(writer)


async def test_answers_come_in_the_order_of_their_questions() -> None:
    app = Halves()
    async with serving(app, CALM) as (port, _):
        reader, writer = await opened(port)
        writer.write(KEPT + MADE + KEPT + KEPT + MADE + MADE + KEPT)
        bodies = [(await asked(reader))[1] for _ in range(7)]
        assert bodies == [b"kkkkk", b"GET/made", b"GET/kept", b"GET/kept", b"GET/made", b"GET/made", b"GET/kept"]
        writer.write(KEPT)
        assert (await asked(reader))[1] == b"kkkkk"
        assert app.looked == 2
        await closed(writer)


@pytest.mark.parametrize(
    "question",
    [
        KEPT.replace(b"GET", b"HEAD"),
        KEPT.replace(b"1.1", b"1.0"),
        KEPT.replace(b"1.1", b"1.0").replace(b"\r\n\r\n", b"\r\nconnection: keep-alive\r\n\r\n"),
        KEPT.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n"),
        KEPT.replace(b"GET", b"POST").replace(b"\r\n\r\n", b"\r\ncontent-length: 2\r\n\r\n{}"),
        KEPT.replace(b"\r\n\r\n", b"\r\ncontent-length: 2\r\n\r\n{}"),
        KEPT.replace(b"\r\n\r\n", b"\r\ntransfer-encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n"),
        KEPT.replace(b"\r\n\r\n", b"\r\nexpect: 100-continue\r\n\r\n"),
        KEPT.replace(b"\r\n\r\n", b"\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n"),
    ],
)
async def test_what_is_not_plain_is_left_to_the_application(question: bytes) -> None:
    app = Halves()
    async with serving(app, CALM) as (port, _):
        reader, writer = await opened(port)
        writer.write(question)
        await become(lambda: app.made == 1)
        assert not app.looked
        await closed(writer)
        await everything(reader)


async def test_who_asks_for_much_and_reads_nothing_fills_no_memory() -> None:
    app = Halves(size=500_000)
    async with serving(app, CALM) as (port, server):
        reader, writer = await opened(port)
        writer.transport.pause_reading()  # type: ignore[attr-defined] - it is a socket's
        writer.write(KEPT * 1_000)
        await become(lambda: app.looked > 0)
        await become(lambda: all(one.flow.write_paused for one in server.server_state.connections))
        assert app.looked < 100, "the sockets' own buffers hold some, and one more is beyond them"
        writer.transport.resume_reading()  # type: ignore[attr-defined] - it is a socket's
        for _ in range(1_000):
            await asked(reader)
        await closed(writer)


async def test_who_was_answered_may_think_and_then_ask_on() -> None:
    async with serving(Halves(), SOON) as (port, server):
        reader, writer = await opened(port)
        for _ in range(3):
            writer.write(KEPT)
            assert (await asked(reader))[1] == b"kkkkk"
            await watched(server, 2 * SOON.head)
        await closed(writer)


async def test_who_was_answered_and_begins_a_question_has_to_end_it() -> None:
    async with serving(Halves(), SOON) as (port, _):
        reader, writer = await opened(port)
        writer.write(KEPT + KEPT[:9])
        assert (await asked(reader))[1] == b"kkkkk"
        assert (await everything(reader)).startswith(b"HTTP/1.1 408 ")
        await closed(writer)


async def test_a_server_that_ends_closes_what_was_answered_from_memory() -> None:
    async with serving(Halves(), CALM) as (port, _):
        reader, writer = await opened(port)
        writer.write(KEPT)
        await asked(reader)
    assert await everything(reader) == b""
    await closed(writer)


async def test_a_kept_connection_that_is_not_used_is_closed() -> None:
    async with serving(Halves(), CALM) as (port, server):
        server.config.timeout_keep_alive = 0.05
        reader, writer = await opened(port)
        writer.write(KEPT)
        await asked(reader)
        assert await everything(reader) == b""
        await closed(writer)


async def test_the_servers_own_headers_are_those_of_now() -> None:
    async with serving(Halves(), CALM) as (port, server):
        reader, writer = await opened(port)
        came = []
        for number in range(3):  # the server makes them anew every second, perhaps in between
            server.server_state.default_headers = [(b"x-now", b"%d" % number)]
            writer.write(KEPT)
            came.append(b"x-now: %d\r\n" % number in (await asked(reader))[0])
        assert sum(came) >= 2
        await closed(writer)


async def test_a_server_whose_place_is_taken_answers_once_more_and_tells_the_client_to_connect_anew() -> None:
    app = Halves()
    async with serving(app, CALM) as (port, server):
        clients = [await opened(port) for _ in range(2)]
        for reader, writer in clients:
            writer.write(KEPT)
            head, _ = await asked(reader)
            assert b"connection: close" not in head
        await parting(server)
        for question, (reader, writer) in zip((KEPT, MADE), clients, strict=True):
            writer.write(question)
            head, body = await asked(reader)
            assert head.startswith(b"HTTP/1.1 200 OK\r\n")
            assert b"connection: close\r\n" in head
            assert body
            assert await everything(reader) == b""
            await closed(writer)
        assert app.made == 2, "the last answers come by the long way"


async def test_such_a_server_waits_a_while_only_for_who_never_asks_again() -> None:
    async with serving(Halves(), CALM) as (port, server):
        reader, writer = await opened(port)
        writer.write(KEPT)
        await asked(reader)
        server.parting_seconds = 0.1
        await parting(server)
        assert await everything(reader) == b""
        await closed(writer)


async def test_such_a_server_brings_an_answer_that_is_under_way_to_its_end() -> None:
    app = Halves()
    app.held.clear()
    async with serving(app, CALM) as (port, server):
        reader, writer = await opened(port)
        writer.write(MADE)
        await become(lambda: app.made == 1)
        await parting(server)
        app.held.set()
        assert (await asked(reader))[1] == b"GET/made"
        writer.write(MADE)
        assert b"connection: close\r\n" in (await asked(reader))[0]
        await closed(writer)


async def parting(server: Any) -> None:
    """Another took this server's place."""
    server.parts_in_order = server.should_exit = True
    connections = server.server_state.connections
    await become(lambda: all(one.is_parting for one in connections))
