"""What the database's work takes here: statements by who asks, waits for connections, failures, slow statements."""

import time
from collections import Counter
from collections.abc import Awaitable, Callable
from types import FrameType
from typing import TypeVar

import structlog

from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import StorageError
from alphaforge.telemetry.slow import Slow, SlowLog

log = structlog.get_logger(__name__)

T = TypeVar("T")

COMMIT = "commit"
OTHER = "other"
LONGEST_TEXT = 2_000
_OWN = "alphaforge."
_ON_BEHALF = frozenset({"alphaforge.storage.listing", "alphaforge.storage.rows"})
"""Modules that ask for others: the one who calls them is who asks."""


class QueryTimes:
    """Counted since the database was opened; times in seconds.

    `times`, `slow_queries`: by who asked, see `asker`. `errors`: by the class of our error, `other` where the driver
    complains of something that only a fault of this program can be. `waits`: for a connection, by pool.
    """

    def __init__(self, slow_seconds: float = 0.0) -> None:
        self.slow_seconds = slow_seconds
        """From when on a statement is slow; 0: none is."""
        self.times: dict[str, Distribution] = {}
        self.waits: dict[str, Distribution] = {}
        self.errors: Counter[str] = Counter()
        self.slow_queries: Counter[str] = Counter()
        self.slow = SlowLog()
        self._names: dict[tuple[str, str], str] = {}

    def asker(self, frame: FrameType) -> str:
        """Who asks, by the frame that awaits the statement: `SignalRepository.create`, `exports.newest_id`.

        There are as many of them as functions of this program that ask: nothing that comes in with a request, and no
        code that is made while it runs, can add one.
        """
        key = (frame.f_globals.get("__name__", ""), frame.f_code.co_qualname)
        if key in self._names:
            return self._names[key]
        module, qualname = key
        if module in _ON_BEHALF and frame.f_back is not None:
            return self.asker(frame.f_back)
        if not module.startswith(_OWN):
            return OTHER
        return self._names.setdefault(key, _name(module, qualname))

    async def timed(self, method: str, work: Awaitable[T], text: Callable[[], str]) -> T:
        """Wait for `work` and count how long it took, however it ends. `text`: the statement, for a slow one's line."""
        began = time.perf_counter()
        try:
            return await work
        finally:
            seconds = time.perf_counter() - began
            if method not in self.times:
                self.times[method] = Distribution()
            self.times[method].add(seconds)
            if 0 < self.slow_seconds <= seconds:
                self._was_slow(method, seconds, text())

    def waited(self, pool: str, seconds: float) -> None:
        """Somebody got a connection of a pool, or gave up, after so long."""
        self.waits.setdefault(pool, Distribution()).add(seconds)

    def failed(self, error: Exception) -> None:
        """A transaction failed by the database's fault, or by one of ours that the database found."""
        self.errors[type(error).__name__ if isinstance(error, StorageError) else OTHER] += 1

    def _was_slow(self, method: str, seconds: float, text: str) -> None:
        self.slow_queries[method] += 1
        shown = " ".join(text.split())[:LONGEST_TEXT]
        log.warning("slow_query", method=method, ms=round(seconds * 1_000, 1), statement=shown)
        self.slow.add(Slow(time.time(), "query", method, seconds, detail=shown))


def _name(module: str, qualname: str) -> str:
    """A method with its class, a function with its module; of one within another only the names that people gave."""
    parts = [part for part in qualname.split(".") if not part.startswith("<")]
    is_method = len(parts) > 1 and parts[0].lstrip("_")[:1].isupper()
    return ".".join(parts if is_method else [module.rpartition(".")[2], *parts])
