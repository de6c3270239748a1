"""What a crowd saw."""

import math
from array import array
from collections import Counter
from dataclasses import dataclass, field

import msgspec

from benchmarks.report import median, percentile


class Load(msgspec.Struct, frozen=True):
    """What a crowd is to do. Each client goes through `requests` in turn, each beginning at another.

    `rate`: requests a second, due at even distances, of all clients together; None: each client asks again when it
    was answered. `warm_up`: seconds that are not counted. `at_least`: go on until there are so many
    answers, half a minute at most. `expected`: the statuses that are no error.
    """

    port: int
    requests: list[bytes]
    clients: int = 1
    seconds: float = 1.0
    warm_up: float = 0.3
    rate: float | None = None
    at_least: int = 0
    expected: tuple[int, ...] = (200, 304)
    core: int | None = None


class Seen(msgspec.Struct, frozen=True):
    """What came of it; times in seconds.

    `total`: answers with those of the warm-up and those that came late.
    `errors`: by kind. `slowest_first`: the longest that any client waited for its first answer (closed loop).
    `late`: how late the crowd itself was in asking what was due, at the 99th percentile (open loop). `busy`: which
    share of a core the crowd took; near 1 it is the crowd that was measured, but for an open one, which never rests.
    """

    answers: int
    total: int
    seconds: float
    bytes: int
    p50: float
    p99: float
    longest: float
    slowest_first: float
    busy: float
    late: float = 0.0
    errors: dict[str, int] = {}

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.answers / self.seconds


@dataclass(slots=True)
class Tally:
    """Counts what lies between the moments `start` and `end` of `time.perf_counter`."""

    expected: frozenset[int]
    start: float = math.inf
    end: float = math.inf
    total: int = 0
    slowest_first: float = 0.0
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    lateness: "array[float]" = field(default_factory=lambda: array("d"))
    errors: Counter[str] = field(default_factory=Counter)

    def answered(self, status: int, seconds: float, moment: float) -> None:
        """An answer after so many seconds; `moment` says whether it counts. An error counts whenever it comes."""
        self.total += 1
        if status not in self.expected:
            self.errors[f"status {status}"] += 1
        elif self.start <= moment < self.end:
            self.latencies.append(seconds)

    def seen(self, size: int, busy: float) -> Seen:
        """The sum. `size`: bytes received; `busy`: which share of a core the crowd itself took."""
        ordered = sorted(self.latencies) or [0.0]
        return Seen(
            answers=len(self.latencies),
            total=self.total,
            seconds=self.end - self.start,
            bytes=size,
            p50=median(ordered),
            p99=percentile(ordered, 0.99),
            longest=ordered[-1],
            slowest_first=self.slowest_first,
            busy=busy,
            late=percentile(self.lateness, 0.99) if self.lateness else 0.0,
            errors=dict(self.errors),
        )
