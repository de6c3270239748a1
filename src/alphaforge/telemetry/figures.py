"""What is measured: every figure by its name, what it means, and how those of several processes make one.

The rooms count for themselves, in plain numbers and distributions; `measuring` in the wiring reads them all into a
`Snapshot`. What is not named here is not measured, and no label has more values than the program itself: see
`Family.labels`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from alphaforge.core.distribution import Distribution

Labels = tuple[str, ...]
Value = float | Distribution
Values = dict[Labels, Value]
Own = TypeVar("Own", bound=str | tuple[str, str])
"""What a room counts by: one label, or two."""


class Kind(StrEnum):
    """As Prometheus has them."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class Across(StrEnum):
    """How the values of several processes make one: their sum, the largest, each by itself under its process's name.

    `HERE`: what this process says holds for all, as where it was read from the database that they share.
    """

    SUM = "sum"
    LARGEST = "largest"
    EACH = "each"
    HERE = "here"


@dataclass(frozen=True, slots=True)
class Family:
    """A figure. A counter's name ends in `_total`; a histogram's unit is the last word of its name."""

    name: str
    kind: Kind
    text: str
    labels: tuple[str, ...] = ()
    across: Across = Across.SUM


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The figures of one process since its start, at a moment (epoch seconds), by the names of their families.

    `process` names it among all that share a database: host and number.
    """

    process: str
    at: float
    values: dict[str, Values] = field(default_factory=dict)


def _counter(name: str, text: str, *labels: str) -> Family:
    return Family(f"alphaforge_{name}_total", Kind.COUNTER, text, labels)


def _gauge(name: str, text: str, *labels: str, across: Across = Across.SUM) -> Family:
    return Family(f"alphaforge_{name}", Kind.GAUGE, text, labels, across)


def _histogram(name: str, text: str, *labels: str) -> Family:
    return Family(f"alphaforge_{name}", Kind.HISTOGRAM, text, labels)


_REQUESTS = (
    _histogram(
        "request_seconds",
        "Time from the head of a request to the end of its answer, by the route's pattern.",
        *("method", "route", "status", "cache"),
    ),
    _gauge("requests_in_flight", "Requests under way."),
    _gauge("connections_open", "Connections of clients."),
    _gauge("stream_listeners", "Clients that listen to /api/stream."),
    _counter("slow_requests", "Requests that took longer than SLOW_REQUEST_MS.", "route"),
)
_CACHE = (
    _counter("cache_answers", "Answers that can be kept, by where they came from.", "result"),
    _gauge("cache_bytes", "Bytes of kept answers."),
    _gauge("cache_entries", "Kept answers."),
    _counter("cache_evictions", "Kept answers that made room for others."),
    _counter("cache_invalidations", "Changes of what answers are made from, by table.", "noun"),
)
_DATABASE = (
    _histogram("query_seconds", "Time of a statement from asking to its rows, by who asks.", "method"),
    _counter("query_errors", "Statements and transactions that failed, by kind of error.", "error"),
    _counter("slow_queries", "Statements that took longer than SLOW_QUERY_MS.", "method"),
    _histogram("connection_wait_seconds", "Time until a connection to the database was free.", "pool"),
    _gauge("database_connections", "Connections to the database in use, and open in all.", "pool", "state"),
    _gauge("database_connections_most", "Connections to the database that may be open.", "pool"),
)
_MARKET = (
    _histogram(
        "oanda_request_seconds", "Time of a request to OANDA, by what was asked and how it ended.", "what", "outcome"
    ),
    _counter("oanda_errors", "Calls to OANDA that failed, attempts included, by kind of error.", "error"),
    _counter("oanda_retries", "Attempts after the first one of a call."),
    _counter("oanda_received_bytes", "Bytes that came from OANDA as answers."),
    _gauge("oanda_budget_left", "Requests that OANDA's limit still allows in this second.", across=Across.EACH),
    _counter("price_stream_reconnects", "Times that the price stream was opened again."),
    _gauge("price_stream_age_seconds", "Time since the price stream brought anything.", across=Across.EACH),
    _gauge("price_feed_state", "1 for how prices come at present.", "state", across=Across.EACH),
    _gauge(
        "candle_lag_seconds",
        "Time from the close of the newest candle in memory to now, where the market has been open for ten minutes.",
        "instrument",
        across=Across.LARGEST,
    ),
)
_DESK = (
    _histogram("scan_seconds", "Time of a scan, by how it ended.", "outcome"),
    _counter("evaluations", "Closed candles decided on and stored.", "instrument"),
    _counter("signals", "Signals made.", "instrument", "direction"),
    _counter("rejections", "Decisions for no signal, by the first failed filter.", "reason"),
    _histogram("generation_peak_bytes", "Resident memory at its peak during each scan."),
)
_TASKS = (
    _gauge("jobs", "Jobs that wait or run.", "kind", "status", across=Across.HERE),
    _gauge("job_oldest_seconds", "For how long the oldest due job has waited.", "kind", across=Across.HERE),
    _histogram("job_seconds", "Time of an attempt at a job, by how it ended.", "kind", "outcome"),
    _gauge("leading", "1 where this process keeps the schedule.", across=Across.EACH),
)
_PROCESS = (
    _histogram("event_loop_lag_seconds", "How late the event loop came to what was due."),
    _gauge("process_resident_bytes", "Resident memory.", across=Across.EACH),
    _counter("process_cpu_seconds", "Time on the processor."),
    _gauge("process_open_files", "Open files and connections.", across=Across.EACH),
    _gauge("process_threads", "Threads.", across=Across.EACH),
    _gauge("process_start_seconds", "When the process began, epoch seconds.", across=Across.EACH),
    _gauge("build_info", "1, with what runs.", "version", "python", "database", across=Across.EACH),
)

FAMILIES = (*_REQUESTS, *_CACHE, *_DATABASE, *_MARKET, *_DESK, *_TASKS, *_PROCESS)
BY_NAME = {family.name: family for family in FAMILIES}


def copied(spreads: Mapping[Own, Distribution]) -> Values:
    """Distributions by one label or two, as a snapshot has them: copies that count no further."""
    return {_labels(one): spread.copy() for one, spread in spreads.items()}


def counted(counts: Mapping[Own, int]) -> Values:
    """Counts by one label or two, as a snapshot has them."""
    return {_labels(one): count for one, count in counts.items()}


def _labels(one: str | tuple[str, str]) -> Labels:
    return (str(one),) if isinstance(one, str) else tuple(str(label) for label in one)
