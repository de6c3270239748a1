"""How much a client may ask: so many requests in any minute, reads and everything else counted apart.

The count is in memory, since a hit of the cache must not cost a journey. It is that of a sliding window, estimated
from two fixed ones: whoever spends a minute's allowance at its end has little at the beginning of the next.
"""

import time
from collections.abc import Callable
from http import HTTPStatus
from math import ceil

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import problem
from alphaforge.api.kept_answer import Header

WINDOW = 60.0
READS_PER_WRITE = 20
_MOST_CLIENTS = 10_000
_READS = frozenset({"GET", "HEAD", "OPTIONS"})
_NEVER_COUNTED = "/health/live"


class Allowance:
    """`limit` requests of each client within any minute; 0: as many as they like."""

    def __init__(self, limit: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.limit = limit
        self._clock = clock
        self._window = 0
        self._counts: dict[str, int] = {}
        self._before: dict[str, int] = {}

    def spend(self, client: str) -> int | None:
        """Take one request; answers how many are left, or None where there was none and nothing was taken."""
        if not self.limit:
            return 0
        now = self._clock() / WINDOW
        window = int(now)
        if window != self._window or len(self._counts) > _MOST_CLIENTS:
            self._before = self._counts if window == self._window + 1 else {}
            self._counts, self._window = {}, window
        spent = self._counts.get(client, 0) + self._before.get(client, 0) * (1.0 - now + window)
        if spent + 1 > self.limit:
            return None
        self._counts[client] = self._counts.get(client, 0) + 1
        return int(self.limit - spent - 1)

    def seconds_left(self) -> int:
        """Until the window ends: by then something is to be had again."""
        return ceil(WINDOW - self._clock() % WINDOW)


class Allowances:
    """A client's two allowances: reads, and everything that writes or works."""

    def __init__(self, per_minute: int) -> None:
        self.reads = Allowance(per_minute * READS_PER_WRITE)
        self.writes = Allowance(per_minute)

    def of(self, method: str) -> Allowance:
        """The one that a request of this method is taken from."""
        return self.reads if method in _READS else self.writes

    def spend_read(self, client: tuple[str, int] | None) -> tuple[Header, ...] | None:
        """Take a read; answers the headers that say what is left, None where nothing is."""
        left = self.reads.spend(client[0] if client else "")
        return None if left is None else _headers(self.reads, left)


def _headers(allowance: Allowance, left: int) -> tuple[Header, ...]:
    if not allowance.limit:
        return ()
    return ((b"ratelimit", b"limit=%d, remaining=%d, reset=%d" % (allowance.limit, left, allowance.seconds_left())),)


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
        client = scope["client"][0] if scope.get("client") else ""
        left = allowance.spend(client)
        if left is None:
            wait = allowance.seconds_left()
            answer = problem(
                str(scope.get("alphaforge.request_id", "")),
                HTTPStatus.TOO_MANY_REQUESTS,
                "Too Many Requests",
                f"More than {allowance.limit} such requests within a minute.",
                headers={"Retry-After": str(wait), "RateLimit": f"limit={allowance.limit}, remaining=0, reset={wait}"},
                advice=f"Ask again in {wait} s. RATE_LIMIT_PER_MINUTE sets the limit.",
            )
            await answer(scope, receive, send)
            return
        marks = _headers(allowance, left)

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *marks]
            await send(message)

        await self.app(scope, receive, marked)
