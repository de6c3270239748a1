"""What can be made to go wrong, on request and countably.

A test posts faults, and reads afterwards how often each was hit and what was asked for. A fault meets the requests
that fit its filters, after the first `after` of them, `times` times or for `seconds` real seconds or until it is
deleted, each time with `chance` by its own seeded dice.
"""

from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from random import Random
from typing import Annotated

import msgspec
from msgspec import Meta

from alphaforge.market.sandbox.clock import steady_seconds


class FaultKind(StrEnum):
    """Everything that can go wrong.

    Of any request: status (with `status`, as HTML for 500 and 502), revoked_token, latency (`delay` seconds), reset,
    stall, truncated, bad_json. Of candles: late_completion (`delay` market seconds), revised_candle (`points`, `at`),
    empty_window. Of prices: nan_price, empty_book. Of the stream: silent_stream, heartbeats_only, split_lines,
    merged_lines, duplicate_tick, out_of_order_tick, future_tick (`delay` seconds off).
    """

    STATUS = "status"
    REVOKED_TOKEN = "revoked_token"  # noqa: S105 - the name of a fault
    LATENCY = "latency"
    RESET = "reset"
    STALL = "stall"
    TRUNCATED = "truncated"
    BAD_JSON = "bad_json"
    LATE_COMPLETION = "late_completion"
    REVISED_CANDLE = "revised_candle"
    EMPTY_WINDOW = "empty_window"
    NAN_PRICE = "nan_price"
    EMPTY_BOOK = "empty_book"
    SILENT_STREAM = "silent_stream"
    HEARTBEATS_ONLY = "heartbeats_only"
    SPLIT_LINES = "split_lines"
    MERGED_LINES = "merged_lines"
    DUPLICATE_TICK = "duplicate_tick"
    OUT_OF_ORDER_TICK = "out_of_order_tick"
    FUTURE_TICK = "future_tick"


class Fault(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """A fault as it is posted. `path`: part of the request's path. `instrument`: one that the request is about."""

    kind: FaultKind
    times: Annotated[int, Meta(ge=1)] | None = None
    seconds: Annotated[float, Meta(gt=0)] | None = None
    path: str = ""
    instrument: str = ""
    after: Annotated[int, Meta(ge=0)] = 0
    chance: Annotated[float, Meta(gt=0, le=1)] = 1.0
    seed: int = 0
    status: Annotated[int, Meta(ge=400, le=599)] = 503
    html: bool | None = None
    delay: Annotated[float, Meta(ge=0)] = 45.0
    points: int = 5
    at: int | None = None


@dataclass(frozen=True, slots=True)
class Visit:
    """What a request is about, as far as faults and counters care."""

    kind: str
    path: str
    instruments: frozenset[str]


@dataclass(slots=True)
class _Armed:
    """A fault at work."""

    fault: Fault
    until: float
    dice: Random
    seen: int = 0
    hits: int = 0

    def meets(self, visit: Visit) -> bool:
        """Whether the filters fit."""
        return self.fault.path in visit.path and (
            not self.fault.instrument or self.fault.instrument in visit.instruments
        )


@dataclass(slots=True)
class Faults:
    """The faults at work, and counters of all that was asked. `now`: real seconds, as of `steady_seconds`."""

    now: Callable[[], float] = steady_seconds
    requests: Counter[str] = field(default_factory=Counter)
    paths: Counter[str] = field(default_factory=Counter)
    connections: int = 0
    streams: int = 0
    _armed: list[_Armed] = field(default_factory=list)

    def post(self, faults: Sequence[Fault]) -> None:
        """Put faults to work, after those that are."""
        for fault in faults:
            until = float("inf") if fault.seconds is None else self.now() + fault.seconds
            self._armed.append(_Armed(fault, until, Random(fault.seed)))  # noqa: S311 - tests want the same dice

    def clear(self) -> None:
        """End all faults and forget all counts but that of open streams."""
        self._armed.clear()
        self.requests.clear()
        self.paths.clear()
        self.connections = 0

    def count(self, visit: Visit, *, new_connection: bool) -> None:
        """Count a request."""
        self.requests[visit.kind] += 1
        self.paths[visit.path] += 1
        self.connections += new_connection

    def take(self, visit: Visit, kinds: Collection[FaultKind]) -> Fault | None:
        """The first fault of these kinds that strikes now; it is counted as a hit."""
        for armed in self._armed:
            if armed.fault.kind in kinds and armed.meets(visit) and self._strikes(armed):
                return armed.fault
        return None

    def holds(self, fault: Fault) -> bool:
        """Whether a fault that struck is still there: neither deleted nor past its seconds."""
        return any(armed.fault is fault and self.now() < armed.until for armed in self._armed)

    def pending(self, path: str) -> bool:
        """Whether a fault of just this path has still to strike a number of times."""
        counted = [armed for armed in self._armed if armed.fault.path == path and armed.fault.times is not None]
        return any(armed.hits < (armed.fault.times or 0) for armed in counted)

    def report(self) -> dict[str, object]:
        """The counters, and each fault with its hits, for JSON."""
        return {
            "faults": [
                {**msgspec.to_builtins(armed.fault), "seen": armed.seen, "hits": armed.hits} for armed in self._armed
            ],
            "requests": dict(self.requests),
            "paths": dict(self.paths),
            "connections": self.connections,
            "streams": self.streams,
        }

    def _strikes(self, armed: _Armed) -> bool:
        fault = armed.fault
        if self.now() >= armed.until or (fault.times is not None and armed.hits >= fault.times):
            return False
        armed.seen += 1
        if armed.seen <= fault.after or armed.dice.random() >= fault.chance:
            return False
        armed.hits += 1
        return True
