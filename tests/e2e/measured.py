"""A load whose counts, times and failures are known comes back in /metrics, /api/metrics and /api/performance.

    python tests/e2e/measured.py --processes 2

Over so many server processes on one PostgreSQL. What is known: the client's own count of every answer by route, status
and X-Cache, its clock around answers that wait for something for a known time (OANDA, a locked table), and what the
sandbox counts of the requests and faults it served. Both sides must agree within 2 %, whichever process is asked.
"""

import argparse
import asyncio
import sys
import tempfile
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import asyncpg
from processes import Server, ask, sandbox, server, until
from prometheus_client.parser import text_string_to_metric_families
from rich.console import Console

sys.path.append(str(Path(__file__).parents[1]))
from servers import postgres_server

console = Console()
WITHIN = 0.02
HOLD = 0.3
"""Seconds for which a table is locked, and which an answer of OANDA takes."""
ENTRY = {"symbol": "GBP/USD", "side": "buy", "entryPrice": 1.3, "quantity": 1, "status": "open"}
UNMATCHED = "unmatched"
STATISTICS, GENERATE, SIGNALS = "/api/journal/statistics", "/api/signals/enhanced/generate", "/api/signals"


class Client:
    """Asks, and keeps count of what came back and how long it took."""

    def __init__(self, url: str) -> None:
        self.port = urlsplit(url).port
        self.counts: Counter[tuple[str, str, str, str]] = Counter()
        self.took: dict[tuple[str, str], list[float]] = defaultdict(list)
        self._lock = threading.Lock()

    def connect(self) -> HTTPConnection:
        return HTTPConnection("127.0.0.1", self.port, timeout=60)

    def ask(self, on: HTTPConnection, method: str, path: str, route: str, body: str | None = None) -> str:
        """Ask for a path of a route; where the answer came from."""
        began = time.monotonic()
        on.request(method, path, body, {"Content-Type": "application/json"})
        answer = on.getresponse()
        answer.read()
        took, cache = time.monotonic() - began, answer.headers["X-Cache"] or "none"
        if method != "GET" or route == UNMATCHED:
            cache = "none"  # what is never kept
        with self._lock:
            self.counts[method, route, str(answer.status), cache] += 1
            self.took[method, route].append(took)
        return cache


def kept_and_made(client: Client, connections: int, each: int) -> None:
    """The same list again and again over many connections, so over all processes, and unknown ones in between."""

    def one(number: int) -> None:
        on = client.connect()
        for turn in range(each):
            client.ask(on, "GET", f"{SIGNALS}?limit=20", SIGNALS)
            if turn % 50 == 0:
                client.ask(on, "GET", f"{SIGNALS}?limit=20&skip={number * 100_000 + turn}", SIGNALS)
            if turn % 100 == 0:
                client.ask(on, "GET", f"/api/signals/{900_000 + number}", "/api/signals/{signal_id}")
                client.ask(on, "GET", f"{SIGNALS}?limit=nonsense", SIGNALS)
                client.ask(on, "GET", f"/no/such/place/{number}/{turn}", UNMATCHED)
        on.close()

    with ThreadPoolExecutor(connections) as pool:
        list(pool.map(one, range(connections)))


@contextmanager
def locked(database: str, table: str) -> Iterator[Callable[[], None]]:
    """A table that nobody can read while the block lasts; call what is given to know that somebody waits for it."""
    loop = asyncio.new_event_loop()
    holder = loop.run_until_complete(asyncpg.connect(database))
    loop.run_until_complete(holder.execute(f"BEGIN; LOCK TABLE {table} IN ACCESS EXCLUSIVE MODE"))
    waiting = "SELECT count(*) FROM pg_locks WHERE NOT granted"

    def awaited() -> None:
        until(lambda: bool(loop.run_until_complete(holder.fetchval(waiting))), "somebody waits for the table")

    try:
        yield awaited
    finally:
        loop.run_until_complete(holder.execute("COMMIT"))
        loop.run_until_complete(holder.close())
        loop.close()


