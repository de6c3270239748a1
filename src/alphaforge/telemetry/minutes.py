"""What is kept of each minute, for a day: enough to hold the service against its targets, and no more."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import Labels, Snapshot

MINUTE = 60
KEPT_MINUTES = 24 * 60

CACHED, UNCACHED, QUERY, GENERATION_PEAK, OANDA = "cached", "uncached", "query", "generation_peak", "oanda"
HITS, ASKED, REQUESTS, SHED, ERRORS = "hits", "asked", "requests", "shed", "errors"
CONCURRENT, CONNECTIONS = "concurrent", "connections"

PLAN_ENDPOINTS: Mapping[str, str] = {
    "/api/signals": "GET",
    "/api/signals/enhanced/generate": "POST",
    "/api/journal/statistics": "GET",
    "/api/stats": "GET",
}
"""What the plan names one by one: the route, and the method that is meant."""


@dataclass(slots=True)
class Minute:
    """One minute of one process. `at`: its start, epoch seconds, a multiple of 60.

    `spreads`: times in seconds of answers from memory, of reads made anew, of statements, of requests to OANDA; bytes
    of generation's peaks; and of each endpoint that the plan names, by its path, one for answers from memory
    (`PATH cached`) and one for all others (`PATH`). `counts`: kept answers given and asked for, requests, those
    refused for want of room (503), those that failed (500 and above but 503); of each endpoint `PATH errors`, 503
    included. `peaks`: the most requests under way at once, and the most connections open.
    """

    at: int
    spreads: dict[str, Distribution] = field(default_factory=dict)
    counts: dict[str, float] = field(default_factory=dict)
    peaks: dict[str, float] = field(default_factory=dict)

    def merge(self, other: "Minute") -> None:
        """Take in another process's same minute, or another minute; peaks of several processes add up at the worst."""
        for name, spread in other.spreads.items():
            if name in self.spreads:
                self.spreads[name].merge(spread)
            else:
                self.spreads[name] = spread.copy()
        for name, count in other.counts.items():
            self.counts[name] = self.counts.get(name, 0) + count
        for name, peak in other.peaks.items():
            mine = self.peaks.get(name, 0)
            self.peaks[name] = mine + peak if other.at == self.at else max(mine, peak)


def by_minute(minutes: Iterable[Minute]) -> list[Minute]:
    """Those of all processes, each minute made one, oldest first. None of what is given is changed."""
    found: dict[int, Minute] = {}
    for one in minutes:
        found.setdefault(one.at, Minute(one.at)).merge(one)
    return [found[at] for at in sorted(found)]


def cached_name(path: str) -> str:
    """The spread of an endpoint's answers from memory."""
    return f"{path} cached"


def errors_name(path: str) -> str:
    """The count of an endpoint's answers of 500 and above."""
    return f"{path} errors"


def minute_of(now: Snapshot, before: Snapshot | None, peaks: Mapping[str, float], at: int) -> Minute:
    """What happened between two snapshots of a process; all that it has counted where there was none `before`.

    Counts and sums are exact. A spread's largest value is exact where it is the largest since the start, else within
    1.1 %. `peaks` are what the process watched meanwhile; `at` is the minute's start, epoch seconds.
    """
    minute = Minute(at, peaks=dict(peaks))
    for labels, spread in _differences("alphaforge_request_seconds", now, before):
        _take_requests(minute, _Asked(*labels), spread)
    for family, name in _WHOLE_FAMILIES:
        for _, spread in _differences(family, now, before):
            _take(minute, name, spread)
    return minute


_WHOLE_FAMILIES = (
    ("alphaforge_query_seconds", QUERY),
    ("alphaforge_generation_peak_bytes", GENERATION_PEAK),
    ("alphaforge_oanda_request_seconds", OANDA),
)


class _Asked(NamedTuple):
    """The labels of `request_seconds`."""

    method: str
    route: str
    status: str
    cache: str


_KEPT = "hit"
_COULD_BE_KEPT = frozenset({_KEPT, "miss", "bypass"})
_GIVEN = frozenset({"200", "304"})
_READY = "/health/ready"
_NO_ROOM, _FAILED = "503", "5"


def _differences(family: str, now: Snapshot, before: Snapshot | None) -> Iterator[tuple[Labels, Distribution]]:
    """What was counted since, by labels; nothing for labels under which nothing was."""
    gone = before.values.get(family, {}) if before is not None and before.process == now.process else {}
    for labels, spread in now.values.get(family, {}).items():
        if not isinstance(spread, Distribution):
            continue
        earlier = gone.get(labels)
        since = spread.since(earlier) if isinstance(earlier, Distribution) else spread
        if not since.count:
            continue
        if isinstance(earlier, Distribution) and spread.largest <= earlier.largest:
            since.largest = since.quantile(1.0) or 0.0  # the largest of all came before
        yield labels, since


def _take_requests(minute: Minute, asked: _Asked, spread: Distribution) -> None:
    """Take in the requests of one combination of labels."""
    kept, could_be_kept = asked.cache == _KEPT, asked.cache in _COULD_BE_KEPT
    _count(minute, REQUESTS, spread)
    if kept or (could_be_kept and asked.status in _GIVEN):
        _count(minute, ASKED, spread)
    if kept:
        _count(minute, HITS, spread)
        _take(minute, CACHED, spread)
    elif could_be_kept and asked.method == "GET":
        _take(minute, UNCACHED, spread)
    failed = asked.status.startswith(_FAILED)
    if failed and asked.route != _READY:  # that one tells by its status what it was asked
        _count(minute, SHED if asked.status == _NO_ROOM else ERRORS, spread)
    if PLAN_ENDPOINTS.get(asked.route) == asked.method:
        _take(minute, cached_name(asked.route) if kept else asked.route, spread)
        if failed:
            _count(minute, errors_name(asked.route), spread)


def _count(minute: Minute, name: str, spread: Distribution) -> None:
    minute.counts[name] = minute.counts.get(name, 0) + spread.count


def _take(minute: Minute, name: str, spread: Distribution) -> None:
    if name in minute.spreads:
        minute.spreads[name].merge(spread)
    else:
        minute.spreads[name] = spread.copy()
