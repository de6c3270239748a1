"""How long requests took, how many are under way, and which were slow; every label is one of a known few."""

from collections import Counter
from collections.abc import Sequence
from http import HTTPStatus

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import Labels

OTHER, UNMATCHED, NEVER_KEPT = "other", "unmatched", "none"
_METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_STATUSES = {int(status): str(int(status)) for status in HTTPStatus}
_FAILED = str(int(HTTPStatus.INTERNAL_SERVER_ERROR))
_STEP = 32
"""Nanoseconds that count as one: below a hundredth of the quickest hit."""

_MANY = 4_096

Note = tuple[str, bytes, int, int, int, int]
"""A hit: route, request id, status, bytes, and when the request began and ended (nanoseconds of `perf_counter_ns`)."""


def known_method(method: str) -> str:
    """The method, where it is one that anybody means."""
    return method if method in _METHODS else OTHER


class RequestTimes:
    """Counts since the start of the process. Whoever counts names the route by its pattern, never by a path.

    `under_way`: requests at this moment, those from memory left out, which end as they begin.
    """

    def __init__(self) -> None:
        self.under_way = 0
        self.slow: Counter[str] = Counter()
        self._peak = 0
        self._times: dict[Labels, Distribution] = {}
        self._hits: Counter[tuple[str, int, int]] = Counter()

    def begin(self) -> None:
        """A request is here."""
        self.under_way += 1
        self._peak = max(self._peak, self.under_way)

    def end(self, method: str, route: str | None, status: int, cache: str, seconds: float) -> None:
        """One that began has ended. A status that HTTP does not know, as of no answer at all, is a failure."""
        self.under_way -= 1
        labels = known_method(method), route or UNMATCHED, _STATUSES.get(status, _FAILED), cache
        self._spread(labels).add(seconds)

    def add_hits(self, notes: Sequence[Note]) -> None:
        """These were answered from memory. They are only tallied here: a distribution takes them in when it is read."""
        self._hits.update([(route, status, (ended - began) // _STEP) for route, _, status, _, began, ended in notes])
        if len(self._hits) > _MANY:
            self._take_in()

    def take_peak(self) -> int:
        """The most that were under way at once since this was asked last."""
        peak, self._peak = self._peak, self.under_way
        return peak

    def copy(self) -> dict[Labels, Distribution]:
        """Seconds by method, route, status and cache, as they are now."""
        self._take_in()
        return {labels: spread.copy() for labels, spread in self._times.items()}

    def _take_in(self) -> None:
        hits, self._hits = self._hits, Counter()
        for (route, status, steps), times in hits.items():
            self._spread(("GET", route, _STATUSES[status], "hit")).add((steps + 0.5) * _STEP / 1e9, times)

    def _spread(self, labels: Labels) -> Distribution:
        found = self._times.get(labels)
        if found is None:
            found = self._times[labels] = Distribution()
        return found
