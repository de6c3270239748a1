"""How a price feed is set, and how it stands."""

from dataclasses import dataclass
from enum import StrEnum


class FeedState(StrEnum):
    """Whether prices are streamed, asked for every few seconds, or not to be had."""

    STREAMING = "streaming"
    POLLING = "polling"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class FeedSettings:
    """Seconds. The pause before the stream is opened again is `pause`, doubled each time up to `longest_pause`.

    Pauses are spread by half. `silence`: after which a stream that brings nothing is dead. `mute_after`: when one that
    brings no price of a market that trades is held against an answer, and `grace`: how long the newer price of that
    answer may be on its way. `poll_every`: between questions while there is no stream; `answer_within`: how long one
    may take. `refused_pause`: between attempts with a token that was refused. `steady_after`: how long a stream must
    have lasted for the next pause to be short again. While nothing trades: `closed_pause` between attempts and between
    questions that must be asked, `closed_look` between looks at the clock.
    """

    pause: float = 0.5
    longest_pause: float = 8.0
    silence: float = 10.0
    mute_after: float = 7.0
    grace: float = 1.0
    poll_every: float = 2.0
    answer_within: float = 5.0
    refused_pause: float = 8.0
    steady_after: float = 60.0
    closed_pause: float = 60.0
    closed_look: float = 2.0


@dataclass(frozen=True, slots=True)
class FeedStatus:
    """How the feed stands. `since`, `last_price`, `last_heartbeat` and `stale_since` are monotonic moments.

    `reason` is for people. `mute`: the stream beats, but brings no prices. `trading`: some instrument is open, and the
    broker does not say otherwise. `stale_since`: since when prices are too old in an open market; None while they are
    not, or nothing trades. `token_rejected`: the last attempt ended with that.
    """

    state: FeedState
    since: float
    reason: str
    reconnects: int
    last_price: float | None
    last_heartbeat: float | None
    mute: bool
    trading: bool
    stale_since: float | None
    token_rejected: bool
