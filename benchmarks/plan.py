"""The plan's table: the plain reference (before), and AlphaForge without and with its cache (after): time and memory.

One client, the three servers in turn, in one run on one machine. Memory: by how much a server's resident memory rose
above what it was when idle, at its peak during the work; for servers that share nothing, so that each pays for its own
buffers once.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import msgspec

from alphaforge.core.memory import forget_peak
from benchmarks.clients.sent import request, send
from benchmarks.clients.tally import Load
from benchmarks.data import filled_database
from benchmarks.machine import client_core, peak, resident
from benchmarks.multi_timeframe import Fetched
from benchmarks.report import median, show
from benchmarks.servers import Server, alphaforge, port_of, reference, sandbox

LATENCY = 80
MARKET = ["--latency", str(LATENCY), "--from", "2025-07-08T09:00:00Z"]
ROUNDS = 3
SECONDS = 0.7
GENERATE = "/api/signals/enhanced/generate"
_ROOT = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds (the median of all rounds), and MiB above idle."""

    seconds: float
    memory: float

    def __str__(self) -> str:
        return f"{self.seconds * 1e3:.2f} ms, {self.memory:+.1f} MiB"


@dataclass(frozen=True, slots=True)
class Work:
    """A piece of work; limits in seconds for AlphaForge uncached and cached, None where there is none."""

    name: str
    path: str
    uncached: float | None
    cached: float | None


READS = (
    Work("Get 100 signals", "/api/signals?limit=100", 0.002, None),
    Work("Get 500 signals", "/api/signals?limit=500", 0.008, 0.001),
    Work("Journal statistics, 5,000 entries", "/api/journal/statistics", 0.003, 0.0002),
)


def run() -> None:
    """Print the figures."""
    print(f"The plan's table: 10,000 signals, 5,000 entries, one client; OANDA imitated at {LATENCY} ms a request")
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        filled = filled_database()
        market = stack.enter_context(sandbox(folder, MARKET))
        servers = {
            "reference": stack.enter_context(reference(folder / "reference", filled, market)),
            "uncached": stack.enter_context(alphaforge(folder / "fresh", filled, market, ENABLE_CACHE="false")),
            "cached": stack.enter_context(alphaforge(folder / "kept", filled, market)),
        }
        for work in READS:
            _read(servers, work)
        _generate(servers)
        _timeframes(servers["reference"], market, folder)
        for name in ("reference", "cached"):
            show(f"Resident memory after all of it, {name}", f"{resident(servers[name].process.pid):.0f} MiB")


def _read(servers: Mapping[str, Server], work: Work) -> None:
    limits = {"uncached": work.uncached, "cached": work.cached}
    costs = {name: measured(server, lambda one: asked(one, work.path)) for name, server in servers.items()}
    before = costs["reference"]
    show(f"{work.name}: before", str(before))
    for name, limit in limits.items():
        cost = costs[name]
        times = f"{before.seconds / cost.seconds:.0f} times faster"
        target, met = ("", None) if limit is None else (f"<= {limit * 1e3:g} ms", cost.seconds <= limit)
        show(f"  {name}, {times}", str(cost), target, met=met)


def _generate(servers: Mapping[str, Server]) -> None:
    before = measured(servers["reference"], lambda one: posted(one, 2))
    time.sleep(1.0)
    after = measured(servers["cached"], lambda one: posted(one, 6))
    limit = LATENCY / 1e3 + 0.015
    show("Generate 3 enhanced signals: before, 9 requests in turn", str(before))
    faster = f"{before.seconds / after.seconds:.1f} times faster"
    show(f"  after, {faster}", str(after), "one round trip + 15 ms", met=after.seconds <= limit)


def _timeframes(plain: Server, market: str, folder: Path) -> None:
    """M5, M15 and H1 of one instrument."""
    before = measured(plain, lambda one: _timed(lambda: one.get("/api/timeframes/GBP_USD"), 3))
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.multi_timeframe", market, str(folder / "timeframes.db")],
        capture_output=True,
        cwd=_ROOT,
        check=True,
    )
    fetched = msgspec.json.decode(done.stdout.splitlines()[-1], type=Fetched)  # logs come before
    after = Cost(fetched.seconds, fetched.memory)
    show("Multi-timeframe fetch, one instrument: before", str(before))
    faster = f"{before.seconds / after.seconds:.1f} times faster"
    show(f"  after, {faster}", str(after), "one round trip", met=after.seconds <= LATENCY / 1e3 + 0.015)


def measured(server: Server, work: Callable[[Server], float]) -> Cost:
    """The median of several rounds, after one that does not count; memory over all of them."""
    process = server.process.pid
    idle = resident(process)
    forget_peak(process)
    work(server)
    took = [work(server) for _ in range(ROUNDS)]
    return Cost(median(took), max(0.0, peak(process) - idle))


def asked(server: Server, path: str) -> float:
    """The median seconds of an answer to one client."""
    seen = send(Load(port_of(server), [request(path)], 1, SECONDS, warm_up=0.1, at_least=7, core=client_core()))
    if seen.errors:
        raise RuntimeError(f"{path}: {seen.errors}")
    return seen.p50


def posted(server: Server, rounds: int) -> float:
    """The median seconds of a generation."""
    return _timed(lambda: server.post(GENERATE), rounds)


def _timed(work: Callable[[], object], rounds: int) -> float:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return median(took)
