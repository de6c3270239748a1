import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import MarketError, MarketUnavailable, RequestRejected, TokenRejected
from alphaforge.core.times import rfc3339
from alphaforge.market.oanda import OandaClient
from alphaforge.market.source import Heartbeat, Quote
from market_builders import ACCOUNT, MONDAY, QUICK, access
from market_server import Broker, Exchange


def tick(seconds: float) -> bytes:
    said = {
        "type": "PRICE",
        "time": rfc3339(MONDAY + seconds),
        "instrument": "GBP_USD",
        "bids": [{"price": "1.26400", "liquidity": 1_000_000}],
        "asks": [{"price": "1.26412", "liquidity": 1_000_000}],
    }
    return json.dumps(said).encode() + b"\n"


def beat(seconds: float) -> bytes:
    return json.dumps({"type": "HEARTBEAT", "time": rfc3339(MONDAY + seconds)}).encode() + b"\n"


@pytest.fixture
async def client(broker: Broker) -> AsyncIterator[OandaClient]:
    client = listener(broker, silence=60.0)
    yield client
    await client.aclose()


@pytest.fixture
async def impatient(broker: Broker) -> AsyncIterator[OandaClient]:
    client = listener(broker, silence=0.2)
    yield client
    await client.aclose()


def listener(broker: Broker, silence: float) -> OandaClient:
    clock = MarketClock()
    clock.observe(MONDAY + 60.0)
    return OandaClient(access(api_url=broker.url), clock, limits=QUICK, silence=silence)


async def listen(client: OandaClient) -> tuple[list[Any], MarketError]:
    """What the stream brought, and how it ended."""
    items: list[Any] = []
    stream = client.stream(["GBP_USD"])
    while True:
        try:
            items.append(await anext(stream))
        except MarketError as end:
            return items, end


async def test_the_stream_is_asked_for_with_its_instruments(client: OandaClient, broker: Broker) -> None:
    await listen(client)
    assert broker.exchanges[0].target == f"/v3/accounts/{ACCOUNT}/pricing/stream?instruments=GBP_USD"
    assert broker.exchanges[0].headers["authorization"].startswith("Bearer ")


async def test_lines_split_and_merged_over_chunks_are_read(client: OandaClient, broker: Broker) -> None:
    async def chunked(exchange: Exchange) -> None:
        await exchange.begin_chunks()
        await exchange.chunk(tick(1) + tick(2)[:30])
        await exchange.chunk(tick(2)[30:-1])
        await exchange.chunk(b"\n" + beat(3) + tick(4))
        await exchange.send(b"0\r\n\r\n")

    broker.answer = chunked
    items, end = await listen(client)
    assert [item.time - MONDAY for item in items] == [1, 2, 3, 4]
    assert [type(item) for item in items] == [Quote, Quote, Heartbeat, Quote]
    assert "ended" in end.message


async def test_prices_arrive_before_the_stream_ends(client: OandaClient, broker: Broker) -> None:
    received = asyncio.Event()

    async def waiting(exchange: Exchange) -> None:
        await exchange.begin_chunks()
        await exchange.chunk(tick(1))
        await received.wait()  # for ever, if the client held the first price back
        await exchange.chunk(tick(2))
        await exchange.send(b"0\r\n\r\n")

    broker.answer = waiting
    stream = client.stream(["GBP_USD"])
    assert (await anext(stream)).time == MONDAY + 1
    received.set()
    assert (await anext(stream)).time == MONDAY + 2
    await stream.aclose()


@pytest.mark.parametrize(
    "first", [b"", tick(1), b"oops\n", b" \n"], ids=["nothing", "a price", "a bad line", "a blank line"]
)
async def test_a_stream_that_falls_silent_is_dead(impatient: OandaClient, broker: Broker, first: bytes) -> None:
    async def mute(exchange: Exchange) -> None:
        await exchange.begin_chunks()
        if first:
            await exchange.chunk(first)
        await asyncio.Event().wait()

    broker.answer = mute
    _, end = await listen(impatient)
    assert isinstance(end, MarketUnavailable)
    assert "silent for 0.2 s" in end.message


async def test_a_stream_that_does_not_begin_is_dead(impatient: OandaClient, broker: Broker) -> None:
    async def nothing(exchange: Exchange) -> None:
        await asyncio.Event().wait()

    broker.answer = nothing
    _, end = await listen(impatient)
    assert "silent" in end.message


@pytest.mark.parametrize("how", ["reset", "truncated chunk"])
async def test_a_stream_that_breaks_is_an_error_after_what_it_brought(
    client: OandaClient, broker: Broker, how: str
) -> None:
    async def breaking(exchange: Exchange) -> None:
        await exchange.begin_chunks()
        await exchange.chunk(tick(1))
        if how == "reset":
            exchange.reset()
        else:
            await exchange.send(b"ff\r\n" + tick(2)[:20])
            exchange.writer.close()

    broker.answer = breaking
    items, end = await listen(client)
    assert len(items) <= 1  # a reset may overtake what was sent before it
    assert isinstance(end, MarketUnavailable)


@pytest.mark.parametrize(("status", "error"), [(401, TokenRejected), (400, RequestRejected), (503, MarketUnavailable)])
async def test_a_refused_stream_is_named_and_not_asked_for_again(
    client: OandaClient, broker: Broker, status: int, error: type[MarketError]
) -> None:
    async def refuse(exchange: Exchange) -> None:
        await exchange.reply(b"<html>no</html>", status=status)

    broker.answer = refuse
    _, end = await listen(client)
    assert isinstance(end, error)
    assert "<" not in end.message
    assert len(broker.exchanges) == 1


async def test_whoever_stops_listening_frees_the_connection(client: OandaClient, broker: Broker) -> None:
    gone = asyncio.Event()

    async def endless(exchange: Exchange) -> None:
        await exchange.begin_chunks()
        try:
            for second in range(1_000_000):
                await exchange.chunk(tick(second % 60))
                await asyncio.sleep(0)  # the client lives in the same loop
        except ConnectionError:
            gone.set()

    broker.answer = endless
    stream = client.stream(["GBP_USD"])
    async for _ in stream:
        break
    await stream.aclose()
    await asyncio.wait_for(gone.wait(), 60)
    assert client._stream_http._transport.pool.connections == []


async def test_a_clock_that_nobody_set_is_set_before_ticks_are_judged(broker: Broker) -> None:
    async def answer(exchange: Exchange) -> None:
        if "stream" not in exchange.target:
            await exchange.reply(json.dumps({"prices": [], "time": rfc3339(MONDAY + 1)}).encode())
            return
        await exchange.begin_chunks()
        await exchange.chunk(tick(2) + tick(9_000))
        await exchange.send(b"0\r\n\r\n")

    broker.answer = answer
    client = OandaClient(access(api_url=broker.url), limits=QUICK)
    items, _ = await listen(client)
    assert [item.time - MONDAY for item in items] == [2]
    assert client.traffic.future_prices == 1
    await client.aclose()
