"""Leave a desk open: what does it ask, and what does it hold, and what does each listener cost the server?

    python tests/e2e/open_desk.py [--minutes N] [--tabs N] [--clients N]

A real server with its own market in real time, and a Chromium with one tab on the desk. Every minute: requests of the
tab, its heap after a collection, its nodes and listeners, the server's memory and CPU. Each request is held against the
stream: one that no event came before is one that nobody asked for. After it so many clients
listen for a minute, or a tenth of the time: what one of them costs.
"""

import argparse
import asyncio
import json
import re
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self
from urllib.parse import urlsplit

from playwright.sync_api import Page, Request
from processes import Server, server
from rich.console import Console

sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[1]))
from benchmarks.machine import resident, worked

from browser import WIDE, chromium

console = Console(width=160, highlight=False, markup=False, soft_wrap=True)

AFTER_EVENT = 3.0
"""Seconds after an event within which a request may be its consequence: pages wait for the last of several."""
WARM_UP = 0.2
"""The share of the time after which memory must stay as it is."""
SETTLING = 10.0
BACKGROUND = {"price"}
"""What comes all the time, and hence explains nothing."""


@dataclass(frozen=True)
class Minute:
    """What was there after so many minutes."""

    minute: float
    requests: int
    heap: float
    nodes: int
    listeners: int
    resident: float
    work: float


@dataclass
class Told:
    """What the stream said to somebody who listened beside the tab: kinds with their moments, and bytes."""

    events: list[tuple[float, str]] = field(default_factory=list)
    bytes: int = 0

    def explains(self, moment: float) -> bool:
        """Whether anything happened shortly before."""
        return any(0 <= moment - at <= AFTER_EVENT for at, kind in self.events if kind not in BACKGROUND)


class Ears:
    """So many connections that listen to the stream, in a thread of their own."""

    def __init__(self, url: str, count: int) -> None:
        self.told = [Told() for _ in range(count)]
        self._port = urlsplit(url).port
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(self._all(),))

    def __enter__(self) -> Self:
        self._ending = asyncio.Event()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._ending.set)
        self._thread.join()
        self._loop.close()

    async def _all(self) -> None:
        listening = [asyncio.create_task(self._one(told)) for told in self.told]
        await self._ending.wait()
        for task in listening:
            task.cancel()
        await asyncio.gather(*listening, return_exceptions=True)

    async def _one(self, told: Told) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", self._port)
        writer.write(b"GET /api/stream HTTP/1.1\r\nHost: localhost\r\nAccept: text/event-stream\r\n\r\n")
        try:
            while line := await reader.readline():
                told.bytes += len(line)
                if line.startswith(b"event: "):
                    told.events.append((time.time(), line[7:].strip().decode()))
        finally:
            writer.close()


class Tab:
    """The desk in a tab: what it asks and what it holds."""

    def __init__(self, page: Page) -> None:
        self.asked: list[tuple[float, str, str]] = []
        page.on("request", self._note)
        self._page = page
        self._devtools = page.context.new_cdp_session(page)
        self._devtools.send("Performance.enable")
        self._devtools.send("HeapProfiler.enable")

    def _note(self, request: Request) -> None:
        path = urlsplit(request.url).path
        self.asked.append((time.time(), request.method, re.sub(r"/\d+(?=/|$)", "/{id}", path)))

    def held(self) -> tuple[float, int, int]:
        """MiB of JavaScript's heap after a collection, DOM nodes, listeners."""
        self._devtools.send("HeapProfiler.collectGarbage")
        found = {one["name"]: one["value"] for one in self._devtools.send("Performance.getMetrics")["metrics"]}
        return found["JSHeapUsedSize"] / 2**20, int(found["Nodes"]), int(found["JSEventListeners"])

    def wait(self, seconds: float) -> None:
        """Let it live."""
        self._page.wait_for_timeout(seconds * 1000)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=60.0)
    parser.add_argument("--tabs", type=int, default=1, help="tabs on the desk, the first of which is watched")
    parser.add_argument("--clients", type=int, default=200, help="listeners without a browser at the end")
    parser.add_argument("--program", nargs="*", default=["-m", "alphaforge"], help="what is started, with its options")
    asked = parser.parse_args()
    spell = max(20.0, min(60.0, asked.minutes * 6))
    with tempfile.TemporaryDirectory() as name, server(Path(name), None, program=tuple(asked.program)) as desk:
        time.sleep(SETTLING)
        console.print(
            f"the server alone: {work_of(desk, spell):.0f} ms of CPU a minute, {resident(desk.process.pid):.1f} MiB"
        )
        with Ears(desk.url, 1) as ears:
            course, requests = live(desk, asked.minutes, asked.tabs)
            [told] = ears.told
        bad = report(course, requests, told)
        work, sent, held = crowd(desk, asked.clients, spell)
    console.print(
        f"one listener, of {asked.clients}: {work:.2f} ms of CPU a minute, {sent / 1000:.1f} KB sent a minute,"
        f" {held:.1f} KiB of memory"
    )
    return bad


