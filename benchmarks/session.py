"""How much of what a dashboard asks for is answered from memory?

A web client's polls over a quarter of an hour, against a market whose clock runs 45 times as fast: scans,
signals and full minutes come as often between two polls as they would. The trader writes in the journal meanwhile.
"""

import tempfile
import time
from collections import Counter
from http.client import HTTPConnection
from pathlib import Path

from benchmarks.data import filled_database
from benchmarks.report import show
from benchmarks.servers import Server, alphaforge, port_of, sandbox
from benchmarks.soak import ENTRY

SPEED = 45
MINUTES = 15
POLL = 5
"""Market seconds between two polls."""

WRITE = 300
"""Market seconds between two entries in the journal."""

MARKET = ["--speed", str(SPEED), "--from", "2025-07-08T09:00:00Z"]
POLLED = (
    *("/api/signals?limit=50", "/api/signals/active", "/api/signals/pending", "/api/signals/statistics"),
    *("/api/signals/performance", "/api/journal/statistics", "/api/journal/entries?limit=50"),
)
LIVE = ("/api/prices/live", "/api/analysis/status")
TARGET = 0.95


class Browser:
    """Asks over one connection, with the tag of what it has."""

    def __init__(self, desk: Server) -> None:
        self.marks: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.unchanged = 0
        self._connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=30)
        self._tags: dict[str, str] = {}

    def ask(self, path: str) -> None:
        """Ask, and note where the answer came from."""
        headers = {"Accept-Encoding": "gzip, deflate, br"}
        if path in self._tags:
            headers["If-None-Match"] = self._tags[path]
        self._connection.request("GET", path, headers=headers)
        answer = self._connection.getresponse()
        answer.read()
        self._tags[path] = answer.headers["ETag"] or ""
        self.unchanged += answer.status == 304
        mark = answer.headers["X-Cache"] or "none"
        self.marks[mark] += 1
        if mark == "miss":
            self.missed[path] += 1


def run() -> None:
    """Print the figures."""
    print(f"A dashboard's {MINUTES} minutes, a poll every {POLL} s, an entry every {WRITE // 60} minutes")
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), MARKET) as market:
        folder = Path(name)
        with alphaforge(folder, filled_database(), market) as desk:
            kept, live = _session(desk)
    asked = kept.marks.total()
    share = kept.marks["hit"] / asked
    show("answered from memory", f"{share:.1%} of {asked:,}", f">= {TARGET:.0%}", met=share >= TARGET)
    show("  of them unchanged (304)", f"{kept.unchanged / asked:.1%}")
    show("  made anew, each shared by all clients", str(kept.marks["miss"]))
    for path, times in kept.missed.most_common():
        show(f"    {path}", str(times))
    show("prices and status beside them, which are never kept", f"{live.marks.total():,}")


def _session(desk: Server) -> tuple[Browser, Browser]:
    kept, live = Browser(desk), Browser(desk)
    began = time.monotonic()
    for number in range(MINUTES * 60 // POLL):
        if number % (WRITE // POLL) == 7:
            desk.post("/api/journal/entries", ENTRY)
        for path in POLLED:
            kept.ask(path)
        for path in LIVE:
            live.ask(path)
        time.sleep(max(0.0, began + (number + 1) * POLL / SPEED - time.monotonic()))
    return kept, live
