"""Snapshots and minutes for tests, and measurements that stand still."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import Snapshot
from alphaforge.telemetry.minutes import Minute, by_minute

Requests = Mapping[tuple[str, str, str, str], Sequence[float]]
"""Seconds of requests by method, route, status and cache."""


def spread(values: Sequence[float]) -> Distribution:
    """These values, counted."""
    made = Distribution()
    for value in values:
        made.add(value)
    return made


def snapshot(
    requests: Requests | None = None,
    *,
    queries: Mapping[str, Sequence[float]] | None = None,
    peaks: Sequence[float] = (),
    oanda: Sequence[float] = (),
    process: str = "host-1",
) -> Snapshot:
    """What a process would say that counted all this since its start."""
    return Snapshot(
        process,
        0.0,
        {
            "alphaforge_request_seconds": {labels: spread(some) for labels, some in (requests or {}).items()},
            "alphaforge_query_seconds": {(name,): spread(some) for name, some in (queries or {}).items()},
            "alphaforge_generation_peak_bytes": {(): spread(peaks)},
            "alphaforge_oanda_request_seconds": {("candles", "ok"): spread(oanda)},
            "alphaforge_requests_in_flight": {(): 3.0},
        },
    )


@dataclass
class FakeMeasurements:
    """The `given` minutes, as far as they are asked for."""

    given: list[Minute] = field(default_factory=list)
    processes: int = 1
    problem: str | None = None
    asked: list[float] = field(default_factory=list)

    async def minutes(self, since: float) -> tuple[Sequence[Minute], str | None]:
        self.asked.append(since)
        return by_minute(one for one in self.given if one.at >= since), self.problem