def live(desk: Server, minutes: float, tabs: int) -> tuple[list[Minute], list[tuple[float, str, str]]]:
    """The tab's minutes, and what it asked after it had settled; the first request is of the load."""
    course: list[Minute] = []
    with chromium() as browser:
        context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
        pages = [context.new_page() for _ in range(tabs)]
        tab = Tab(pages[0])
        for page in reversed(pages):
            page.goto(f"{desk.url}/#/desk")
        tab.wait(SETTLING)
        loaded = len(tab.asked)
        console.print(f"the load: {loaded} requests: {tally(tab.asked)}")
        console.print("minute  requests  heap MiB  nodes  listeners  server MiB  server CPU ms/min")
        before = worked(desk.process.pid)
        began = time.time()
        for minute in range(1, max(2, round(minutes)) + 1):
            tab.wait(max(0.0, began + minute * 60 - time.time()))
            work = worked(desk.process.pid)
            one = Minute(
                minute, len(tab.asked) - loaded, *tab.held(), resident(desk.process.pid), (work - before) * 1e3
            )
            before = work
            course.append(one)
            console.print(
                f"{one.minute:>6.0f} {one.requests:>9} {one.heap:>9.2f} {one.nodes:>6} {one.listeners:>10}"
                f" {one.resident:>11.1f} {one.work:>18.0f}",
            )
        return course, tab.asked[loaded:]


def work_of(desk: Server, seconds: float) -> float:
    """Milliseconds of CPU a minute that the server takes meanwhile."""
    before = worked(desk.process.pid)
    time.sleep(seconds)
    return (worked(desk.process.pid) - before) / seconds * 60_000


def crowd(desk: Server, clients: int, seconds: float) -> tuple[float, float, float]:
    """Of each of so many who listen: milliseconds of CPU and bytes a minute, KiB of the server's memory."""
    alone, before = work_of(desk, seconds), resident(desk.process.pid)
    with Ears(desk.url, clients) as ears:
        time.sleep(2)
        sent = sum(told.bytes for told in ears.told)
        work = work_of(desk, seconds)
        sent = sum(told.bytes for told in ears.told) - sent
        held = resident(desk.process.pid) - before
    return (work - alone) / clients, sent / clients / seconds * 60, held * 1024 / clients


def tally(asked: Sequence[tuple[float, str, str]]) -> str:
    counted = Counter(f"{method} {path}" for _, method, path in asked)
    return json.dumps(dict(counted.most_common()))


def slope(points: Sequence[tuple[float, float]]) -> tuple[float, float]:
    """By how much the second coordinate grows with the first, and twice its standard error."""
    count = len(points)
    mean_x, mean_y = (sum(point[i] for point in points) / count for i in (0, 1))
    spread = sum((x - mean_x) ** 2 for x, _ in points)
    rise = sum((x - mean_x) * (y - mean_y) for x, y in points) / spread
    if count < 3:
        return rise, float("inf")
    rest = sum((y - mean_y - rise * (x - mean_x)) ** 2 for x, y in points)
    return rise, 2 * (rest / (count - 2) / spread) ** 0.5


def report(course: list[Minute], asked: list[tuple[float, str, str]], told: Told) -> int:
    """Print the verdicts; 1 where one is bad."""
    unasked = [one for one in asked if not told.explains(one[0])]
    happened = Counter(kind for _, kind in told.events)
    console.print(f"the stream told: {json.dumps(dict(happened.most_common()))}; {told.bytes / 1000:.0f} KB")
    console.print(f"asked after the load: {len(asked)}: {tally(asked)}")
    console.print(f"without an event before it: {len(unasked)}: {tally(unasked)}")
    steady = [one for one in course if one.minute > WARM_UP * len(course)]
    flat = True
    for what, unit, read in (
        ("heap of the tab", "KiB", lambda one: one.heap * 1024),
        ("nodes of the tab", "", lambda one: float(one.nodes)),
        ("listeners of the tab", "", lambda one: float(one.listeners)),
        ("memory of the server", "KiB", lambda one: one.resident * 1024),
    ):
        rise, doubt = slope([(one.minute, read(one)) for one in steady])
        verdict = "grows" if rise > doubt and rise > 0 else "flat, as far as can be told"
        flat &= "grows" not in verdict
        console.print(f"{what}: {rise:+.2f} +- {doubt:.2f} {unit} a minute: {verdict}")
    return 0 if flat and not unasked else 1


if __name__ == "__main__":
    sys.exit(main())
