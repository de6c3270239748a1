"""Kill a working server again and again, and look for what was lost, doubled or late.

    python tests/e2e/kills.py --kills 200

A simulated market runs at speed, so that nearly every moment is one of scanning or settling; a client keeps writing
meanwhile and remembers what was acknowledged. After each SIGKILL the server starts over the same file.
"""

import argparse
import asyncio
import random
import sqlite3
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

from processes import NAMES, Server, sandbox, server
from replay import Report, compare
from rich.console import Console
from rich.progress import track

console = Console(stderr=True)

SPEED = 600.0
BEGIN = "2025-07-07T06:00:00Z"
READY_SECONDS = 3.0


@dataclass(slots=True)
class Writer:
    """A client that writes journal entries and trade results, and remembers those that were acknowledged."""

    entries: set[int] = field(default_factory=set)
    results: int = 0
    _stop: threading.Event = field(default_factory=threading.Event)

    def work_on(self, desk: Server) -> threading.Thread:
        """Write until `stop`, however often the server dies."""
        self._stop.clear()
        thread = threading.Thread(target=self._write, args=(desk,))
        thread.start()
        return thread

    def stop(self, thread: threading.Thread) -> None:
        """End it."""
        self._stop.set()
        thread.join()

    def _write(self, desk: Server) -> None:
        entry = {"openTime": "2025-07-07 06:00", "symbol": "GBPUSD", "type": "BUY", "lots": 0.1, "entry": 1.36}
        while not self._stop.is_set():
            answer = desk.post("/api/journal/entries", entry)
            if isinstance(answer.get("id"), int):
                self.entries.add(answer["id"])


@dataclass(frozen=True, slots=True)
class Damage:
    """What the kills did. `ready`: seconds from each start to readiness."""

    kills: int
    lost: int
    acknowledged: int
    report: Report
    ready: list[float]


def survive(kills: int, seed: int, folder: Path) -> Damage:
    """Kill `kills` times at seeded random moments, let the last start catch up, and compare with an offline evaluation.

    Trade results would change sizes, which the offline evaluation knows nothing of, so the writer makes none.
    """
    moments, writer, ready = random.Random(seed), Writer(), []
    with sandbox(folder, ["--from", BEGIN, "--speed", str(SPEED)]) as market:
        for _ in track(range(kills), "kills", console=console, transient=True):
            began = time.monotonic()
            with server(folder, market) as desk:
                ready.append(time.monotonic() - began)
                thread = writer.work_on(desk)
                time.sleep(moments.uniform(0, 1.5))
                desk.kill()
                writer.stop(thread)
        with server(folder, market) as desk:
            desk.post("/api/signals/enhanced/generate")
        report = asyncio.run(compare(market, f"sqlite:///{folder}/desk.db"))
    with sqlite3.connect(folder / "desk.db") as database:
        kept = {row[0] for row in database.execute("SELECT id FROM journal_entries")}
    return Damage(kills, len(writer.entries - kept), len(writer.entries), report, ready)


def main() -> int:
    """0 where nothing was lost, doubled or different."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="alphaforge-kills-") as folder:
        damage = survive(given.kills, given.seed, Path(folder))
    report, ready = damage.report, sorted(damage.ready)
    console.print(f"{damage.kills} kills; {damage.lost} of {damage.acknowledged} acknowledged entries lost")
    console.print(f"{report.evaluated} candles of {len(NAMES)} instruments evaluated, {report.signals} signals")
    late = sum(seconds > READY_SECONDS for seconds in ready)
    console.print(f"Ready again after {ready[len(ready) // 2]:.2f} s (median), {ready[-1]:.2f} s (longest)")
    console.print(f"{late} times later than {READY_SECONDS:g} s, {damage.ready[0]:.2f} s at the first start")
    for fault in report.faults[:20]:
        console.print(f"[red]{fault}")
    return 1 if damage.lost or report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
