"""What each question reads, and hence how long its answer can be kept: the one place that says so.

An answer is kept until one of its nouns changes, and while its clock stands still: with a clock of an hour it may say
`the last 30 days` and counts them from the full hour. An answer that says how old something is, or asks the
market, is made anew each time (LIVE).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

SIGNALS = "trading_signals"
JOURNAL = "journal_entries"
REJECTIONS = "rejections"
CANDLES = "candles"
JOBS = "jobs"

MINUTE = 60
HOUR = 3_600
DAY = 86_400


@dataclass(frozen=True, slots=True)
class Reads:
    """The nouns that an answer is made from, and the seconds of its clock where it depends on the time (0: not).

    `path` is the route's, filled in from the table.
    """

    nouns: tuple[str, ...] = ()
    clock: int = 0
    path: str = ""


LIVE = None
"""Never kept."""

READS: Mapping[str, Reads | None] = {
    "/api/signals": Reads((SIGNALS,)),
    "/signals": Reads((SIGNALS,)),
    "/api/signals/today": Reads((SIGNALS,), DAY),
    "/api/signals/statistics": Reads((SIGNALS,), HOUR),
    "/api/signals/performance": Reads((SIGNALS,), HOUR),
    "/api/signals/track-record": Reads((SIGNALS, JOURNAL)),
    "/api/signals/active": Reads((SIGNALS,)),
    "/api/signals/pending": Reads((SIGNALS,)),
    "/api/signals/symbol/{symbol:path}": Reads((SIGNALS,)),
    "/api/signals/{signal_id}": Reads((SIGNALS,)),
    "/api/signals/{signal_id}/explain": Reads((SIGNALS,)),
    "/api/signals/{signal_id}/verify": Reads((SIGNALS, CANDLES)),
    "/api/signals/export": LIVE,  # as long as there are rows: streamed, never held
    "/api/signals/enhanced/statistics": LIVE,  # says when it was asked
    "/api/journal": Reads((JOURNAL,)),
    "/api/journal/export": LIVE,  # streamed as well
    "/api/journal/entries": Reads((JOURNAL,)),
    "/api/journal/entries/{entry_id}": Reads((JOURNAL,)),
    "/api/journal/statistics": Reads((JOURNAL,)),
    "/api/journal/equity": Reads((JOURNAL,)),
    "/api/journal/breakdown": Reads((JOURNAL,)),
    "/api/journal/calendar": Reads((JOURNAL,)),
    "/api/stats": Reads((JOURNAL,)),
    "/api/rejections": Reads((REJECTIONS,)),
    "/api/rejections/latest": Reads((REJECTIONS,)),
    "/api/candles/{instrument:path}": Reads((CANDLES,), MINUTE),
    "/api/analysis/history": Reads((SIGNALS, REJECTIONS)),
    "/api/analysis/latest": LIVE,  # what the last scan left in memory
    "/api/analysis/status": LIVE,
    "/api/instruments": LIVE,  # says the time and whether each trades now
    "/api/instruments/{instrument:path}/explain": LIVE,  # the last scan's word, in memory
    "/api/prices/live": LIVE,  # says how old each price is
    "/api/prices/live/{symbol:path}": LIVE,
    "/api/stream": LIVE,  # never ends
    "/api/alerts": Reads((JOBS,)),
    "/api/alerts/channels": LIVE,  # the channels are this process's settings
    "/api/instruments/available": LIVE,  # what the account can trade, known after the first answer
    "/api/symbols": LIVE,  # another process may have added one a moment ago
    "/api/backtest/symbols": Reads((CANDLES,)),
    "/api/backtests": LIVE,  # as jobs: progress is told in no commit that others hear of
    "/api/backtests/compare": LIVE,  # megabytes are read for it, and none kept
    "/api/backtests/{backtest_id}": LIVE,
    "/api/backtests/{backtest_id}/report": LIVE,  # as long as a year has trades
    "/api/statistics/definitions": Reads(),
    "/api/jobs": LIVE,  # progress is told in no commit that others hear of
    "/api/jobs/{job_id}": LIVE,
    "/api/jobs/{job_id}/file": LIVE,  # streamed as well
    "/": LIVE,
    "/health": LIVE,
    "/health/live": LIVE,
    "/health/ready": LIVE,
    "/status": LIVE,
    "/api/status": LIVE,
    "/api/cache/stats": LIVE,
    "/metrics": LIVE,
    "/api/metrics": LIVE,
    "/api/performance": LIVE,  # measured up to this moment
    "/api/performance/history": LIVE,
    "/api/performance/slow": LIVE,
    "/docs": Reads(),
    "/openapi.json": Reads(),
}

_NAMED = {path: reads and replace(reads, path=path) for path, reads in READS.items()}
_PATTERNS = [
    (re.compile(re.sub(r"\{\w+:path\}", "(?:.+)", re.sub(r"\{\w+\}", "(?:[^/]+)", path))), reads)
    for path, reads in _NAMED.items()
    if "{" in path
]


def reads_of(path: str) -> Reads | None:
    """What the answer at a path reads; None where it is not kept, or where there is nothing."""
    if path in _NAMED:
        return _NAMED[path]
    return next((reads for pattern, reads in _PATTERNS if pattern.fullmatch(path)), None)
