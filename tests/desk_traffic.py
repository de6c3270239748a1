"""Random writes and reads of an application, whose kept answers are held against answers made anew.

`Traffic` drives one or several doors to the same database. After every write each door must answer every question
exactly as an application without a cache does.
"""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any
from urllib.parse import urlsplit

ENTRY = {"openTime": "2026-03-01 10:00", "symbol": "GBPUSD", "type": "BUY", "lots": 0.5, "entry": 1.31, "sl": 1.305}
SIGNAL = {"symbol": "GBP_USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.30, "tp1": 1.33}

QUESTIONS = (
    "/api/signals",
    "/signals?limit=3",
    "/api/signals?order=oldest&limit=2",
    "/api/signals?status=WON,LOST&skip=1",
    "/api/signals?symbol=gold&direction=SELL",
    "/api/signals?min_confidence=50&limit=2",
    "/api/signals/today",
    "/api/alerts",
    "/api/signals/statistics",
    "/api/signals/statistics?days=30",
    "/api/signals/performance?days=3650",
    "/api/signals/track-record",
    "/api/signals/track-record?strategy=manual&instrument=gold",
    "/api/signals/active",
    "/api/signals/pending",
    "/api/signals/symbol/GBPUSD",
    "/api/signals/symbol/XAU_USD",
    "/api/signals/{signal}",
    "/api/signals/{signal}/explain",
    "/api/signals/{signal}/verify",
    "/api/journal",
    "/api/journal/entries",
    "/api/journal/entries?limit=2&skip=1",
    "/api/journal/entries?closed_on=2026-03-02",
    "/api/journal/entries/{entry}",
    "/api/journal/statistics",
    "/api/journal/statistics?balance=5000",
    "/api/journal/statistics?from=2026-03-01&to=2026-04-01",
    "/api/journal/equity?balance=5000&from=2026-03-01",
    "/api/journal/breakdown?by=weekday",
    "/api/journal/calendar?year=2026",
    "/api/stats",
    "/api/rejections",
    "/api/rejections/latest?format=csv",
    "/api/analysis/history",
    "/api/candles/GBP_USD?limit=5",
    "/api/candles/GBP_USD?limit=5&granularity=M15&indicators=ema_fast,adx",
    "/api/backtest/symbols",
    "/api/backtests/settings",
    "/api/statistics/definitions",
)
"""Every question about the desk whose answer may be kept, in several spellings."""

DOCUMENTS = ("/docs", "/openapi.json")
"""What may be kept as well, and is the same whatever is written; each application takes a second to put it together."""

NEVER_KEPT: Mapping[str, str] = {
    "/": "/",
    "/health": "/health",
    "/health/live": "/health/live",
    "/health/ready": "/health/ready",
    "/status": "/status",
    "/api/status": "/api/status",
    "/api/cache/stats": "/api/cache/stats",
    "/metrics": "/metrics",
    "/api/metrics": "/api/metrics",
    "/api/performance": "/api/performance",
    "/api/performance/history": "/api/performance/history?hours=1",
    "/api/performance/slow": "/api/performance/slow",
    "/api/analysis/latest": "/api/analysis/latest",
    "/api/analysis/status": "/api/analysis/status",
    "/api/alerts/channels": "/api/alerts/channels",
    "/api/instruments": "/api/instruments",
    "/api/instruments/available": "/api/instruments/available",
    "/api/symbols": "/api/symbols",
    "/api/instruments/{instrument:path}/explain": "/api/instruments/GBP_USD/explain",
    "/api/prices/live": "/api/prices/live",
    "/api/prices/live/{symbol:path}": "/api/prices/live/GBPUSD",
    "/api/signals/enhanced/statistics": "/api/signals/enhanced/statistics",
    "/api/stream": "/api/stream?kinds=none",
    "/api/signals/export": "/api/signals/export?format=csv",
    "/api/journal/export": "/api/journal/export",
    "/api/backtests": "/api/backtests",
    "/api/backtests/compare": "/api/backtests/compare?a=1&b=2",
    "/api/backtests/{backtest_id}": "/api/backtests/1",
    "/api/backtests/{backtest_id}/report": "/api/backtests/1/report",
    "/api/jobs": "/api/jobs",
    "/api/jobs/{job_id}": "/api/jobs/1",
    "/api/jobs/{job_id}/file": "/api/jobs/1/file",
}
"""Every question that is answered anew each time, by its route."""

_TELLS_THE_TIME = {"/health", "/status", "/api/status", "/api/cache/stats", "/api/signals/enhanced/statistics"}
"""What two answers one after the other need not agree on."""

WRITES = (
    *("new_entry", "new_signal", "new_entries", "new_signals", "changed_entry", "changed_entries", "removed_entry"),
    *("ended_signal", "changed_signals"),
)

CODINGS = ("", "gzip", "br", "zstd", "gzip, br;q=0.5", "*;q=0")


@dataclass(frozen=True)
class Said:
    """What an application answered."""

    status: int
    headers: dict[str, str]
    body: bytes


App = Callable[[dict[str, Any], Any, Any], Awaitable[None]]


async def ask(app: App, method: str, target: str, body: object = None, headers: dict[str, str] | None = None) -> Said:
    """One request, as a server would hand it over."""
    parts = urlsplit(target)
    content = b"" if body is None else json.dumps(body).encode()
    given = {"host": "127.0.0.1:5000", "content-type": "application/json", **(headers or {})}
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": parts.path,
        "raw_path": parts.path.encode(),
        "query_string": parts.query.encode(),
        "root_path": "",
        "headers": [(name.encode(), value.encode()) for name, value in given.items()],
        "client": ("127.0.0.1", 50_000),
        "server": ("127.0.0.1", 5000),
    }
    messages: list[dict[str, Any]] = []
    asked = False

    async def receive() -> dict[str, Any]:
        nonlocal asked
        if asked:
            await asyncio.Event().wait()  # this client never goes away
        asked = True
        return {"type": "http.request", "body": content, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        messages.append(message)

    await app(scope, receive, send)
    start, *rest = messages
    found = {name.decode(): value.decode() for name, value in start["headers"]}
    return Said(start["status"], found, b"".join(message.get("body", b"") for message in rest))


@dataclass
class Traffic:
    """Writes through random `doors`, and reads through all of them; `fresh` keeps nothing. Counts what it checked."""

    doors: Sequence[App]
    fresh: App
    random: Random
    checks: int = 0
    hits: int = 0
    signals: list[int] = field(default_factory=list)
    entries: list[int] = field(default_factory=list)

    async def write(self, kind: str | None = None) -> None:
        """One write, of a random kind unless one is given; it is acknowledged when this returns.

        A new row where there is none to change.
        """
        kind = kind or self.random.choice(WRITES)
        if "new" not in kind and not (self.signals if "signal" in kind else self.entries):
            kind = "new_signals" if "signal" in kind else "new_entries"
        await getattr(self, f"_{kind}")()

    async def keep_small(self, most: int) -> None:
        """Remove entries beyond so many, so that lists stay as long as they are."""
        while len(self.entries) > most:
            await self._removed_entry()

    async def check(self, questions: Sequence[str] = QUESTIONS, *, before: Callable[[], None] = lambda: None) -> None:
        """Hold the answers of each door to `questions` against one made anew; `before` each, once."""
        for question in questions:
            target = question.format(
                signal=self.random.choice(self.signals or [1]), entry=self.random.choice(self.entries or [1])
            )
            expected = await ask(self.fresh, "GET", target)
            for door in self.doors:
                before()
                coding = self.random.choice(CODINGS)
                said = await ask(door, "GET", target, headers={"accept-encoding": coding} if coding else None)
                self._hold(target, expected, said)

    async def check_never_kept(self) -> None:
        """Hold each door to making anew what is never kept."""
        for target in NEVER_KEPT.values():
            expected = await ask(self.fresh, "GET", target)
            for door in self.doors:
                said = await ask(door, "GET", target)
                self.checks += 1
                assert said.headers.get("x-cache") in {None, "bypass"}, (target, said.headers)
                assert said.status == expected.status, (target, said)
                if said.status == 200 and target not in _TELLS_THE_TIME:
                    assert said.body == expected.body, (target, said.body, expected.body)

    def _hold(self, target: str, expected: Said, said: Said) -> None:
        self.checks += 1
        self.hits += said.headers.get("x-cache") == "hit"
        assert said.status == expected.status, (target, said)
        if said.status != 200:
            return  # an error names its own request
        body = decoded(said)
        assert body == expected.body, (target, said.headers, body, expected.body)
        tag = said.headers["etag"].strip('"').partition("-")[0]
        assert tag == expected.headers["etag"].strip('"').partition("-")[0], target

    async def _send(self, method: str, target: str, body: object = None) -> dict[str, Any]:
        said = await ask(self.random.choice(self.doors), method, target, body)
        assert said.status in {200, 201}, said
        return dict(json.loads(said.body))

    def _entry(self) -> dict[str, Any]:
        closed = self.random.choice([None, f"2026-03-0{self.random.randint(2, 9)} 21:30"])
        figures = {"lots": self.random.randint(1, 9) / 10, "pl": self.random.randint(-50, 50)}
        return ENTRY | figures | {"closeTime": closed, "signal_id": self.random.choice([None, *self.signals])}

    async def _new_entry(self) -> None:
        self.entries.append((await self._send("POST", "/api/journal/entries", self._entry()))["id"])

    async def _new_entries(self) -> None:
        made = await self._send("POST", "/api/journal/entries/bulk", {"entries": [self._entry() for _ in range(3)]})
        self.entries += made["ids"]

    async def _changed_entry(self) -> None:
        await self._send("PUT", f"/api/journal/entries/{self.random.choice(self.entries)}", {"pl": self._money()})

    async def _changed_entries(self) -> None:
        some = self.random.sample(self.entries, min(3, len(self.entries)))
        changes = [{"id": entry, "pl": self._money()} for entry in some]
        await self._send("PUT", "/api/journal/entries/bulk", {"entries": changes})

    async def _removed_entry(self) -> None:
        entry = self.entries.pop(self.random.randrange(len(self.entries)))
        await self._send("DELETE", f"/api/journal/entries/{entry}")

    async def _new_signal(self) -> None:
        made = await self._send("POST", "/api/signals", self._signal())
        self.signals.append(made.get("id") or made["signal"]["id"])

    async def _new_signals(self) -> None:
        made = await self._send("POST", "/api/signals/bulk", {"signals": [self._signal() for _ in range(2)]})
        self.signals += made["ids"]

    async def _ended_signal(self) -> None:
        word = self.random.choice(["ACTIVE", "WON", "LOST", "EXPIRED", "CANCELLED"])
        signal = self.random.choice(self.signals)
        price = "&exit_price=1.32" if word in {"WON", "LOST"} else ""
        await self._send("PUT", f"/api/signals/{signal}/status?status={word}{price}")

    async def _changed_signals(self) -> None:
        some = self.random.sample(self.signals, min(3, len(self.signals)))
        changes = [{"id": signal, "notes": str(self._money())} for signal in some]
        await self._send("PUT", "/api/signals/bulk", {"signals": changes})

    def _signal(self) -> dict[str, Any]:
        return SIGNAL | {"confidence_score": self.random.randint(0, 100)}

    def _money(self) -> int:
        return self.random.randint(-99, 99)


def decoded(said: Said) -> bytes:
    """The body without its coding."""
    import brotli  # type: ignore[import-untyped]  # noqa: PLC0415 - has no stubs
    import zstandard  # noqa: PLC0415 - beside it

    match said.headers.get("content-encoding"):
        case "gzip":
            import gzip  # noqa: PLC0415 - the same

            return gzip.decompress(said.body)
        case "br":
            return bytes(brotli.decompress(said.body))
        case "zstd":
            return zstandard.ZstdDecompressor().decompress(said.body)
        case None:
            return said.body
        case other:
            raise AssertionError(other)
