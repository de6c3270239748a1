"""How much of what a dashboard asks for is answered from memory, and does the service say the same of itself?

Two clients over a quarter of an hour of a market whose clock runs 45 times as fast: a web client that opens, polls
every five seconds, and filters by something else each minute; and one as the predecessor's, which asks for whole lists
every ten seconds. Scans, signals and full minutes come as often between two polls as they would; the trader writes in
the journal and settles a signal of his own meanwhile.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from http.client import HTTPConnection
from pathlib import Path
from typing import Any

from benchmarks.data import new_database
from benchmarks.report import show
from benchmarks.servers import Server, alphaforge, port_of, sandbox
from benchmarks.soak import ENTRY

SPEED = 45
MINUTES = 15
POLL = 5
"""Market seconds between two polls of the web client."""

SLOWLY = 10
"""The same of the predecessor's."""

FILTERED = 60
"""Market seconds until the trader looks for something else."""

WRITE = 300
"""Market seconds between two entries in the journal."""

MARKET = ["--speed", str(SPEED), "--from", "2025-07-08T09:00:00Z"]
OPENED = (
    *("/api/signals?limit=50", "/api/signals/active", "/api/signals/pending", "/api/signals/statistics"),
    *("/api/signals/performance", "/api/journal/statistics", "/api/journal/entries?limit=50"),
    *("/api/analysis/history", "/api/rejections/latest", "/api/candles/GBP_USD?limit=200", "/api/signals/17"),
)
POLLED = OPENED[:7]
LIVE = ("/api/prices/live", "/api/analysis/status")
FILTERS = (
    *(
        "/api/signals?limit=50&status=WON",
        "/api/signals?limit=50&symbol=GOLD",
        "/api/journal/entries?limit=50&tag=plan",
    ),
    *(
        "/api/signals?limit=50&direction=BUY&min_confidence=80",
        "/api/journal/entries?limit=50&outcome=WIN&session=LONDON",
    ),
)
PREDECESSORS = (
    *("/signals", "/api/signals", "/api/signals/today", "/api/signals/statistics?days=7", "/api/signals/performance"),
    *("/api/signals/symbol/GOLD", "/api/signals/active", "/api/signals/pending", "/api/stats", "/api/journal"),
    *("/api/journal/statistics", "/api/journal/entries", "/api/journal/entries?skip=20&limit=5"),
    *("/api/signals/1", "/api/journal/entries/1", "/api/analysis/history"),
)
PREDECESSORS_LIVE = (
    *("/health", "/status", "/api/status", "/api/symbols", "/api/prices/live/GBPUSD", "/api/prices/live/XAU_USD"),
    *("/api/analysis/status", "/api/analysis/latest", "/api/signals/enhanced/statistics"),
)
NEVER_KEPT = frozenset({*LIVE, *PREDECESSORS_LIVE})
"""What speaks of the present."""

SIGNALS, ENTRIES = 300, 180
"""As many as the predecessor's desk had: its client asks for whole lists."""

SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
TARGET = 0.95
AGREEMENT = 0.02


class Browser:
    """Asks over one connection, with the tag of what it has."""

    def __init__(self, desk: Server) -> None:
        self.marks: Counter[str] = Counter()
        self.missed: Counter[str] = Counter()
        self.failed: Counter[str] = Counter()
        self.unchanged = 0
        self._connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=30)
        self._tags: dict[str, str] = {}

    def ask(self, *paths: str) -> None:
        """Ask, and note where the answers came from."""
        for path in paths:
            headers = {"Accept-Encoding": "gzip, deflate, br"}
            if self._tags.get(path):
                headers["If-None-Match"] = self._tags[path]
            self._connection.request("GET", path, headers=headers)
            answer = self._connection.getresponse()
            answer.read()
            self._tags[path] = answer.headers["ETag"] or ""
            self.unchanged += answer.status == 304
            mark = "never kept" if path in NEVER_KEPT else answer.headers["X-Cache"] or "none"
            self.marks[mark] += 1
            if answer.status not in {200, 304}:
                self.failed[f"{path}: {answer.status}"] += 1
            if mark not in {"hit", "never kept"}:
                self.missed[path] += 1


