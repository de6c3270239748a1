"""Answering from memory: a hit costs a lookup and a send, a miss is made once for all who ask.

`FromMemory` (see `from_memory`) stands before everything else and knows only what was asked before in the very same
bytes; it lets all else pass. `Remembering` stands next to the routers, behind the key and the limits: it makes, keeps
and compresses.
"""

import asyncio
import time
from urllib.parse import parse_qsl, urlencode

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.answer_cache import AnswerCache
from alphaforge.api.kept_answer import IDENTITY, Header, KeptAnswer, Variant, is_unchanged
from alphaforge.api.middleware.from_memory import HIT_MARKS, Ready, target_of
from alphaforge.api.reads import Reads, reads_of
from alphaforge.cache import generations
from alphaforge.cache.memory import Slot

_LONGEST_QUESTION = 2_000
_MISS, _BYPASS = b"miss", b"bypass"
_OF_ITS_OWN = frozenset({b"content-length", b"date", b"server", b"x-request-id", b"vary", b"cache-control"})
"""Headers that are made anew with each answer."""

_OURS_TO_READ = (b"accept-encoding", b"if-none-match")


class Remembering:
    """Answers from memory, or makes the answer, keeps it, and leaves a shortcut for `FromMemory`."""

    def __init__(self, app: ASGIApp, *, cache: AnswerCache) -> None:
        self.app = app
        self._cache = cache

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        reads = reads_of(scope["path"]) if scope["type"] == "http" and scope["method"] == "GET" else None
        if reads is not None:
            scope["alphaforge.cache"] = "bypass"  # for the count of requests, until it is known better
        if reads is None or len(scope["path"]) + len(scope["query_string"]) > _LONGEST_QUESTION:
            await self._pass_by(scope, receive, send)
            return
        scope["route"] = reads  # the log's line names the route by its `path`
        began = time.perf_counter()
        making = _Making(self.app, scope)
        slot, was_there, tick = await self._slot(scope, reads, making)
        if slot is None:
            await making.send_on(send)
            return
        headers = dict(scope["headers"])
        accepted = headers.get(b"accept-encoding", IDENTITY)
        variant, grown = slot.value.variant(self._cache.coding(accepted))
        memory = self._cache.answers.memory
        if grown:
            memory.grown(slot, grown)
        if slot.key is not None:  # nothing leads to what is not kept
            target = target_of(scope), accepted if self._cache.compression else IDENTITY
            memory.lead(target, slot, Ready(variant, reads, tick))
        marks = HIT_MARKS if was_there else _made(time.perf_counter() - began, kept=slot.key is not None)
        scope["alphaforge.cache"] = marks[0][1].decode()
        await _send(send, variant, headers.get(b"if-none-match"), marks)

    async def _slot(self, scope: Scope, reads: Reads, making: "_Making") -> tuple[Slot[KeptAnswer] | None, bool, int]:
        cache, tick = self._cache, self._cache.tick(reads)
        versions = cache.answers.generations.scope(reads.nouns)
        if not cache.enabled or not (cache.freshness.is_certain() or await cache.freshness.ascertain()):
            cache.answers.traffic.bypassed += 1
            made = await making.answer()
            return (None if made is None else _loose(made, versions)), False, tick
        key = scope["path"], _normal(scope["query_string"]), tick
        try:
            slot, was_there = await cache.answers.get(key, versions, making.answer_for_all)
        except _NotNow as shed:
            making.repeat(shed)
            return None, False, tick
        if slot is None and not making.is_made:  # another's question failed; this one may fare better
            made = await making.answer()
            slot = None if made is None else _loose(made, versions)
        return slot, was_there, tick

    async def _pass_by(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def mark(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"x-cache", _BYPASS)]
            await send(message)

        await self.app(scope, receive, mark if scope["type"] == "http" else send)


def _loose(made: KeptAnswer, versions: generations.Scope) -> Slot[KeptAnswer]:
    """An answer that is kept nowhere."""
    return Slot(None, made, versions, (), 0.0, 0)


def _normal(query: bytes) -> str:
    """One spelling for a query's parameters, whatever their order."""
    if not query:
        return ""
    text = query.decode("latin-1")
    return urlencode(sorted(parse_qsl(text, keep_blank_values=True), key=lambda pair: pair[0]))


def _made(seconds: float, *, kept: bool) -> tuple[Header, ...]:
    took = f"app;dur={seconds * 1000:.2f}".encode()
    return (b"x-cache", _MISS if kept else _BYPASS), (b"server-timing", took)


async def _send(send: Send, variant: Variant, if_none_match: bytes | None, marks: tuple[Header, ...]) -> None:
    if if_none_match is not None and is_unchanged(if_none_match, variant.etag):
        status, headers, body = 304, variant.unchanged, b""
    else:
        status, headers, body = 200, variant.headers, variant.body
    await send({"type": "http.response.start", "status": status, "headers": [*headers, *marks]})
    await send({"type": "http.response.body", "body": body})


class _NotNow(Exception):
    """The routers cannot answer at present: a word for all who waited, as each would wait as long for the same one."""

    def __init__(self, messages: list[Message]) -> None:
        super().__init__("503")
        self.messages = messages


class _Making:
    """One request to the routers, its answer held back until it is whole."""

    def __init__(self, app: ASGIApp, scope: Scope) -> None:
        self._app = app
        self._scope = scope
        self._messages: list[Message] = []
        self._was_read = False

    @property
    def is_made(self) -> bool:
        """Whether the routers were asked."""
        return bool(self._messages)

    async def answer(self) -> KeptAnswer | None:
        """Ask the routers; what they say is worth keeping where it is a 200."""
        kept = [pair for pair in self._scope["headers"] if pair[0] not in _OURS_TO_READ]
        await self._app({**self._scope, "headers": kept}, self._no_body, self._hold)
        start, *rest = self._messages
        if start["status"] != 200:  # noqa: PLR2004 - OK
            return None
        headers = tuple(pair for pair in start["headers"] if pair[0] not in _OF_ITS_OWN)
        return KeptAnswer(b"".join(message.get("body", b"") for message in rest), headers)

    async def answer_for_all(self) -> KeptAnswer | None:
        """The same. Raises _NotNow where the routers shed the question."""
        made = await self.answer()
        if made is None and self._messages[0]["status"] == 503:  # noqa: PLR2004 - service unavailable
            raise _NotNow(self._messages)
        return made

    def repeat(self, shed: _NotNow) -> None:
        """Say what was said to whoever asked first; the body goes on naming his request, under which the log has it."""
        self._messages = [dict(message) for message in shed.messages]

    async def _no_body(self) -> Message:
        """The question has no body, and nobody goes away who waits for this answer alone."""
        if self._was_read:
            await asyncio.Event().wait()
        self._was_read = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def _hold(self, message: Message) -> None:
        self._messages.append(message)

    async def send_on(self, send: Send) -> None:
        """Give what the routers said as it is."""
        for message in self._messages:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], (b"x-cache", _BYPASS)]
            await send(message)
