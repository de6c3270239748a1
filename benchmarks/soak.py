"""Does the server stay as it is over a million requests of mixed kind?

Reads that hit, that miss after a write, that find nothing new (304), that are never kept; writes; small exports; and
clients that come and go. On demand: `python -m benchmarks soak --requests 1000000`.
"""

import json
import random
import tempfile
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load
from benchmarks.data import new_database
from benchmarks.lists import kept
from benchmarks.machine import client_core, open_files, resident, threads
from benchmarks.report import show, slope
from benchmarks.servers import Server, alphaforge, port_of

REQUESTS = 1_000_000
WARM_UP = 0.1
"""The share of the requests after which memory must stay as it is."""

CLIENTS = 50
SPELL = 5.0
"""Seconds that a crowd stays before the next one comes."""

SLOPE_TARGET = 1.0
SIGNALS, ENTRIES = 500, 200
CYCLE = 2_000
_READS = (
    *("/api/signals?limit=100", "/api/signals?limit=20&status=WON,LOST", "/api/signals?symbol=GOLD&limit=50"),
    *("/api/signals/active", "/api/signals/pending", "/api/signals/statistics", "/api/signals/performance"),
    *("/api/journal/entries?limit=50", "/api/journal/statistics", "/api/stats", "/api/symbols"),
    *("/api/signals/17", "/api/journal/entries/17", "/api/analysis/history"),
)
_LIVE = ("/health/ready", "/api/status", "/api/prices/live", "/api/instruments", "/api/analysis/latest")
_EXPORTS = ("/api/signals/export?format=csv", "/api/journal/export?format=ndjson")
_WEIGHTS = {"read": 70.0, "unchanged": 14.0, "live": 10.0, "missing": 3.0, "change": 2.5, "export": 0.3, "create": 0.2}
_EXPECTED = (200, 201, 304)


@dataclass(slots=True)
class Course:
    """What was seen after so many requests."""

    answers: int = 0
    errors: Counter[str] = field(default_factory=Counter)
    memory: list[tuple[float, float]] = field(default_factory=list)
    files: list[int] = field(default_factory=list)
    threads: list[int] = field(default_factory=list)

    def note(self, process: int) -> None:
        """Look at the server."""
        self.memory.append((self.answers / 100_000, resident(process)))
        self.files.append(open_files(process))
        self.threads.append(threads(process))


def run(requests: int = REQUESTS) -> None:
    """Print the figures."""
    print(f"{requests:,} requests of mixed kind, {CLIENTS} clients, new ones every {SPELL:.0f} s")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        new_database(folder / "filled.db", signals=SIGNALS, entries=ENTRIES)
        with alphaforge(folder, folder / "filled.db", log=False) as desk:
            _report(_course(desk, requests), requests)


def _course(desk: Server, requests: int) -> Course:
    course = Course()
    while course.answers < requests:
        asked = mixed(kept(desk, {}, "/api/symbols").etag, seed=course.answers)
        load = Load(port_of(desk), asked, CLIENTS, SPELL, 0.0, expected=_EXPECTED, core=client_core())
        seen = send(load)
        course.answers += seen.answers
        course.errors.update(seen.errors)
        course.note(desk.process.pid)
        print(f"    {course.answers:>9,} {seen.rate:>7,.0f}/s {course.memory[-1][1]:6.1f} MiB", flush=True)
    return course


def _report(course: Course, requests: int) -> None:
    steady = [point for point in course.memory if point[0] * 100_000 >= WARM_UP * requests]
    growth = slope(steady)
    show("errors", str(dict(course.errors) or "none"), "none", met=not course.errors)
    show(
        "resident memory at first, after the warm-up, at the end",
        "; ".join(f"{value:.1f}" for value in (course.memory[0][1], steady[0][1], steady[-1][1])),
    )
    show("  its slope after the warm-up", f"{growth:+.2f} MiB per 100,000", "<= 1 MiB", met=growth <= SLOPE_TARGET)
    for what, counts in (("open files", course.files), ("threads", course.threads)):
        met = counts[-1] <= max(counts[: max(1, len(counts) // 4)])
        show(f"{what} at first, at most, at the end", f"{counts[0]}; {max(counts)}; {counts[-1]}", "flat", met=met)


def mixed(etag: str, seed: int) -> list[bytes]:
    """Requests as they come, by their weights."""
    dice = random.Random(seed)
    kinds = dice.choices(list(_WEIGHTS), list(_WEIGHTS.values()), k=CYCLE)
    return [_one(dice, kind, etag) for kind in kinds]


def _one(dice: random.Random, kind: str, etag: str) -> bytes:
    coding = dice.choice(({}, {"Accept-Encoding": "gzip"}, {"Accept-Encoding": "gzip, deflate, br, zstd"}))
    if kind == "unchanged":
        return request("/api/symbols", {"If-None-Match": etag})
    if kind == "missing":
        return request(f"/api/signals?limit={dice.randrange(1, 100)}&skip={dice.randrange(400)}", coding)
    if kind == "change":
        body = json.dumps({"notes": f"read again {dice.randrange(1_000)} times"}).encode()
        return request(f"/api/journal/entries/{dice.randrange(1, ENTRIES)}", body=body, method="PUT")
    if kind == "create":
        return request("/api/journal/entries", body=json.dumps(ENTRY).encode())
    return request(dice.choice({"read": _READS, "live": _LIVE, "export": _EXPORTS}[kind]), coding)


ENTRY = {
    "openTime": "2025-11-20T14:55:00Z",
    "closeTime": "2025-11-20T16:10:00Z",
    "symbol": "GBPUSD",
    "type": "BUY",
    "lots": 0.5,
    "entry": 1.3105,
    "exit": 1.3129,
    "sl": 1.3093,
    "tp": 1.3129,
    "pl": 120.0,
    "notes": "Waited for the close above the range.",
}
