"""What an alert is, and what the job that brings it to a channel keeps of it."""

from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any


class Kind(StrEnum):
    """What alerts tell of: a signal, its outcome, prices, OANDA's token, background work, another channel."""

    SIGNAL = "signal"
    OUTCOME = "outcome"
    FEED = "feed"
    TOKEN = "token"  # noqa: S105 - the word, not one
    TASK = "task"
    CHANNEL = "channel"


@dataclass(frozen=True, slots=True)
class Alert:
    """One thing to tell. `key` names it among all; `at` in epoch seconds; the rest where it is known.

    `trace`: in which it came about, as W3C's `traceparent` has it.
    """

    key: str
    kind: Kind
    at: float
    title: str
    body: str
    instrument: str | None = None
    confidence: float | None = None
    signal_id: int | None = None
    trace: str | None = None


class Why(StrEnum):
    """Why alerts were gathered into one message."""

    QUIET = "quiet"
    MANY = "many"


@dataclass(frozen=True, slots=True)
class Queued:
    """What one message to one channel is made of: one alert, or with `why` the `lines` of several.

    `channel`: its key; `name`: as people know it. `count`: how many alerts it tells of; `lines` has the first ones.
    """

    channel: str
    name: str
    kind: str
    at: float
    title: str
    body: str
    instrument: str | None = None
    signal_id: int | None = None
    why: str | None = None
    count: int = 1
    lines: list[str] = field(default_factory=list)

    def payload(self) -> dict[str, Any]:
        """As JSON has it."""
        return asdict(self)
