"""A client's connection, as uvicorn has it: answered from memory where that can be, watched, and bounded.

What is kept is written as soon as the head of its question is read. uvicorn's way to an application and back (a scope,
a task, an event, two messages, a look at every header) costs several times the answer. Whatever is not the plain
question that nearly all are takes that way: the application answers all of them, this only some.
"""

from collections.abc import Callable
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from alphaforge.api.header_lines import header_lines

LONGEST_HEAD = 65_536
_TOO_LONG = b"HTTP/1.1 431 Request Header Fields Too Large\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
_NOT_PLAIN = frozenset({b"content-length", b"transfer-encoding", b"expect", b"upgrade"})
_SMALL = 65_536
"""Bytes of a body that are copied behind its head rather than handed over beside it."""

_STATUS_LINES = {status: f"HTTP/1.1 {status} {HTTPStatus(status).phrase}\r\n".encode() for status in (200, 304)}


class Connection(HttpToolsProtocol):
    """See the module. `api/patience.py` looks at it, and the heads of its questions are of bounded length."""

    taken = 0
    is_parting = False
    """Whether the next answer is the last one here: the client is told to connect anew."""

    _answered = 0
    _head: object = None
    _head_length = 0
    _defaults: tuple[list[tuple[bytes, bytes]], bytes] = ([], b"")

    def __init__(self, *given: Any, **named: Any) -> None:  # noqa: ANN401 - uvicorn's own
        super().__init__(*given, **named)
        self._look: Callable[..., Any] | None = getattr(self.app, "look", None)

    def data_received(self, data: bytes) -> None:
        """What the client sent; a head that never ends is refused."""
        super().data_received(data)
        if not self.has_begun:
            return
        if self._head is not self.scope:  # begun within this data, which may have ended a body
            self._head, self._head_length = self.scope, 0
        else:
            self._head_length += len(data)
        if self._head_length > LONGEST_HEAD and not self.transport.is_closing():
            self.say(_TOO_LONG)

    def on_headers_complete(self) -> None:
        """The head of a question is here."""
        if self._look is None or self.is_parting or not self._answer_from_memory(self._look):
            super().on_headers_complete()
            if self.is_parting:
                self.cycle.keep_alive = False

    def on_message_complete(self) -> None:
        """The whole question is here."""
        if self.scope is not None:  # else it is answered
            super().on_message_complete()

    def _answer_from_memory(self, look: Callable[..., Any]) -> bool:
        """Whether the question whose head is here was answered."""
        parser, before = self.parser, self.cycle
        if parser.get_method() != b"GET" or parser.get_http_version() != "1.1" or not parser.should_keep_alive():
            return False
        if (before is not None and not before.response_complete) or self.flow.write_paused:
            return False  # answers come in the order of their questions, and wait for whoever reads slowly
        headers = dict(self.headers)
        if not _NOT_PLAIN.isdisjoint(headers) or self.transport.is_closing():
            return False
        found = look(self.url, headers, self.client)
        if found is None:
            return False
        told, own = found
        lines = [_STATUS_LINES[told.status], self._default_lines(), told.lines, header_lines(own), b"\r\n"]
        if len(told.body) <= _SMALL:
            lines.append(told.body)
            self.transport.write(b"".join(lines))
        else:
            self.transport.write(b"".join(lines))
            self.transport.write(told.body)
        self._answered += 1
        self.scope = None  # type: ignore[assignment]  # as before the first question
        self.server_state.total_requests += 1
        self._unset_keepalive_if_required()
        self.timeout_keep_alive_task = self.loop.call_later(self.timeout_keep_alive, self.timeout_keep_alive_handler)
        return True

    def _default_lines(self) -> bytes:
        """The headers that uvicorn adds itself (`date`), which it makes anew every second."""
        defaults, lines = self._defaults
        if defaults is not self.server_state.default_headers:
            defaults = self.server_state.default_headers
            lines = header_lines(defaults)
            type(self)._defaults = defaults, lines  # noqa: SLF001 - its own
        return lines

    def resume_writing(self) -> None:
        """The client took what waited for it."""
        self.taken += 1
        super().resume_writing()

    @property
    def question(self) -> object | None:
        """See api/patience.py, also for the others."""
        return self.cycle, self._answered

    @property
    def has_begun(self) -> bool:
        """Whether a part of a head is here."""
        return self.scope is not None and (self.cycle is None or self.cycle.scope is not self.scope)

    @property
    def is_asking(self) -> bool:
        """Whether a head is awaited or under way."""
        is_answered = self.cycle is None or self.cycle.response_complete
        return is_answered and (self.timeout_keep_alive_task is None or self.has_begun)

    @property
    def is_stuck(self) -> bool:
        """Whether an answer waits for the client to take some of it."""
        return self.flow.write_paused or self.transport.is_closing()

    def say(self, words: bytes) -> None:
        """Send `words` and close."""
        self.transport.write(words)
        self.transport.close()

    def abort(self) -> None:
        """Close at once."""
        self.transport.abort()
