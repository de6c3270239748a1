"""What took long lately, for whoever asks why."""

from collections import deque
from dataclasses import dataclass
from typing import Literal

MOST = 100


@dataclass(frozen=True, slots=True)
class Slow:
    """One slow thing: when it ended (epoch seconds), what it was, how long it took.

    `name`: method and route's pattern of a request, the method of a query. `status` of a request; `trace` where one was
    recorded; `detail` never has values that a client sent.
    """

    at: float
    kind: Literal["request", "query"]
    name: str
    seconds: float
    status: int | None = None
    trace: str | None = None
    detail: str = ""


class SlowLog:
    """The newest of them, oldest first; what is older makes room."""

    def __init__(self) -> None:
        self.entries: deque[Slow] = deque(maxlen=MOST)

    def add(self, slow: Slow) -> None:
        """It has just ended."""
        self.entries.append(slow)
