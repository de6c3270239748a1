"""The wiring of what is told as it happens: the stream of events, and the price stream that processes share."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager, suppress
from typing import Any

from alphaforge.api.services import Services
from alphaforge.api.stream_events import LiveEvents, StoredEvents
from alphaforge.market.price_feed import PriceFeed, PriceStream
from alphaforge.market.shared_stream import SharedStream
from alphaforge.market.source import CandleSource
from alphaforge.stream.following import Following
from alphaforge.tasks.supervisor import keep_running


@asynccontextmanager
async def open_shared_prices(
    url: str, channel: str, source: CandleSource, leading: Callable[[], bool]
) -> AsyncIterator[PriceStream]:
    """The price stream that all processes of a desk share through the Redis at `url`; who leads holds it."""
    from alphaforge.cache.shared_prices import SharedPrices  # noqa: PLC0415 - 24 MB that few need

    shared = SharedPrices(url, channel)
    try:
        yield SharedStream(source, shared.publish, shared.messages, leading).stream
    finally:
        await shared.aclose()


@asynccontextmanager
async def open_stream(services: Services, feed: PriceFeed) -> AsyncIterator[None]:
    """What happens is told to those who listen, while the block lasts."""
    following = Following(services.stream, StoredEvents(services.database, services.status.market))
    live = LiveEvents(services, lambda: feed.status.state)
    services.stream.opening, services.stream.caught_up = live.opening, following.caught_up
    services.database.commits.follow(following.heard)
    await following.begin()
    feed.subscribe(live.price)
    try:
        async with (
            running("stream", keep_running("stream", following.run)),
            running("status", keep_running("status", live.watch_status)),
        ):
            yield
    finally:
        services.stream.end()


@asynccontextmanager
async def running(name: str, work: Coroutine[Any, Any, object]) -> AsyncIterator[None]:
    """Work that goes on while the block lasts."""
    task = asyncio.create_task(work, name=name)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
