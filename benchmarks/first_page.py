"""How heavy is the first page, and how soon is it of use?

The desk in a real browser on loopback: with nothing kept (cold), and again in the same browser (warm). The reference is
a plain answer of the same server shown by the same browser, `/health/live`: what none of it can be faster than.
"""

import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.machine import cores
from benchmarks.report import median, show
from benchmarks.servers import Server, server

sys.path.append(str(Path(__file__).parents[1] / "tests"))
from playwright.sync_api import Browser, BrowserContext, Page

from browser import MOST_SHIFT, WIDE, chromium

TIMES = 10
SCRIPT_LIMIT = 150_000
_PATIENCE_MS = 30_000

WATCH = """
window.seen = { useful: null, shift: 0 };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.seen.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
(function look() {
  const isThere = [...document.querySelectorAll("main .price")].some((one) => /[0-9]/.test(one.textContent));
  if (isThere) requestAnimationFrame(() => (window.seen.useful = performance.now()));
  else requestAnimationFrame(look);
})();
"""
"""The first price within the page; the frame after the one in which it is there has painted it."""

FOUND = """
() => {
  const files = performance.getEntriesByType("resource");
  const bytes = (some) => some.reduce((sum, one) => sum + one.encodedBodySize, 0);
  const isScript = (one) => one.name.endsWith(".js");
  const page = performance.getEntriesByType("navigation")[0];
  return {
    paint: performance.getEntriesByName("first-contentful-paint")[0]?.startTime ?? null,
    useful: window.seen.useful, shift: window.seen.shift,
    script: bytes(files.filter(isScript)), everything: bytes(files) + page.encodedBodySize,
    requests: files.length + 1, transferred: 1 + files.filter((one) => one.transferSize > 0).length,
    foreign: files.filter((one) => new URL(one.name).origin !== location.origin).length,
  };
}
"""


@dataclass(frozen=True, slots=True)
class Load:
    """One load of a page; times in ms since it was asked for, None where it did not come to that."""

    paint: float
    useful: float | None
    shift: float
    script: int
    everything: int
    requests: int
    transferred: int
    foreign: int


def run(times: int = TIMES) -> None:
    """Print the figures."""
    print(f"the first page in a Chromium of {WIDE[0]} x {WIDE[1]}, median of {times}, {len(cores())} cores for both")
    with tempfile.TemporaryDirectory() as name, server(Path(name), None) as desk, chromium() as browser:
        _one(browser, desk, "/#/desk")  # the server has put everything together after this
        pairs = [_one(browser, desk, "/#/desk") for _ in range(times)]
        plain = [_one(browser, desk, "/health/live") for _ in range(times)]
    cold, warm = ([pair[number] for pair in pairs] for number in (0, 1))
    _weight(cold[0], warm[0])
    for what, loads, reference in (("cold", cold, 0), ("warm", warm, 1)):
        least = median([pair[reference].paint for pair in plain])
        _times(what, loads, least)
    worst = max(load.shift for load in (*cold, *warm))
    show("layout shift, the most of all", f"{worst:.3f}", f"<= {MOST_SHIFT}", met=worst <= MOST_SHIFT)


def _one(browser: Browser, desk: Server, path: str) -> tuple[Load, Load]:
    """A first visit and a second one by the same browser."""
    context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
    context.add_init_script(WATCH)
    try:
        first = _load(context, desk.url + path)
        return first, _load(context, desk.url + path)
    finally:
        context.close()


def _load(context: BrowserContext, url: str) -> Load:
    page = context.new_page()
    page.goto(url)
    if "#" in url:
        _await_price(page)
    page.wait_for_function("() => performance.getEntriesByName('first-contentful-paint').length", timeout=_PATIENCE_MS)
    found: dict[str, Any] = page.evaluate(FOUND)
    page.close()
    return Load(**found)


def _await_price(page: Page) -> None:
    page.wait_for_function("() => window.seen.useful !== null", timeout=_PATIENCE_MS)
    page.wait_for_function("() => !document.querySelector('[aria-busy=true]')", timeout=_PATIENCE_MS)
    page.wait_for_load_state("load")


def _weight(cold: Load, warm: Load) -> None:
    show(
        "JavaScript as transferred",
        f"{cold.script / 1000:.1f} KB",
        f"<= {SCRIPT_LIMIT / 1000:.0f} KB",
        met=cold.script <= SCRIPT_LIMIT,
    )
    show("everything as transferred", f"{cold.everything / 1000:.1f} KB")
    show("requests; of them over the wire when warm", f"{cold.requests}; {warm.transferred}")
    show("requests to anybody else", f"{cold.foreign}", "none", met=cold.foreign == 0)


def _times(what: str, loads: Sequence[Load], least: float) -> None:
    paint, useful = (median([getattr(load, name) for load in loads]) for name in ("paint", "useful"))
    show(f"{what}: a plain answer; first paint; first price", f"{least:.0f}; {paint:.0f}; {useful:.0f} ms")
    show("  beyond the plain answer", f"{paint - least:+.0f}; {useful - least:+.0f} ms")
