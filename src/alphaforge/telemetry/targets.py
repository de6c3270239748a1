"""What the service promises of itself, held against what it measured: the plan's five indicators as targets.

Pure functions of the minutes of a window. Times are milliseconds, memory is megabytes of a million bytes, shares are
percent. What was not measured is None and never met.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.minutes import (
    ASKED,
    CACHED,
    CONCURRENT,
    CONNECTIONS,
    GENERATION_PEAK,
    HITS,
    QUERY,
    REQUESTS,
    SHED,
    UNCACHED,
    Minute,
)

MEAN, P50, P95, P99, PEAK, RATE = "mean", "p50", "p95", "p99", "peak", "rate"
_QUANTILES = {P50: 0.5, P95: 0.95, P99: 0.99}

MILLISECONDS, MEGABYTES, PERCENT, CLIENTS = "ms", "MB", "percent", "clients"
_IN_UNIT = {MILLISECONDS: 1e3, MEGABYTES: 1e-6}

Values = Mapping[str, float | None]


class Status(StrEnum):
    """How a target fares. `unproven`: so many clients never came, and nobody was refused."""

    MET = "met"
    MISSED = "missed"
    NO_DATA = "no_data"
    UNPROVEN = "unproven"


@dataclass(frozen=True, slots=True)
class Claim:
    """A statistic of an indicator is at most, or `at_least`, the limit, in the indicator's unit."""

    statistic: str
    limit: float
    at_least: bool = False

    def holds(self, value: float) -> bool:
        """Whether a value keeps it; the limit itself does."""
        return value >= self.limit if self.at_least else value <= self.limit


@dataclass(frozen=True, slots=True)
class Target:
    """An indicator: what it means, our claims, all of which must hold, and the plan's.

    `source` names the spread that it is read from; None where it is counted.
    """

    name: str
    means: str
    unit: str
    claims: tuple[Claim, ...]
    plan: Claim
    source: str | None = None


RESPONSE_CACHED = Target(
    "response_time_cached",
    "Time of an answer from memory, from the head of the request to the end of the answer.",
    MILLISECONDS,
    (Claim(P99, 1.0),),
    Claim(P99, 200.0),
    CACHED,
)
RESPONSE_UNCACHED = Target(
    "response_time_uncached",
    "Time of a read that could have been answered from memory and was made anew.",
    MILLISECONDS,
    (Claim(P95, 8.0),),
    Claim(P95, 200.0),
    UNCACHED,
)
QUERY_TIME = Target(
    "query_time",
    "Time of a statement to the database, from asking to its rows.",
    MILLISECONDS,
    (Claim(MEAN, 2.0), Claim(P99, 20.0)),
    Claim(MEAN, 50.0),
    QUERY,
)
GENERATION_MEMORY = Target(
    "generation_memory",
    "Resident memory of a server at its peak while it generated signals.",
    MEGABYTES,
    (Claim(PEAK, 110.0),),
    Claim(PEAK, 100.0),
    GENERATION_PEAK,
)
CACHE_HIT_RATE = Target(
    "cache_hit_rate",
    "Of the requests whose answer can be kept, those that were answered from memory.",
    PERCENT,
    (Claim(RATE, 95.0, at_least=True),),
    Claim(RATE, 70.0, at_least=True),
)
CONCURRENT_CLIENTS = Target(
    "concurrent_requests",
    "The most requests under way or connections open at once, carried without refusing any for want of room (503).",
    CLIENTS,
    (Claim(PEAK, 1_000.0, at_least=True),),
    Claim(PEAK, 50.0, at_least=True),
)
TARGETS = (RESPONSE_CACHED, RESPONSE_UNCACHED, QUERY_TIME, GENERATION_MEMORY, CACHE_HIT_RATE, CONCURRENT_CLIENTS)


@dataclass(frozen=True, slots=True)
class Indicator:
    """A target and what a window says of it: statistics of `count` values, and how our claims and the plan's fare."""

    target: Target
    values: Values
    count: int
    status: Status
    plan_status: Status

    @property
    def value(self) -> float | None:
        """The statistic of the first claim."""
        return self.values.get(self.target.claims[0].statistic)

    def status_of(self, claim: Claim) -> Status:
        """How one of several claims fares; a single one as the whole does."""
        return self.status if len(self.target.claims) == 1 else fares(claim, self.values)


def whole(minutes: Sequence[Minute]) -> Minute:
    """Several minutes, no two of them the same, as one that begins with the first."""
    made = Minute(minutes[0].at if minutes else 0)
    for one in minutes:
        made.merge(one)
    return made


def indicators(minutes: Sequence[Minute]) -> list[Indicator]:
    """The five, response time twice, over minutes as `by_minute` gives them."""
    together = whole(minutes)
    return [_measured(target, together) for target in TARGETS[:-1]] + [_carried(minutes, together)]


def statistics(spread: Distribution | None, unit: str) -> Values:
    """Mean, quantiles and largest value in a unit; all None where nothing was counted."""
    spread, factor = spread or Distribution(), _IN_UNIT[unit]
    found = {MEAN: spread.mean} | {name: spread.quantile(share) for name, share in _QUANTILES.items()}
    found[PEAK] = spread.largest if spread.count else None
    return {name: None if value is None else value * factor for name, value in found.items()}


def fares(claim: Claim, values: Values) -> Status:
    """How a claim fares against what was measured."""
    value = values.get(claim.statistic)
    if value is None:
        return Status.NO_DATA
    return Status.MET if claim.holds(value) else Status.MISSED


def _measured(target: Target, together: Minute) -> Indicator:
    if target.source is None:
        asked = together.counts.get(ASKED, 0)
        values: Values = {RATE: 100 * together.counts.get(HITS, 0) / asked if asked else None}
        count = int(asked)
    else:
        spread = together.spreads.get(target.source)
        values, count = statistics(spread, target.unit), spread.count if spread else 0
    found = {fares(claim, values) for claim in target.claims}
    status = next((worst for worst in (Status.NO_DATA, Status.MISSED) if worst in found), Status.MET)
    return Indicator(target, values, count, status, fares(target.plan, values))


def _carried(minutes: Sequence[Minute], together: Minute) -> Indicator:
    target, count = CONCURRENT_CLIENTS, int(together.counts.get(REQUESTS, 0))
    ours, plan = (_how_carried(claim, minutes, count) for claim in (target.claims[0], target.plan))
    return Indicator(target, {PEAK: max(map(_at_once, minutes)) if count else None}, count, ours, plan)


def _how_carried(claim: Claim, minutes: Sequence[Minute], count: int) -> Status:
    """Refusing is a failure only while there were fewer clients than promised; so each minute is looked at alone."""
    if not count:
        return Status.NO_DATA
    found = {(claim.holds(_at_once(one)), bool(one.counts.get(SHED))) for one in minutes}
    if (False, True) in found:
        return Status.MISSED
    return Status.MET if (True, False) in found else Status.UNPROVEN


def _at_once(minute: Minute) -> float:
    return max(minute.peaks.get(CONCURRENT, 0), minute.peaks.get(CONNECTIONS, 0))
