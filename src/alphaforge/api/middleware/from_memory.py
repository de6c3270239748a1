"""The shortest way to a kept answer: what was asked before in the very same bytes, and nothing else.

`Remembering` (see `answers`) leaves the shortcuts that are taken here, in front of every layer but the counting.
"""

import secrets
import time
from collections.abc import Callable
from itertools import count
from typing import Any

from starlette.types import ASGIApp, Receive, Scope, Send

from alphaforge.api.answer_cache import AnswerCache
from alphaforge.api.header_lines import header_lines
from alphaforge.api.kept_answer import IDENTITY, Header, Variant, is_unchanged
from alphaforge.api.reads import Reads
from alphaforge.telemetry.requests import Note

HIT_MARKS: tuple[Header, ...] = ((b"x-cache", b"hit"), (b"server-timing", b"cache;desc=hit"))
_OF_THE_LAYERS: tuple[Header, ...] = ((b"vary", b"Accept-Encoding, Origin"), (b"x-content-type-options", b"nosniff"))
"""What the layers between would add: they are not asked."""


class Ready:
    """What a shortcut leads to: an answer in its coding with all headers of a hit, and the clock it was made by."""

    __slots__ = ("etag", "found", "reads", "tick", "unchanged")

    def __init__(self, variant: Variant, reads: Reads, tick: int) -> None:
        self.etag = variant.etag
        self.found = Told(200, variant.headers, variant.body)
        self.unchanged = Told(304, variant.unchanged, b"")
        self.reads, self.tick = reads, tick


class Told:
    """A status, its headers as ASGI has them and as they are sent (`lines`, each with its end), and a body."""

    __slots__ = ("body", "headers", "lines", "status")

    def __init__(self, status: int, headers: tuple[Header, ...], body: bytes) -> None:
        self.status, self.body = status, body
        self.headers = (*(pair for pair in headers if pair[0] != b"vary"), *HIT_MARKS, *_OF_THE_LAYERS)
        self.lines = header_lines(self.headers)


Found = tuple[Told, tuple[Header, ...]]
"""A kept answer, and the headers that this request's answer has beside it."""


class FromMemory:
    """Answers what was asked before in the same bytes; see the module. `admits` looks at the headers as the guards do.

    A server that can write an answer itself asks `look` alone, and spares the way through ASGI (see api/connection.py).
    `spend` takes a read from the client's allowance at a moment and answers the headers that say what is left, or None
    where nothing is. `line` counts the request and logs it. Every tenth of a microsecond counts here.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        cache: AnswerCache,
        admits: Callable[[dict[bytes, bytes]], bool],
        spend: Callable[[Any, float], tuple[Header, ...] | None],
        line: Callable[[Note], None],
    ) -> None:
        self.app = app
        self._cache = cache
        self._shortcut = cache.answers.memory.shortcut
        self._traffic = cache.answers.traffic
        self._certain = cache.freshness.is_certain
        self._compression = cache.compression
        self._admits = admits
        self._spend = spend
        self._line = line
        self._names = secrets.token_hex(4).encode(), count(1)

    def look(self, target: bytes, headers: dict[bytes, bytes], client: tuple[str, int] | None) -> Found | None:
        """The answer to a GET of `target` (path and query as they were sent), counted and in the log; None: ask on."""
        if not self._certain():
            return None
        began = time.perf_counter_ns()
        coding = headers.get(b"accept-encoding", IDENTITY) if self._compression else IDENTITY
        found = self._shortcut((target, coding))
        if found is None or b"origin" in headers or b"x-request-id" in headers or not self._admits(headers):
            return None
        ready: Ready = found[1]
        if ready.reads.clock and self._cache.tick(ready.reads) != ready.tick:
            return None
        allowance = self._spend(client, time.time())
        if allowance is None:
            return None
        self._traffic.hits += 1
        prefix, numbers = self._names
        name = b"%b%08x" % (prefix, next(numbers))
        asked = headers.get(b"if-none-match")
        told = ready.unchanged if asked is not None and is_unchanged(asked, ready.etag) else ready.found
        self._line((ready.reads.path, name, told.status, len(told.body), began, time.perf_counter_ns()))
        return told, ((b"x-request-id", name), *allowance)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        found = None
        if scope["type"] == "http" and scope["method"] == "GET":
            found = self.look(target_of(scope), dict(scope["headers"]), scope["client"])
        if found is None:
            return await self.app(scope, receive, send)
        told, own = found
        await send({"type": "http.response.start", "status": told.status, "headers": [*told.headers, *own]})
        await send({"type": "http.response.body", "body": told.body})
        return None


def target_of(scope: Scope) -> bytes:
    """What was asked for, as it was sent."""
    path: bytes = scope["raw_path"]
    return b"%b?%b" % (path, scope["query_string"]) if scope["query_string"] else path
