from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest

from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import MarketUnavailable, RequestRejected
from alphaforge.market.oanda import OandaAccess, OandaClient
from alphaforge.market.sandbox.faults import Fault, FaultKind
from alphaforge.market.sandbox.server import RunningSandbox
from alphaforge.market.source import Heartbeat, Quote
from sandbox_servers import NAMES, NOW, sandbox


@asynccontextmanager
async def market(speed: float = 20.0, silence: float = 60.0) -> AsyncIterator[tuple[OandaClient, RunningSandbox]]:
    async with sandbox(speed=speed) as running:
        access = OandaAccess.of("practice", "any", api_url=running.url)
        client = OandaClient(access, MarketClock(), silence=silence)
        await client.connect()
        try:
            yield client, running
        finally:
            await client.aclose()


async def heard(client: OandaClient, count: int) -> list[Quote | Heartbeat]:
    """The first items of the stream."""
    stream = client.stream(NAMES)
    try:
        return [await anext(stream) for _ in range(count)]
    finally:
        await stream.aclose()


def assert_in_order(items: list[Quote | Heartbeat]) -> None:
    for name in NAMES:
        times = [item.time for item in items if isinstance(item, Quote) and item.instrument == name]
        assert all(earlier < later for earlier, later in pairwise(times))


async def test_every_instrument_has_a_quote() -> None:
    async with market() as (client, _):
        quotes = await client.quotes(NAMES)
        assert sorted(quote.instrument for quote in quotes) == sorted(NAMES)
        assert all(abs(quote.time - NOW) < 3600 for quote in quotes)


async def test_an_instrument_that_the_account_lacks_does_not_cost_the_others_their_prices() -> None:
    async with market() as (client, _):
        with pytest.raises(RequestRejected):
            await client.quotes(["QQQ_WWW"])
        await client.instruments()
        assert {quote.instrument for quote in await client.quotes(["QQQ_WWW", *NAMES])} == set(NAMES)
        stream = client.stream(["QQQ_WWW", *NAMES])
        assert await anext(stream)
        await stream.aclose()
        with pytest.raises(RequestRejected):
            await client.quotes(["QQQ_WWW"])


@pytest.mark.parametrize(("kind", "refused"), [(FaultKind.NAN_PRICE, 3), (FaultKind.EMPTY_BOOK, 0)])
async def test_a_price_that_is_none_is_no_quote(kind: FaultKind, refused: int) -> None:
    async with market() as (client, running):
        running.faults.post([Fault(kind)])
        assert await client.quotes(NAMES) == []
        assert client.traffic.refused_prices == refused


async def test_the_stream_brings_prices_and_heartbeats() -> None:
    async with market() as (client, _):
        items = await heard(client, 40)
        assert {type(item) for item in items} == {Quote, Heartbeat}
        assert_in_order(items)


@pytest.mark.parametrize(
    "kind",
    [
        FaultKind.SPLIT_LINES,
        FaultKind.MERGED_LINES,
        FaultKind.DUPLICATE_TICK,
        FaultKind.OUT_OF_ORDER_TICK,
        FaultKind.FUTURE_TICK,
        FaultKind.NAN_PRICE,
        FaultKind.EMPTY_BOOK,
    ],
)
async def test_what_is_wrong_with_single_prices_leaves_the_others_in_order(kind: FaultKind) -> None:
    async with market() as (client, running):
        running.faults.post([Fault(kind, delay=3_600.0, chance=0.5)])
        items = await heard(client, 40)
        assert_in_order(items)
        now = client.clock.now()
        assert all(item.time < now + 1_000 for item in items if isinstance(item, Quote))
        assert client.traffic.bad_lines == 0


@pytest.mark.parametrize("kind", [FaultKind.BAD_JSON])
async def test_a_bad_line_is_counted_and_those_after_it_are_read(kind: FaultKind) -> None:
    async with market() as (client, running):
        running.faults.post([Fault(kind, times=1)])
        items = await heard(client, 40)
        assert_in_order(items)
        assert client.traffic.bad_lines == 1


async def test_heartbeats_without_prices_are_heartbeats() -> None:
    async with market() as (client, running):
        running.faults.post([Fault(FaultKind.HEARTBEATS_ONLY)])
        assert {type(item) for item in await heard(client, 10)} == {Heartbeat}


@pytest.mark.parametrize(
    ("kind", "says"), [(FaultKind.SILENT_STREAM, "silent"), (FaultKind.RESET, "broke"), (FaultKind.TRUNCATED, "broke")]
)
async def test_a_stream_that_dies_is_said_to_be_dead(kind: FaultKind, says: str) -> None:
    async with market(silence=0.3) as (client, running):
        running.faults.post([Fault(kind, path="stream")])
        with pytest.raises(MarketUnavailable, match=says):
            await heard(client, 1_000_000)
