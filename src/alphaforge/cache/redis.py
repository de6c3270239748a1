"""The second level: what processes keep together in Redis.

A key names the version of the data, so nothing there ever has to be deleted: what is outdated is not asked for again
and expires. Redis gone, slow or emptied means a miss; after a failure it is left alone for a moment, so that a dead
one costs a request in a thousand its patience and no request its answer.
"""

import asyncio
import hashlib
import time
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

import structlog
from redis.asyncio import Redis
from redis.exceptions import RedisError

from alphaforge.cache.generations import Stamp

log = structlog.get_logger(__name__)
V = TypeVar("V")

PATIENCE = 0.1
"""Seconds that Redis has for an answer; the database would have answered by then."""

REST = 2.0
"""Seconds for which Redis is not asked after a failure."""


class RedisAnswers(Generic[V]):
    """Values as bytes under `prefix`, which must differ between databases and between versions of the program.

    `unpack` raises ValueError for what `pack` did not make.
    """

    def __init__(
        self,
        url: str,
        prefix: str,
        ttl: float,
        pack: Callable[[V], bytes],
        unpack: Callable[[bytes], V],
    ) -> None:
        self._redis = Redis.from_url(url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, protocol=2)
        self._prefix = prefix
        self._ttl_ms = max(1, int(ttl * 1000))
        self._pack = pack
        self._unpack = unpack
        self._rests_until = 0.0
        self.failures = 0

    async def get(self, key: Hashable, stamp: Stamp) -> V | None:
        """What is there, or None."""
        if time.monotonic() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(PATIENCE):
                found = await self._redis.get(self._name(key, stamp))
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)
            return None
        try:
            return self._unpack(found) if isinstance(found, bytes) else None
        except ValueError:  # somebody else's, under our name
            self.failures += 1
            return None

    async def put(self, key: Hashable, stamp: Stamp, value: V) -> None:
        """Leave it there for as long as it may live."""
        if time.monotonic() < self._rests_until:
            return
        try:
            async with asyncio.timeout(PATIENCE):
                await self._redis.set(self._name(key, stamp), self._pack(value), px=self._ttl_ms)
        except (RedisError, OSError, TimeoutError) as error:
            self._failed(error)

    async def aclose(self) -> None:
        """Close the connections."""
        await self._redis.aclose()

    def _name(self, key: Hashable, stamp: Stamp) -> str:
        return f"{self._prefix}:{hashlib.sha256(repr((key, stamp)).encode()).hexdigest()}"

    def _failed(self, error: Exception) -> None:
        self.failures += 1
        self._rests_until = time.monotonic() + REST
        log.warning("redis_unavailable", reason=type(error).__name__, advice="The database answers meanwhile.")