def run(signals: int = SIGNALS, entries: int = ENTRIES, slowly: int = SLOWLY) -> None:
    """Print the figures."""
    print(
        f"{signals:,} signals, {entries:,} entries; "
        f"{MINUTES} minutes of a web client (a poll every {POLL} s) and the predecessor's (every {slowly} s)"
    )
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), MARKET) as market:
        filled = Path(name) / "filled.db"
        new_database(filled, signals=signals, entries=entries)
        with alphaforge(Path(name), filled, market) as desk:
            before = desk.get("/api/cache/stats")
            clients = _session(desk, slowly)
            after = desk.get("/api/cache/stats")
            service = desk.get("/api/performance?window=60")
    share = _report(clients)
    hits, misses, joined = (after[what] - before[what] for what in ("hits", "misses", "joined"))
    _agrees("the service's own count (GET /api/cache/stats)", hits / (hits + misses + joined), share)
    said = _hit_rate_of(service)
    if said is None:
        show("the service's own figure (GET /api/performance)", "none")
    else:
        _agrees("the service's own figure (GET /api/performance)", said, share)


def _session(desk: Server, slowly: int) -> tuple[Browser, Browser]:
    """The web client and the predecessor's, from opening to the end."""
    web, old = Browser(desk), Browser(desk)
    began = time.monotonic()
    web.ask(*OPENED, *LIVE)
    for number in range(MINUTES * 60 // POLL):
        seconds = number * POLL
        if seconds % WRITE == 7 * POLL:
            desk.post("/api/journal/entries", ENTRY)
        if seconds == 8 * FILTERED:
            _settle_own(desk)
        web.ask(*POLLED, *LIVE, FILTERS[seconds // FILTERED % len(FILTERS)])
        if seconds % slowly == 0:
            old.ask(*PREDECESSORS, *PREDECESSORS_LIVE)
        time.sleep(max(0.0, began + (number + 1) * POLL / SPEED - time.monotonic()))
    return web, old


def _settle_own(desk: Server) -> None:
    """A signal by hand, and how it ended."""
    made = desk.post("/api/signals/create", SIGNAL)
    connection = HTTPConnection("127.0.0.1", port_of(desk), timeout=30)
    for change in ("status=ACTIVE", "status=WON&exit_price=1.314"):
        connection.request("PUT", f"/api/signals/{_id_of(made)}/status?{change}")
        answer = connection.getresponse()
        said = answer.read()
        if answer.status != 200:
            raise RuntimeError(f"The signal was not settled: {answer.status} {said[:300]!r}")
    connection.close()


def _id_of(made: dict[str, Any]) -> int:
    found = made.get("id") or made.get("signal_id") or made.get("signal", {}).get("id")
    if not isinstance(found, int):
        raise RuntimeError(f"The signal was not taken: {made}")  # noqa: TRY004 - an answer, no argument
    return found


def _report(clients: Sequence[Browser]) -> float:
    """What the clients counted; answers the share that came from memory."""
    marks = sum((one.marks for one in clients), Counter[str]())
    missed, failed = (sum((getattr(one, what) for one in clients), Counter[str]()) for what in ("missed", "failed"))
    kept = marks.total() - marks["never kept"]
    share = marks["hit"] / kept
    show(
        "answered from memory, as the clients counted",
        f"{share:.1%} of {kept:,}",
        f">= {TARGET:.0%}",
        met=share >= TARGET,
    )
    for what, one in zip(("the web client", "the predecessor's"), clients, strict=True):
        own = one.marks.total() - one.marks["never kept"]
        show(f"  {what}; of it unchanged (304)", f"{one.marks['hit'] / own:.1%}; {one.unchanged / own:.1%}")
    show("  made anew, each shared by all clients", str(kept - marks["hit"]))
    for path, times in missed.most_common():
        show(f"    {path}", str(times))
    show("asked beside them, and never kept: prices, status", f"{marks['never kept']:,}")
    show("errors", str(dict(failed) or "none"), "none", met=not failed)
    return share


def _agrees(what: str, said: float, counted: float) -> None:
    limit = f"within {AGREEMENT:.0%} of the clients'"
    show(what, f"{said:.1%}", limit, met=abs(said - counted) <= AGREEMENT * counted)


def _hit_rate_of(service: dict[str, Any]) -> float | None:
    """The hit rate as a share; None where this server does not report its targets or has no value."""
    for one in service.get("indicators", ()):
        if one["name"] == "cache_hit_rate" and one["value"] is not None:
            return float(one["value"]) / 100
    return None