def slow_queries(client: Client, database: str, times: int) -> None:
    """Statistics that wait for a locked table."""
    on = client.connect()
    for number in range(times):
        with ThreadPoolExecutor(1) as pool:
            with locked(database, "journal_entries, journal_totals") as awaited:
                asked = pool.submit(client.ask, on, "GET", f"{STATISTICS}?_={number}", STATISTICS)
                awaited()
                time.sleep(HOLD)
            asked.result()
    on.close()


def shed(client: Client, database: str, connections: int) -> None:
    """More questions than there are connections to the database, while these wait for a locked table."""
    with ThreadPoolExecutor(connections) as pool:
        with locked(database, "journal_entries, journal_totals") as awaited:
            asked = [
                pool.submit(client.ask, client.connect(), "GET", f"{STATISTICS}?shed={number}", STATISTICS)
                for number in range(connections)
            ]
            awaited()
            until(lambda: sum(one.done() for one in asked) > 0, "some are refused")
        for one in asked:
            one.result()


def generations(client: Client, market: str, times: int) -> None:
    """Generation while OANDA takes its time, and some of its answers fail."""
    ask(f"{market}/sandbox/faults", [{"kind": "latency", "delay": HOLD, "path": "/candles"}])
    on = client.connect()
    for _ in range(times):
        client.ask(on, "POST", GENERATE, GENERATE)
    ask(f"{market}/sandbox/faults", [{"kind": "status", "status": 503, "times": 6, "path": "/candles"}])
    for _ in range(3):
        client.ask(on, "POST", GENERATE, GENERATE)
    on.close()


class Findings:
    """What was compared, and what was not within 2 %."""

    def __init__(self) -> None:
        self.wrong = 0
        self.worst = 0.0

    def compare(self, what: str, known: float, said: float | None, within: float = WITHIN) -> None:
        off = float("inf") if said is None else abs(said - known) / max(abs(known), 1e-12)
        self.worst = max(self.worst, off)
        fits = off <= within
        self.wrong += not fits
        console.print(f"  {'ok   ' if fits else 'WRONG'} {what}: known {known:.6g}, said {said}", highlight=False)


def samples(url: str) -> dict[str, list[Any]]:
    """/metrics, by the names of the samples."""
    on = HTTPConnection("127.0.0.1", urlsplit(url).port, timeout=30)
    on.request("GET", "/metrics")
    found: dict[str, list[Any]] = defaultdict(list)
    for family in text_string_to_metric_families(on.getresponse().read().decode()):
        for sample in family.samples:
            found[sample.name].append(sample)
    on.close()
    return found


def summed(found: dict[str, list[Any]], name: str, **labels: str) -> float:
    return sum(
        one.value
        for one in found[f"alphaforge_{name}"]
        if all(one.labels[key] == value for key, value in labels.items())
    )


def check_text(
    findings: Findings,
    found: dict[str, list[Any]],
    before: dict[str, list[Any]],
    client: Client,
    counted: dict[str, Any],
) -> None:
    for (method, route, status, cache), known in sorted(client.counts.items()):
        said = summed(found, "request_seconds_count", method=method, route=route, status=status, cache=cache)
        findings.compare(f"{method} {route} {status} {cache}", known, said)
    for method, route in (("POST", GENERATE), ("GET", STATISTICS)):
        known = sum(client.took[method, route])
        findings.compare(f"seconds of {route}", known, summed(found, "request_seconds_sum", method=method, route=route))
    candles = [one for one in found["alphaforge_oanda_request_seconds_count"] if one.labels["what"] == "candles"]
    findings.compare("requests for candles", counted["requests"].get("candles", 0), sum(one.value for one in candles))
    late, failing = (fault["hits"] for fault in counted["faults"])
    below, above = (
        summed(found, bucket, what="candles", le=edge) - summed(before, bucket, what="candles", le=edge)
        for bucket, edge in (("oanda_request_seconds_bucket", "0.25"), ("oanda_request_seconds_bucket", "0.5"))
    )
    findings.compare(f"requests for candles that took {HOLD} s", late, above - below)
    failed = summed(found, "oanda_request_seconds_count", what="candles", outcome="unavailable")
    findings.compare("requests for candles that failed", failing, failed)
    findings.compare("errors of OANDA", failing, summed(found, "oanda_errors_total"))


