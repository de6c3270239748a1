"""How much a client may ask: so many requests in any minute, reads and everything else counted apart.

The count is in memory, since a hit of the cache must not cost a journey; what writes or works may be counted for
several processes together. It is that of a sliding window, estimated from two fixed ones: whoever spends a minute's
allowance at its end has little at the beginning of the next.
"""

import time
from collections.abc import Callable
from functools import lru_cache
from http import HTTPStatus
from ipaddress import IPv6Address
from typing import Protocol

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import problem, request_id_of
from alphaforge.api.kept_answer import Header
from alphaforge.cache.windows import WINDOW, Counts

READS_PER_WRITE = 20
_MOST_CLIENTS = 10_000
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER_COUNTED = "/health/live"
_WHOLE_WINDOW = int(WINDOW)


class SharedCounts(Protocol):
    """Where several processes count together."""

    async def spend(self, client: str, limit: int) -> Counts | None:
        """Take one where `limit` allows it; what was spent before it, or None where nobody can say."""
        ...


class Allowance:
    """`limit` requests of each client within any minute; 0: as many as they like. `clock` in epoch seconds."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.time, most_clients: int = _MOST_CLIENTS) -> None:
        self.limit = limit
        self._clock = clock
        self._most_clients = most_clients
        self._window = 0
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def spend(self, client: str, now: float | None = None) -> int | None:
        """Take one request; answers how many are left, or None where there was none and nothing was taken."""
        if not self.limit:
            return 0
        now = self._clock() if now is None else now
        window = int(now // WINDOW)
        if window != self._window:
            self._before = self._counts if window == self._window + 1 else {}
            self._counts, self._window = {}, window
        counts = self._counts
        current = counts.get(client, 0)
        left: float = self.limit - current - 1
        if client in self._before:
            left -= self._before[client] * (1.0 - now / WINDOW + window)
        if left < 0:
            return None
        if not current and len(counts) >= self._most_clients:
            del counts[next(iter(counts))]  # whoever came first is forgotten, and nobody else
        counts[client] = current + 1
        return int(left)

    def give_back(self, client: str) -> None:
        """Undo a `spend`."""
        if self._counts.get(client):
            self._counts[client] -= 1

    def counts(self, client: str) -> Counts:
        """What a client that `spend` just looked at has spent."""
        gone = self._clock() / WINDOW - self._window
        return Counts(self._counts.get(client, 0), self._before.get(client, 0), gone)

    def headers(self, left: int, now: float | None = None) -> tuple[Header, ...]:
        """What is left, for the client."""
        if not self.limit:
            return ()
        now = self._clock() if now is None else now
        reset = _WHOLE_WINDOW - int(now) % _WHOLE_WINDOW
        return ((b"ratelimit", b"limit=%d, remaining=%d, reset=%d" % (self.limit, left, reset)),)


class Allowances:
    """A client's two allowances: reads, and everything that writes or works. `shared` counts the latter for all."""

    def __init__(self, per_minute: int, shared: SharedCounts | None = None) -> None:
        self.reads = Allowance(per_minute * READS_PER_WRITE)
        self.writes = Allowance(per_minute)
        self._shared = shared

    def of(self, method: str) -> Allowance:
        """The one that a request of this method is taken from."""
        return self.reads if method in _READS else self.writes

    def spend_read(self, client: tuple[str, int] | None, now: float) -> tuple[Header, ...] | None:
        """Take a read at `now` (epoch seconds); answers the headers that say what is left, None where nothing is."""
        left = self.reads.spend(caller(client), now)
        return None if left is None else self.reads.headers(left, now)

    async def spend(self, allowance: Allowance, client: str) -> tuple[int | None, Counts | None]:
        """Take one; how many are left, None with the counts that left nothing where nothing was to be taken."""
        left = allowance.spend(client)
        if left is None:
            return None, allowance.counts(client)
        if self._shared is None or allowance is not self.writes or not allowance.limit:
            return left, None
        everywhere = await self._shared.spend(client, allowance.limit)
        if everywhere is None:
            return left, None
        left = everywhere.left(allowance.limit)
        if left is None:
            allowance.give_back(client)
        return left, everywhere


def caller(client: tuple[str, int] | None) -> str:
    """Whom a request is counted for: the peer's address, whatever its headers claim."""
    if not client:
        return ""
    return _network(client[0]) if ":" in client[0] else client[0]


@lru_cache(_MOST_CLIENTS)
def _network(address: str) -> str:
    """The network that an IPv6 address lies in: whoever has one address has its /64 of them."""
    whole = IPv6Address(address.partition("%")[0])
    return str(whole.ipv4_mapped or f"{int(whole) >> 64:x}")


class RateLimit:
    """Refuses with 429 what is beyond a client's allowance, and says on every answer what is left."""

    def __init__(self, app: ASGIApp, *, allowances: Allowances) -> None:
        self.app = app
        self._allowances = allowances

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["path"] == _NEVER_COUNTED:
            await self.app(scope, receive, send)
            return
        allowance = self._allowances.of(scope["method"])
        left, counts = await self._allowances.spend(allowance, caller(scope.get("client")))
        if left is None:
            wait = counts.wait(allowance.limit) if counts else _WHOLE_WINDOW
            await self._refuse(scope, receive, send, limit=allowance.limit, wait=wait)
            return
        marks = allowance.headers(left)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *marks]
            await send(message)

        await self.app(scope, receive, marked)

    async def _refuse(self, scope: Scope, receive: Receive, send: Send, *, limit: int, wait: int) -> None:
        answer = problem(
            request_id_of(scope),
            HTTPStatus.TOO_MANY_REQUESTS,
            "Too Many Requests",
            f"More than {limit} such requests within a minute.",
            headers={"Retry-After": str(wait), "RateLimit": f"limit={limit}, remaining=0, reset={wait}"},
            advice=f"Ask again in {wait} s. RATE_LIMIT_PER_MINUTE sets the limit.",
        )
        await answer(scope, receive, send)
