"""How fast does a server answer with three decisions, and what does it hold?

A sandbox process answers every request after 80 ms; the reference is a bare request to it in the same run.
"""

import asyncio
import sys
import tempfile
import time
from collections.abc import Callable
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import SecretStr

from alphaforge.bootstrap import open_desk
from alphaforge.settings import Settings
from alphaforge.workflows.open_market import open_market
from alphaforge.workflows.scan_market import scan_market
from benchmarks.report import median, percentile, show

sys.path.append(str(Path(__file__).parents[1] / "tests" / "e2e"))
from processes import Server, sandbox, server, until

LATENCY = 80
MARKET = ["--latency", str(LATENCY), "--from", "2025-07-08T09:00:00Z"]
ROUNDS = 40
GENERATE = "/api/signals/enhanced/generate"
MEMORY_TARGET = 110
START_TARGET = 1.5


def run() -> None:
    """Print the figures."""
    print(f"Three enhanced signals, OANDA imitated at {LATENCY} ms a request")
    with tempfile.TemporaryDirectory() as folder, sandbox(Path(folder), MARKET) as market:
        trip = median(_timed(_get(market, "/v3/accounts"), 20))
        show("one round trip (reference)", f"{trip * 1e3:.1f} ms")
        making = asyncio.run(_cold(market, Path(folder) / "making.db"))
        show("cold start while the sandbox makes its history", f"{making * 1e3:.0f} ms")
        cold = asyncio.run(_cold(market, Path(folder) / "cold.db"))  # a broker has its history
        limit = 3 * trip + 0.1
        show("cold start of three instruments", f"{cold * 1e3:.0f} ms", f"<= {limit * 1e3:.0f} ms", met=cold <= limit)
        show("  in round trips", f"{cold / trip:.1f}")
        with server(Path(folder), market) as desk:
            _warm(desk, trip)
    _own_market()


def _warm(desk: Server, trip: float) -> None:
    """Generation with the window in memory and the connections open."""
    time.sleep(3)  # two new connections a second: by now there are three
    took = _timed(_post(desk.url, GENERATE), ROUNDS)
    typical, slow = median(took), percentile(took, 0.9)
    limit = trip + 0.015
    show("warm generation", f"{typical * 1e3:.1f} ms", f"<= {limit * 1e3:.1f} ms", met=typical <= limit)
    show("  beyond the round trip; nine in ten within", f"{(typical - trip) * 1e3:.1f}; {(slow - trip) * 1e3:.1f} ms")
    _memory(desk, "resident memory after generating, real market")


def _own_market() -> None:
    """The server with its own sandbox, as `make run` starts it: start twice, the second over a filled database."""
    with tempfile.TemporaryDirectory() as folder:
        for what in ("first start", "later start"):
            began = time.monotonic()
            with server(Path(folder), None, until_ready=False) as desk:
                until(lambda: desk.get("/health/live").get("status") == "alive", "it answers", desk.process)
                answered = time.monotonic() - began
                met = None if what == "first start" else answered <= START_TARGET
                show(f"{what} to first answer", f"{answered:.2f} s", f"<= {START_TARGET} s", met=met)
                desk.get("/api/signals")
                show(f"{what} to the first list of signals", f"{time.monotonic() - began:.2f} s")
                until(desk.is_ready, "it is ready", desk.process)
                show(f"{what} to readiness", f"{time.monotonic() - began:.2f} s")
                for _ in range(5):
                    desk.post(GENERATE)
                _memory(desk, f"resident memory after generating, own sandbox, {what}")


def _memory(desk: Server, what: str) -> None:
    status = Path(f"/proc/{desk.process.pid}/status").read_text().splitlines()
    held = {line.split(":")[0]: int(line.split()[1]) / 1024 for line in status if line.startswith(("VmRSS", "VmHWM"))}
    met = held["VmRSS"] <= MEMORY_TARGET
    show(what, f"{held['VmRSS']:.0f} MiB", f"<= {MEMORY_TARGET} MB", met=met)
    show("  at its peak", f"{held['VmHWM']:.0f} MiB")


async def _cold(market: str, path: Path) -> float:
    """Seconds from an empty database and no connection to three decisions."""
    settings = Settings(
        database_url=SecretStr(f"sqlite:///{path}"),
        oanda_api_key=SecretStr("sandbox"),
        oanda_api_url=market,
        background_tasks=False,
    )
    async with open_desk(settings) as desk:
        began = time.perf_counter()
        await open_market(desk, desk.names)
        results = await scan_market(desk)
        took = time.perf_counter() - began
    missing = [result.reason for result in results if result.decision is None]
    if missing:
        raise RuntimeError(f"No decision: {missing}")
    return took


def _timed(work: Callable[[], None], rounds: int) -> list[float]:
    took = []
    for _ in range(rounds):
        began = time.perf_counter()
        work()
        took.append(time.perf_counter() - began)
    return took


def _get(url: str, path: str) -> Callable[[], None]:
    return _request(url, "GET", path)


def _post(url: str, path: str) -> Callable[[], None]:
    return _request(url, "POST", path)


def _request(url: str, method: str, path: str) -> Callable[[], None]:
    """One request over a connection that stays open; RuntimeError where it fails."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=30)

    def once() -> None:
        connection.request(method, path, headers={"Authorization": "Bearer sandbox"})
        answer = connection.getresponse()
        answer.read()
        if answer.status != 200:
            raise RuntimeError(f"{method} {path}: {answer.status}")

    return once
