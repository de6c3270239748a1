"""Prices between processes through a Redis that may be killed, stopped and come back."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from alphaforge.cache.shared_prices import SharedPrices
from alphaforge.core.errors import MarketUnavailable
from alphaforge.market.price_feed import FeedSettings, FeedState, PriceFeed
from alphaforge.market.shared_stream import SharedStream, packed
from alphaforge.market.source import Heartbeat, Quote
from market_builders import FakeBroker, HandClock
from redis_servers import Server

QUICK = FeedSettings(pause=0.05, longest_pause=0.1, poll_every=0.05)


def quote(bid: float) -> Quote:
    return Quote("GBP_USD", bid, bid, bid + 0.1, None, None, tradeable=True)


async def become(claim: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not claim():  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0.01)


@asynccontextmanager
async def following(prices: SharedPrices) -> AsyncIterator[tuple[PriceFeed, FakeBroker]]:
    """A process that does not hold the stream."""
    broker = FakeBroker(HandClock())
    shared = SharedStream(broker, prices.publish, prices.messages, lambda: False)
    feed = PriceFeed(broker, ["GBP_USD"], QUICK, stream=shared.stream)
    task = asyncio.create_task(feed.run())
    yield feed, broker
    task.cancel()
    await asyncio.wait({task})


async def test_what_one_process_publishes_the_others_hear_and_other_desks_do_not(redis: Server) -> None:
    holder, other, stranger = (SharedPrices(redis.url, name, silence=0.5) for name in ("desk", "desk", "another"))
    heard, foreign = other.messages(), stranger.messages()
    waiting = [asyncio.ensure_future(anext(one)) for one in (heard, foreign)]
    while not waiting[0].done():
        holder.publish(b"price")
        await asyncio.wait({waiting[0]}, timeout=0.05)
    assert await waiting[0] == b"price"
    with pytest.raises(MarketUnavailable, match="No prices are heard"):
        await waiting[1]
    await heard.aclose()
    for one in (holder, other, stranger):
        await one.aclose()


async def test_redis_killed_and_back_costs_the_stream_for_a_while_and_nothing_else(redis: Server) -> None:
    holder, other = SharedPrices(redis.url, "desk"), SharedPrices(redis.url, "desk")
    bid = 1.0

    async def beat() -> None:
        nonlocal bid
        while True:
            bid += 1
            holder.publish(packed(quote(bid)))
            holder.publish(packed(Heartbeat(bid)))
            await asyncio.sleep(0.02)

    async with following(other) as (feed, _):
        beating = asyncio.create_task(beat())
        await become(lambda: feed.status.state is FeedState.STREAMING and feed.quote("GBP_USD") is not None)
        redis.kill()
        await become(lambda: feed.status.state is FeedState.DOWN)
        reached = bid
        await become(lambda: bid > reached + 5)
        assert not beating.done(), "publishing neither waits nor raises"
        redis.start()
        await become(lambda: feed.status.state is FeedState.STREAMING)
        newest = feed.quote("GBP_USD")
        await become(lambda: feed.quote("GBP_USD") != newest)
        beating.cancel()
        await asyncio.wait({beating})
    for one in (holder, other):
        await one.aclose()


async def test_who_hears_nothing_says_so(redis: Server) -> None:
    prices = SharedPrices(redis.url, "desk", silence=0.05)
    with pytest.raises(MarketUnavailable, match="No prices are heard"):
        await anext(prices.messages())
    await prices.aclose()


async def test_without_a_redis_nothing_is_published_and_nobody_minds() -> None:
    prices = SharedPrices("redis://127.0.0.1:1", "desk")
    for _ in range(5_000):
        prices.publish(b"price")
    assert prices._sending is not None
    async with asyncio.timeout(10):
        await prices._sending
    assert prices.breaker.failures == 1
    with pytest.raises(MarketUnavailable):
        await anext(prices.messages())
    await prices.aclose()