def check_json(findings: Findings, server_url: str, client: Client) -> None:
    metrics = ask(f"{server_url}/api/metrics")["metrics"]["alphaforge_request_seconds"]["samples"]
    for route in (SIGNALS, STATISTICS, GENERATE):
        known = sum(count for key, count in client.counts.items() if key[1] == route)
        said = sum(one["count"] for one in metrics if one["labels"]["route"] == route)
        findings.compare(f"JSON: {route}", known, said)


def check_performance(findings: Findings, server_url: str, client: Client, processes: int) -> None:
    answer = ask(f"{server_url}/api/performance?window=3600")
    endpoints = {one["path"]: one for one in answer["endpoints"]}
    for one in answer["indicators"]:
        console.print(
            f"  {one['name']}: {one['value']} {one['unit']}, {one['status']}, {one['count']} values", highlight=False
        )
    for route in (SIGNALS, STATISTICS, GENERATE):
        known = sum(count for key, count in client.counts.items() if key[1] == route)
        findings.compare(f"performance: {route}", known, endpoints[route]["requests"])
    took = client.took["POST", GENERATE]
    findings.compare(
        f"performance: mean of {GENERATE}", 1e3 * sum(took) / len(took), endpoints[GENERATE]["uncached"]["mean"]
    )
    kept = sum(count for key, count in client.counts.items() if key[3] == "hit")
    of = sum(
        count
        for key, count in client.counts.items()
        if key[3] in {"hit", "miss", "bypass"} and key[2] in {"200", "304"}
    )
    rate = next(one for one in answer["indicators"] if one["name"] == "cache_hit_rate")["value"]
    findings.compare("performance: cache hit rate", 100 * kept / of, rate)
    findings.compare("performance: processes", processes, answer["processes"])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=int, default=2)
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--each", type=int, default=1_000, help="questions on each connection")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, postgres_server() as database:
        folder, findings = Path(name), Findings()
        with (
            sandbox(folder, ["--from", "2025-07-08T09:00:00Z"]) as market,
            desk(folder, database, market, given.processes) as running,
        ):
            client = Client(running.url)
            kept_and_made(client, given.connections, given.each)
            slow_queries(client, database, 10)
            shed(client, database, 24)
            before = samples(running.url)
            generations(client, market, 10)
            counted = ask(f"{market}/sandbox/faults")
            console.print(f"{client.counts.total():,} answers; {counted}", highlight=False)
            time.sleep(11)  # twice the time after which every process has said what it counted
            for turn in range(4):  # over new connections, so by chance every process
                console.print(f"[bold]Asked, {turn + 1}")
                check_text(findings, samples(running.url), before, client, ask(f"{market}/sandbox/faults"))
                check_json(findings, running.url, client)
                check_performance(findings, running.url, client, given.processes)
        console.print(f"{findings.wrong} of all comparisons beyond {WITHIN:.0%}; the farthest {findings.worst:.2%} off")
    return int(findings.wrong > 0)


@contextmanager
def desk(folder: Path, database: str, market: str, processes: int) -> Iterator[Server]:
    pool = {"DB_POOL_SIZE": "3", "DB_MAX_OVERFLOW": "0", "DB_POOL_TIMEOUT": "0.5"}
    settings = {"DATABASE_URL": database, "WORKERS": str(processes), **pool}
    with server(folder, market, until_ready=True, **settings) as running:
        log = folder / "server.log"
        until(lambda: processes == 1 or "all_serving" in log.read_text(), "all serve")
        yield running


if __name__ == "__main__":
    sys.exit(main())
