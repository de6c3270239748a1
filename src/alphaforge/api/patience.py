"""Clients that neither ask nor read: how long their connections are kept.

A server that waits for the rest of a question, or for somebody to take an answer, gives up a connection, its buffers
and what lies behind them. Looking at all connections now and then costs the requests nothing.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

_TOO_SLOW = b"HTTP/1.1 408 Request Timeout\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Patience:
    """In seconds: for the head of a request, for a client that takes none of its answer, and between two looks."""

    head: float = 30.0
    reading: float = 60.0
    look: float = 1.0


class Connection(Protocol):
    """What a server knows of a connection."""

    @property
    def question(self) -> object | None:
        """The last whole question, whatever became of it; None before the first one."""
        ...

    @property
    def is_asking(self) -> bool:
        """Whether the head of a question, or the rest of an answered one, is awaited or under way."""
        ...

    @property
    def has_begun(self) -> bool:
        """Whether a part of the head is here."""
        ...

    @property
    def is_stuck(self) -> bool:
        """Whether an answer waits for the client to take some of it."""
        ...

    @property
    def taken(self) -> int:
        """Changes whenever the client took some."""
        ...

    def say(self, words: bytes) -> None:
        """Send `words` and close."""
        ...

    def abort(self) -> None:
        """Close at once, whatever is left to send."""
        ...


class Watch:
    """Closes what waited too long; `look` is to be called now and then."""

    def __init__(self, patience: Patience) -> None:
        self._patience = patience
        self._since: dict[Connection, tuple[tuple[bool, object], float]] = {}

    def look(self, connections: Iterable[Connection], now: float) -> int:
        """Close the connections that have waited for the same thing for too long, by `now` of any clock; how many."""
        since: dict[Connection, tuple[tuple[bool, object], float]] = {}
        closed = 0
        for one in connections:
            if one.is_stuck:
                awaited: tuple[bool, object] = True, one.taken
                patience = self._patience.reading
            elif one.is_asking:
                awaited = False, one.question
                patience = self._patience.head
            else:
                continue
            before = self._since.get(one)
            began = before[1] if before is not None and before[0] == awaited else now
            if now - began < patience:
                since[one] = awaited, began
                continue
            closed += 1
            _close(one)
        self._since = since
        return closed


def _close(one: Connection) -> None:
    if one.is_stuck:
        one.abort()
    else:
        one.say(_TOO_SLOW if one.has_begun else b"")
