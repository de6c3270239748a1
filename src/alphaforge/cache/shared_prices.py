"""Prices passed on through Redis, from the process that holds the market's stream to all others of the desk.

A price that nobody heard is outdated by the next one, so they are published and not kept: what a listener missed while
Redis was away, it asks the market for.
"""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import suppress
from functools import partial

from redis.asyncio import Redis
from redis.exceptions import RedisError

from alphaforge.cache.breaker import Breaker
from alphaforge.core.errors import MarketUnavailable

SILENCE = 10.0
"""Seconds without a message after which nobody is heard any more: heartbeats come every five."""
_PATIENCE = 2.0
_MOST_WAITING = 1_000
_FAILURES = (RedisError, OSError, TimeoutError)


class SharedPrices:
    """Messages on one channel of a Redis; `channel` must differ between desks."""

    def __init__(self, url: str, channel: str, silence: float = SILENCE) -> None:
        self.breaker = Breaker(url, "Other processes ask the market for prices meanwhile.")
        self._url = url
        self._channel = channel
        self._silence = silence
        self._waiting: deque[bytes] = deque(maxlen=_MOST_WAITING)
        self._sending: asyncio.Task[None] | None = None

    def publish(self, message: bytes) -> None:
        """Pass it on soon; where Redis is gone, not at all."""
        self._waiting.append(message)
        if self._sending is None or self._sending.done():
            self._sending = asyncio.create_task(self._send(), name="prices-to-redis")

    async def _send(self) -> None:
        while self._waiting:
            await self.breaker.ask(partial(self.breaker.redis.publish, self._channel, self._waiting.popleft()))

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """What is published from now on. Raises MarketUnavailable where Redis fails or nothing is heard."""
        redis = Redis.from_url(self._url, socket_connect_timeout=_PATIENCE, protocol=2)
        pubsub = redis.pubsub(ignore_subscribe_messages=True)
        try:
            async with asyncio.timeout(_PATIENCE):
                await pubsub.subscribe(self._channel)
            while True:
                async with asyncio.timeout(self._silence):
                    message = await pubsub.get_message(timeout=None)
                if message is not None:
                    yield message["data"]
        except _FAILURES as error:
            raise MarketUnavailable(f"No prices are heard through Redis ({type(error).__name__})") from None
        finally:
            with suppress(*_FAILURES):  # it is gone, or is left
                await pubsub.aclose()  # type: ignore[no-untyped-call] # redis has no types there
                await redis.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._sending is not None:
            self._sending.cancel()
            await asyncio.wait({self._sending})
        await self.breaker.aclose()
