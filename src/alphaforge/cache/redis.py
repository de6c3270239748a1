"""The second level: what processes keep together in Redis.

A key names the version of the data, so nothing there ever has to be deleted: what is outdated is not asked for again
and expires. Redis gone, slow or emptied means a miss; after a failure it is left alone for a moment, so that a dead
one costs a request in a thousand its patience and no request its answer.
"""

import hashlib
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

from alphaforge.cache.breaker import Breaker
from alphaforge.cache.generations import Stamp

V = TypeVar("V")


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
        self.breaker = Breaker(url, "The database answers meanwhile.")
        self._redis = self.breaker.redis
        self._prefix = prefix
        self._ttl_ms = max(1, int(ttl * 1000))
        self._pack = pack
        self._unpack = unpack
        self._strangers = 0

    @property
    def failures(self) -> int:
        """How often Redis did not answer, or with something else than was put there."""
        return self.breaker.failures + self._strangers

    async def get(self, key: Hashable, stamp: Stamp) -> V | None:
        """What is there, or None."""
        found = await self.breaker.ask(lambda: self._redis.get(self._name(key, stamp)))
        try:
            return self._unpack(found) if isinstance(found, bytes) else None
        except ValueError:  # somebody else's, under our name
            self._strangers += 1
            return None

    async def put(self, key: Hashable, stamp: Stamp, value: V) -> None:
        """Leave it there for as long as it may live."""
        await self.breaker.ask(
            lambda: self._redis.set(self._name(key, stamp), self._pack(value), px=self._ttl_ms),
        )

    async def aclose(self) -> None:
        """Close the connections."""
        await self.breaker.aclose()

    def _name(self, key: Hashable, stamp: Stamp) -> str:
        return f"{self._prefix}:{hashlib.sha256(repr((key, stamp)).encode()).hexdigest()}"
