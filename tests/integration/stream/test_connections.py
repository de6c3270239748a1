"""Listeners over real sockets: slow ones, many, those who go, and the end."""

import asyncio
import socket
from typing import Any

import pytest
from structlog.testing import capture_logs

from alphaforge.api.patience import Patience
from alphaforge.api.services import ApiOptions
from alphaforge.storage.engine import Database
from api_bench import SQLITE
from connections import become, closed
from ears import listening

from .conftest import Desk, open_desk

pytestmark = SQLITE


async def test_the_head_keeps_proxies_from_holding_back_and_nobody_compresses(desk: Desk) -> None:
    async with listening(desk.port, more="accept-encoding: gzip, br, zstd\r\n") as ear:
        head = ear.head.lower()
        assert (await ear.next()).kind == "status"
    assert ear.status == 200
    assert b"content-type: text/event-stream" in head
    assert b"cache-control: no-store\r\n" in head
    assert b"x-accel-buffering: no\r\n" in head
    assert b"content-encoding" not in head
    assert b"content-length" not in head
    assert 1_000 <= ear.retry < 3_000


async def test_prices_are_told_as_they_come_and_the_newest_to_who_comes_later(desk: Desk) -> None:
    async with listening(desk.port, "?kinds=price") as ear:
        for bid in (1.1, 1.2, 1.3):
            desk.feed.quote(bid)
        desk.feed.quote(151.0, "USD_JPY")
        assert [(await ear.next()).data["bid"] for _ in range(4)] == [1.1, 1.2, 1.3, 151.0]
    async with listening(desk.port, "?kinds=price") as later:
        assert [(await later.next()).data["bid"] for _ in range(2)] == [1.3, 151.0]
    assert later.events[0].data.keys() >= {"instrument", "price", "time", "age_seconds", "stale", "simulated", "source"}


async def test_a_status_is_told_when_it_changes(desk: Desk) -> None:
    async with listening(desk.port, "?kinds=status") as ear:
        assert (await ear.next()).data["strategy"] == "stopped"
        await desk.services.strategy.start()
        while (await ear.next()).data["strategy"] != "running":
            pass


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("?kinds=signal,weather", "signal, outcome, rejection, candle, price, status"),
        ("?instruments=GBP_USD,EUR_XXX", "GBP_USD, XAU_USD, USD_JPY"),
        ("?instruments=%00", "NUL"),
        ("?last_event_id=yesterday", "not the id of an event"),
        ("?last_event_id=" + "1" * 200, "last_event_id"),
    ],
)
async def test_what_cannot_be_meant_is_refused_by_name(desk: Desk, query: str, told: str) -> None:
    async with listening(desk.port, query) as ear:
        assert ear.status == 422
        body = await ear.reader.read(2_000)
        assert told in body.decode()
    async with listening(desk.port, last_id="nonsense") as ear:
        assert ear.status == 422


async def test_who_goes_away_leaves_nothing_behind(desk: Desk) -> None:
    tasks = len(asyncio.all_tasks())
    for _ in range(10):
        sockets = []
        for number in range(100):
            one = socket.create_connection(("127.0.0.1", desk.port))
            one.sendall(b"GET /api/stream HTTP/1.1\r\nhost: localhost\r\n\r\n")
            sockets.append(one)
            if number % 10 == 0:
                one.close()  # before anything was answered
        await become(lambda: len(desk.services.stream) >= 90)
        desk.feed.quote(1.0)
        for one in sockets:
            one.close()
        await become(lambda: not len(desk.services.stream))
    await become(lambda: not desk.server.server_state.connections)
    await become(lambda: len(asyncio.all_tasks()) <= tasks)
    assert desk.services.stream._timer is None


async def test_a_listener_who_takes_nothing_is_cut_off_and_goes_on_where_he_was(database: Database) -> None:
    async with open_desk(database, patience=Patience(head=30, reading=0.2, look=0.02)) as desk:
        async with listening(desk.port, "?kinds=price") as slow, listening(desk.port, "?kinds=price") as quick:
            desk.feed.quote(1.0)
            first = await slow.next()
            assert (await quick.next()).data["bid"] == 1.0
            slow.writer.transport.pause_reading()  # type: ignore[attr-defined] - it is a socket's
            bid = 1.0
            while len(desk.services.stream) == 2:
                for _ in range(2_000):
                    bid += 1.0
                    desk.feed.quote(bid)
                while (await quick.next()).data["bid"] != bid:
                    pass
            slow.writer.transport.resume_reading()  # type: ignore[attr-defined] - the same
            read = [first, *await slow.end()]
        async with listening(desk.port, "?kinds=price", read[-1].id) as again:
            while again.events == [] or again.events[-1].data["bid"] != bid:
                await again.next()
    heard = [one.data["bid"] for one in (*read, *again.events)]
    assert len(read) < len(heard)
    assert heard == [float(number) for number in range(1, int(bid) + 1)]


async def test_the_servers_end_ends_every_stream_in_order(database: Database) -> None:
    async with open_desk(database) as desk, listening(desk.port) as ear:
        await ear.next("status")
        desk.server._ending = desk.services.stream.end
        desk.server.should_exit = True
        await ear.end()
        assert await ear.reader.read() == b"", "the last chunk came, and the connection was closed"
        await closed(ear.writer)


async def test_beyond_as_many_as_there_is_room_for_one_is_told_to_come_again(desk: Desk) -> None:
    desk.services.stream._most = 1
    async with listening(desk.port) as first:
        assert first.status == 200
        async with listening(desk.port) as second:
            assert second.status == 503
            assert b"retry-after: 5\r\n" in second.head.lower()


async def test_a_listener_is_one_request_to_the_limit_and_one_line_in_the_log(database: Database) -> None:
    with capture_logs() as logs:
        async with open_desk(database, ApiOptions(rate_limit_per_minute=1)) as desk:
            async with listening(desk.port, "?kinds=price") as ear:
                assert b"ratelimit: limit=20, remaining=19" in ear.head.lower()
                for bid in range(1, 6):
                    desk.feed.quote(float(bid))
                    await ear.next()
                assert not [line for line in logs if line["event"] == "request"]
            await become(lambda: any(line["event"] == "request" for line in logs))
            async with listening(desk.port) as other:
                assert b"remaining=18" in other.head.lower()
    lines: list[Any] = [line for line in logs if line["event"] == "request"]
    assert lines[0]["route"] == "/api/stream"
    assert lines[0]["status"] == 200
    assert lines[0]["bytes"] > 5 * 200
    assert lines[0]["ms"] > 0


async def test_a_foreign_page_or_who_lacks_the_key_hears_nothing(database: Database) -> None:
    async with open_desk(database) as desk, listening(desk.port, more="host: evil.example\r\n") as ear:
        assert ear.status == 421
    async with open_desk(database, ApiOptions(api_key="key")) as desk:
        async with listening(desk.port) as ear:
            assert ear.status == 401
        async with listening(desk.port, more="x-api-key: key\r\n") as ear:
            assert ear.status == 200
