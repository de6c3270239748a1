"""What went over the wire, counted and timed."""

import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum

import httpx2

from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import (
    AccessDenied,
    MalformedAnswer,
    MarketError,
    MarketUnavailable,
    RateLimited,
    RequestRejected,
    TokenRejected,
)


class Asked(StrEnum):
    """What can be asked of OANDA; connections are opened by a question whose answer nobody wants."""

    CANDLES = "candles"
    PRICES = "prices"
    STREAM = "stream"
    ACCOUNTS = "accounts"
    ACCOUNT = "account"
    INSTRUMENTS = "instruments"
    CONNECTIONS = "connections"


class Outcome(StrEnum):
    """How a request can end. `UNANSWERED`: whoever asked went away, or gave it up for want of time."""

    OK = "ok"
    TOKEN_REJECTED = "token_rejected"  # noqa: S105 - no token
    RATE_LIMITED = "rate_limited"
    REFUSED = "refused"
    UNAVAILABLE = "unavailable"
    GARBLED = "garbled"
    TRANSPORT = "transport"
    UNANSWERED = "unanswered"

    @classmethod
    def of(cls, error: BaseException) -> "Outcome":
        """What an error within a request made of it."""
        return next((outcome for kinds, outcome in _OUTCOMES if isinstance(error, kinds)), cls.UNANSWERED)


_OUTCOMES: tuple[tuple[tuple[type[BaseException], ...], Outcome], ...] = (
    ((TokenRejected,), Outcome.TOKEN_REJECTED),
    ((RateLimited,), Outcome.RATE_LIMITED),
    ((AccessDenied, RequestRejected), Outcome.REFUSED),
    ((MarketUnavailable,), Outcome.UNAVAILABLE),
    ((MalformedAnswer,), Outcome.GARBLED),
    ((httpx2.TransportError, httpx2.DecodingError), Outcome.TRANSPORT),
)


@dataclass(slots=True)
class Timing:
    """A request under way. `elapsed`: seconds until it was answered, without the reading of what was answered."""

    began: float
    elapsed: float | None = None

    def answered(self) -> float:
        """The answer is there; in how many seconds."""
        self.elapsed = time.monotonic() - self.began
        return self.elapsed


@dataclass(slots=True)
class Traffic:
    """Counts since the client was made.

    `times`: seconds of requests by what was asked and how it ended. `failures`: by class of error, attempts included.

    `last_answer` is the monotonic moment of the last good answer, `last_error` what went wrong since, empty where
    nothing did, and `refused` whether that was the token.

    `refused_prices` were NaN, crossed or otherwise no price; `stale_prices` were duplicates or out of order.
    """

    times: dict[tuple[Asked, Outcome], Distribution] = field(default_factory=lambda: defaultdict(Distribution))
    failures: Counter[str] = field(default_factory=Counter)
    requests: int = 0
    retries: int = 0
    connections: int = 0
    bytes_received: int = 0
    last_answer: float | None = None
    last_error: str = ""
    refused: bool = False
    prices: int = 0
    heartbeats: int = 0
    bad_lines: int = 0
    refused_prices: int = 0
    stale_prices: int = 0
    future_prices: int = 0

    @property
    def errors(self) -> int:
        """All failures."""
        return self.failures.total()

    def failed(self, error: MarketError) -> None:
        """Count a failure."""
        self.failures[type(error).__name__] += 1

    @contextmanager
    def request(self, asked: Asked) -> Iterator[Timing]:
        """Count and time a request: what the block raises says how it ended."""
        self.requests += 1
        timing, outcome = Timing(time.monotonic()), Outcome.OK
        try:
            yield timing
        except BaseException as error:
            outcome = Outcome.of(error)
            raise
        finally:
            self.times[asked, outcome].add(timing.answered() if timing.elapsed is None else timing.elapsed)
