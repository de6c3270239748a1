"""The endpoints that the plan names, one by one: how they were answered, and how fast. Times are milliseconds."""

from collections.abc import Sequence
from dataclasses import dataclass

from alphaforge.telemetry.minutes import OANDA, PLAN_ENDPOINTS, Minute, cached_name, errors_name
from alphaforge.telemetry.targets import MEAN, MILLISECONDS, P95, P99, Claim, Values, statistics, whole


@dataclass(frozen=True, slots=True)
class EndpointTarget:
    """What we promise of answers from memory (p99) and of others (p95), what the plan did, and of what all that is.

    None where there is no figure that the service alone can keep.
    """

    path: str
    cached: float | None
    uncached: float | None
    plan: float | None
    says: str


ENDPOINT_TARGETS = (
    EndpointTarget("/api/signals", 1.0, 8.0, 150.0, "500 signals"),
    EndpointTarget(
        "/api/signals/enhanced/generate",
        None,
        None,
        1_200.0,
        "three instruments in one round trip to OANDA and 15 ms; the round trip is not ours, so see OANDA's times",
    ),
    EndpointTarget("/api/journal/statistics", 0.2, 3.0, 80.0, "5,000 entries"),
    EndpointTarget("/api/stats", None, None, None, "no figure of its own"),
)


@dataclass(frozen=True, slots=True)
class Answers:
    """Times of some answers of an endpoint, and what is promised of them where anything is."""

    count: int
    values: Values
    claim: Claim | None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """An endpoint in a window. `errors`: answers of 500 and above. `from_memory` in percent, None without requests.

    `oanda_mean`: mean time of a request to OANDA in the window, where its answer waits for one.
    """

    target: EndpointTarget
    method: str
    requests: int
    errors: int
    from_memory: float | None
    cached: Answers
    uncached: Answers
    oanda_mean: float | None


def endpoints(minutes: Sequence[Minute]) -> list[Endpoint]:
    """Each of them over minutes of which no two are the same."""
    together = whole(minutes)
    return [_endpoint(target, together) for target in ENDPOINT_TARGETS]


def _endpoint(target: EndpointTarget, together: Minute) -> Endpoint:
    path, method = target.path, PLAN_ENDPOINTS[target.path]
    cached = _answers(together, cached_name(path), P99, target.cached)
    uncached = _answers(together, path, P95, target.uncached)
    requests = cached.count + uncached.count
    return Endpoint(
        target,
        method,
        requests,
        int(together.counts.get(errors_name(path), 0)),
        100 * cached.count / requests if requests and method == "GET" else None,
        cached,
        uncached,
        None if method == "GET" else statistics(together.spreads.get(OANDA), MILLISECONDS)[MEAN],
    )


def _answers(together: Minute, name: str, statistic: str, limit: float | None) -> Answers:
    spread = together.spreads.get(name)
    values, count = statistics(spread, MILLISECONDS), spread.count if spread else 0
    claim = None if limit is None else Claim(statistic, limit)
    return Answers(count, values, claim)
