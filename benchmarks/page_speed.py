"""How long does the page of signals take for what its reader does, over 100,000 signals, in a real Chromium?

From the input to the picture that shows its result, with everything that the server does for it on the way; no answer
is asked for twice, so none comes from a cache. It needs the web client (`make web`) and a Chromium on the PATH.
"""

import sqlite3
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from playwright.sync_api import Page

from alphaforge.signals.explain import decision_to_dict
from benchmarks.data import new_database
from benchmarks.report import median, percentile, show
from benchmarks.servers import alphaforge
from browser import WIDE, chromium
from builders import decision

MOST_MS = 100.0
"""What an interaction may take."""

_WATCH = """
window.longest = 0;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) window.longest = Math.max(window.longest, entry.duration);
}).observe({ type: "longtask", buffered: true });

// The time from an action to the frame in which its result is on the screen.
window.timed = async (act, isThere) => {
  const frame = () => new Promise((done) => requestAnimationFrame(() => setTimeout(done)));
  await frame();
  const begun = performance.now();
  act();
  const deadline = begun + 10_000;
  while (!isThere()) {
    if (performance.now() > deadline) throw new Error(`nothing came of ${act}`);
    await new Promise((done) => setTimeout(done));
  }
  await frame();
  return performance.now() - begun;
};
window.box = () => document.querySelector("[role=region] table").parentElement;
window.row = (place) => document.querySelector(`[data-place="${place}"]`);
window.press = (on, key) => on.dispatchEvent(new KeyboardEvent("keydown", { key, bubbles: true }));
window.count = () => document.querySelector("#main .counts [role=status]").textContent;
window.loaded = () => Number(document.querySelector("tbody").dataset.loaded);
"""


def run(signals: int = 100_000, rounds: int = 20, pages: int = 100) -> None:
    """Fill a database, open the page over it, and do everything several times."""
    folder = Path(tempfile.mkdtemp())
    database = folder / "filled.db"
    new_database(database, signals=signals, entries=0)
    _explain(database)
    with alphaforge(folder / "desk", database) as desk, _page(f"{desk.url}/#/signals") as page:
        _report("filter by another confidence", [_filter(page, at) for at in range(rounds)])
        page.get_by_role("button", name="Clear filters").click()
        _report("next page at the end of what is there", [_next_page(page) for _ in range(pages)])
        loaded = int(page.evaluate("loaded()"))
        _report(
            f"scroll within {loaded:,} rows", _times(rounds, lambda at: _scroll(page, (at * 37 + 11) * 97 % loaded))
        )
        _report("open a signal", _times(rounds, lambda at: _open(page, at)))
        page.evaluate("row(0) ?? box().scrollTo(0, 0)")
        _report("go to the next signal, with its votes", _walk(page, rounds))
        _report("turn the order around", [_turn(page, at) for at in range(rounds)])
        rows = page.locator("tr[aria-rowindex]").count()
        show("rows in the page", f"{rows} of {signals:,}", "below 100", met=rows < 100)
        show("longest that anything else had to wait", f"{page.evaluate('longest'):.0f} ms")


@contextmanager
def _page(url: str) -> Iterator[Page]:
    with chromium() as browser:
        context = browser.new_context(viewport={"width": WIDE[0], "height": WIDE[1]})
        context.add_init_script(_WATCH)
        page = context.new_page()
        page.goto(url)
        page.get_by_role("link", name="Signal 1").first.wait_for()
        yield page
        context.close()


def _times(rounds: int, one: Callable[[int], float]) -> list[float]:
    return [one(at) for at in range(rounds)]


def _filter(page: Page, at: int) -> float:
    return _timed(
        page,
        f"""() => {{
          window.before = count();
          const field = document.querySelector("input[placeholder='0 to 100']");
          field.value = "{45 + at}.5";
          field.dispatchEvent(new Event("input", {{ bubbles: true }}));
        }}""",
        "() => count() !== before",
    )


def _next_page(page: Page) -> float:
    act = "() => { window.before = loaded(); box().scrollTop = box().scrollHeight; }"
    return _timed(page, act, "() => loaded() > before")


def _scroll(page: Page, place: int) -> float:
    return _timed(page, f"() => box().scrollTop = {place} * 36", f"() => row({place}) !== null")


def _open(page: Page, at: int) -> float:
    page.evaluate(f"box().scrollTop = {at * 50} * 36")
    page.locator(f"[data-place='{at * 50}']").wait_for()
    took = _timed(
        page,
        f"() => row({at * 50}).closest('tr').click()",
        "() => document.querySelector('dialog[open] table') !== null",
    )
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    return took


def _walk(page: Page, rounds: int) -> list[float]:
    page.locator("[data-place]").first.click()
    page.get_by_role("dialog").get_by_role("table").first.wait_for()
    took = [
        _timed(
            page,
            """() => { window.before = document.querySelector("dialog h2").textContent;
                       press(document.querySelector("dialog"), "j"); }""",
            """() => document.querySelector("dialog h2").textContent !== before &&
                     document.querySelector("dialog[open] table") !== null""",
        )
        for _ in range(rounds)
    ]
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")
    return took


def _turn(page: Page, at: int) -> float:
    """With another filter each time, or the answer would be a kept one."""
    page.get_by_label("Confidence from").fill(f"{41 + at // 2}.25")
    page.wait_for_function("document.querySelector('table').getAttribute('aria-busy') === 'false'")
    page.wait_for_timeout(300)
    act = """() => { window.before = row(0).ariaLabel; document.querySelector("th button").click(); }"""
    return _timed(page, act, "() => row(0) !== null && row(0).ariaLabel !== before")


def _timed(page: Page, act: str, is_there: str) -> float:
    return float(page.evaluate(f"timed({act}, {is_there})"))


def _report(what: str, took: list[float]) -> None:
    figures = f"{median(took):.0f}, {percentile(took, 0.95):.0f}, {max(took):.0f} ms"
    show(f"{what}: median, p95, worst", figures, f"below {MOST_MS:.0f} ms", met=max(took) < MOST_MS)


def _explain(path: Path) -> None:
    """Give every signal the trace of a decision, as the strategy leaves one."""
    trace = msgspec.json.encode(decision_to_dict(decision()) | {"context": None}).decode()
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("UPDATE trading_signals SET decision = ?", (trace,))
    connection.close()


if __name__ == "__main__":
    run()
