"""What a Redis is allowed to cost: little time when it is slow, next to none once it has failed, never an error."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

log = structlog.get_logger(__name__)
T = TypeVar("T")

PATIENCE = 0.1
"""Seconds that Redis has for an answer; the database would have answered by then."""

REST = 2.0
"""Seconds for which Redis is not asked after a failure."""


class Breaker:
    """Stands between a Redis and those who can do without it; `meanwhile` says in the log what is done instead."""

    def __init__(self, url: str, meanwhile: str, patience: float = PATIENCE) -> None:
        self.redis = Redis.from_url(url, socket_timeout=patience, socket_connect_timeout=patience, protocol=2)
        self.failures = 0
        self._patience = patience
        self._meanwhile = meanwhile
        self._rests_until = 0.0

    async def ask(self, question: Callable[[], Awaitable[T]]) -> T | None:
        """The answer to `question`, or None where Redis fails or rests; while it rests `question` is not called."""
        if self._is_resting():
            return None
        try:
            async with asyncio.timeout(self._patience):
                return await question()
        except (RedisError, OSError, TimeoutError) as error:
            self.failures += 1
            if not self._is_resting():  # of many who waited together one is enough to say it
                log.warning("redis_unavailable", reason=type(error).__name__, advice=self._meanwhile)
            self._rests_until = time.monotonic() + REST
            return None

    async def aclose(self) -> None:
        """Close the connections."""
        await self.redis.aclose()

    def _is_resting(self) -> bool:
        return time.monotonic() < self._rests_until
