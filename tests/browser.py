"""A real Chromium that looks at a real server, and what a page must never do while it is looked at."""

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, Response, expect, sync_playwright

from servers import Unavailable

WIDE, PHONE = (1440, 900), (390, 844)
MOST_SHIFT = 0.05
"""The layout shift (CLS) that a page may add up to."""

_PATIENCE_MS = 30_000
"""A busy machine is no fault of the page."""
_AXE = Path(__file__).parents[1] / "web" / "node_modules" / "axe-core" / "axe.min.js"
_NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_FLAGS = (
    *("--disable-background-networking", "--disable-component-update", "--disable-gpu", "--disable-quic"),
    *("--disable-sync", "--no-first-run"),
)
_WATCH = """
window.watched = { shift: 0, refused: [] };
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.watched.shift += entry.value;
}).observe({ type: "layout-shift", buffered: true });
addEventListener("securitypolicyviolation", (event) => {
  window.watched.refused.push(`${event.violatedDirective} ${event.blockedURI} ${event.sample}`);
});
"""

expect.set_options(timeout=_PATIENCE_MS)


def chromium_path() -> str:
    """The machine's Chromium; root without one tries to install it. Raises Unavailable."""
    with Path(tempfile.gettempdir(), "alphaforge-chromium.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # several test processes come here at once
        found = _found()
        if found is None and os.geteuid() == 0 and shutil.which("apt-get"):
            subprocess.run(["apt-get", "install", "--yes", "--quiet", "chromium"], check=False, capture_output=True)  # noqa: S607 - Debian's
            found = _found()
    if found is None:
        message = "no Chromium on the PATH, and none could be installed: `apt-get install chromium`"
        raise Unavailable(message)
    return found


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    flags = [*_FLAGS, "--no-sandbox"] if os.geteuid() == 0 else [*_FLAGS]
    path = chromium_path()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=flags)
        yield browser
        browser.close()


@dataclass
class Visit:
    """A page in a context of its own, and all that went wrong on it.

    `forgiven`: what a test brings about itself, by a part of its text; for instance the requests of a page whose
    server was killed.
    """

    page: Page
    forgiven: list[str] = field(default_factory=list)
    _wrong: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Listen from the first request on."""
        self.page.on("console", self._console)
        self.page.on("pageerror", lambda error: self._wrong.append(f"page error: {error}"))
        self.page.on("requestfailed", lambda request: self._wrong.append(f"failed: {request.url} {request.failure}"))
        self.page.on("response", self._response)

    def wrong(self) -> list[str]:
        """Console errors, failed requests and refused content so far, without the forgiven."""
        refused: list[str] = self.page.evaluate("window.watched.refused")
        everything = [*self._wrong, *(f"refused by policy: {one}" for one in refused)]
        return [one for one in everything if not any(part in one for part in self.forgiven)]

    def shift(self) -> float:
        """The layout shift since the page was loaded."""
        return float(self.page.evaluate("window.watched.shift"))

    def serious_faults(self) -> list[str]:
        """What axe finds of serious and critical accessibility faults on the page as it is now."""
        self.page.evaluate(_AXE.read_text())
        found: list[dict[str, Any]] = self.page.evaluate(
            "axe.run({ resultTypes: ['violations'] }).then(r => r.violations)"
        )
        return [
            f"{one['id']}: {one['help']} {[node['target'] for node in one['nodes']][:5]}"
            for one in found
            if one["impact"] in {"serious", "critical"}
        ]

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self._wrong.append(f"console {message.type}: {message.text}")

    def _response(self, response: Response) -> None:
        if response.status >= 400:
            self._wrong.append(f"answered {response.status}: {response.request.method} {response.url}")


@contextmanager
def visiting(
    browser: Browser, url: str, *, size: tuple[int, int] = WIDE, dark: bool = False, zone: str = "Europe/London"
) -> Iterator[Visit]:
    """A visit to an address; when it ends, it must have gone without console errors, failed requests and refusals.

    Requests that the page itself breaks off (it was left, a newer one took their place) are no failures.
    """
    context = browser.new_context(
        viewport={"width": size[0], "height": size[1]},
        color_scheme="dark" if dark else "light",
        timezone_id=zone,
        locale="en-GB",
        reduced_motion="reduce",
    )
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(_WATCH)
    try:
        visit = Visit(context.new_page(), forgiven=["net::ERR_ABORTED"])
        visit.page.goto(url)
        yield visit
        assert (wrong := visit.wrong()) == [], wrong
    finally:
        context.close()
