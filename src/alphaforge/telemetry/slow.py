"""What took too long lately: requests and statements, with the trace that they belong to."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

KEPT = 200


@dataclass(frozen=True, slots=True)
class Slow:
    """Something that took `seconds` and ended `at` (epoch seconds).

    `kind`: "request" or "query". `name`: a request's method and route, a statement's asker. `status`: a request's.
    `trace`: the id of its trace, where it has one. `detail`: a statement's text, never its parameters.
    """

    at: float
    kind: Literal["request", "query"]
    name: str
    seconds: float
    status: int | None = None
    trace: str | None = None
    detail: str = ""


class SlowLog:
    """Remembers the newest, `KEPT` at most."""

    def __init__(self, kept: int = KEPT) -> None:
        self._kept: deque[Slow] = deque(maxlen=kept)

    def add(self, slow: Slow) -> None:
        """Remember it; the oldest makes room."""
        self._kept.append(slow)

    def newest(self) -> list[Slow]:
        """What is remembered, the newest first."""
        return list(reversed(self._kept))
