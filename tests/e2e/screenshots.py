"""Every page and its main states as pictures: 390 and 1440 px wide, light and dark, and a sheet to look at them.

    python tests/e2e/screenshots.py [--only NAME ...] [--out FOLDER]

A desk with a past (signals and how they ended, a journal, backtests, alerts that arrived and alerts that did not) and a
willing strategy, and an empty one. The pictures go to test-artifacts/screenshots, beside them `index.html` and a sheet
of each width and theme. `--only`: those whose names begin so.
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from filled_desk import filled_desk
from playwright.sync_api import Browser, BrowserContext, Error, Page, expect
from processes import Server, server, until

sys.path.append(str(Path(__file__).parents[1]))
from browser import PHONE, WIDE, chromium

OUT = Path(__file__).parents[2] / "test-artifacts" / "screenshots"
PATIENCE_MS = 4_000
TALLEST = 6_000
SETTLED_MS = 250
"""For charts, which draw in the next frames."""

Prepare = Callable[[Page], None]


def as_it_is(page: Page) -> None:
    """Nothing has to be done."""


def press(*names: str) -> Prepare:
    """Press one button after the other."""

    def pressed(page: Page) -> None:
        for name in names:
            page.get_by_role("button", name=name).first.click()

    return pressed


@dataclass(frozen=True)
class Shot:
    """A state of a page, and how one comes there."""

    name: str
    place: str
    prepare: Prepare = as_it_is
    is_dialog: bool = False


FILLED = (
    Shot("desk", "#/desk"),
    Shot("signals", "#/signals"),
    Shot("signals-drawer", "#/signals?id={signal}", is_dialog=True),
    Shot("signals-none", "#/signals?status=CANCELLED&symbol=USD_JPY&from=2020-01-01&to=2020-01-02"),
    Shot("record", "#/record"),
    Shot("journal", "#/journal"),
    Shot("journal-new", "#/journal", press("New entry"), is_dialog=True),
    Shot("journal-wrong", "#/journal", press("New entry", "Save"), is_dialog=True),
    Shot("journal-figures", "#/journal?show=figures"),
    Shot("backtest", "#/backtest"),
    Shot("backtest-new", "#/backtest?new=1"),
    Shot("backtest-one", "#/backtest?id={backtest}"),
    Shot("backtest-compare", "#/backtest?compare=1,2"),
    Shot("performance", "#/performance"),
    Shot("settings", "#/settings"),
)
EMPTY = tuple(Shot(f"empty-{name}", f"#/{name}") for name in ("desk", "signals", "record", "journal", "backtest"))
EMPTY += (Shot("empty-journal-figures", "#/journal?show=figures"),)
LOCKED = (Shot("key", "#/desk", is_dialog=True),)
GONE = (Shot("server-gone", "#/desk"), Shot("server-gone-signals", "#/signals"))


class Camera:
    """Takes each state in both widths and both themes."""

    def __init__(self, browser: Browser, out: Path, only: tuple[str, ...]) -> None:
        self._out = out
        self._only = only
        self._browser = browser
        self.taken: list[str] = []
        self.failed: list[str] = []

    def all(self, shots: tuple[Shot, ...], url: str, numbers: dict[str, int] | None = None) -> None:
        """Every one of these states."""
        wanted = [one for one in shots if one.name.startswith(self._only)]
        for width, _ in (WIDE, PHONE):
            with self._page(width) as page:
                for one in wanted:
                    self.one(page, one, url + "/" + one.place.format(**(numbers or {})), width)

    def gone(self, shots: tuple[Shot, ...], desk: Server) -> None:
        """States of pages whose server is killed under them."""
        with ExitStack() as stack:
            pages = []
            for one in (one for one in shots if one.name.startswith(self._only)):
                for width, _ in (WIDE, PHONE):
                    page = stack.enter_context(self._page(width))
                    page.goto(f"{desk.url}/{one.place}")
                    page.locator("h1").wait_for()
                    pages.append((page, one, width))
            desk.kill()
            for page, one, width in pages:
                page.get_by_text("No connection to the server").wait_for()
                self._take(page, one, width)

    def one(self, page: Page, shot: Shot, url: str, width: int) -> None:
        """One state."""
        try:
            page.goto("about:blank")
            page.goto(url)
            self._settle(page)
            shot.prepare(page)
            self._settle(page)
        except (Error, AssertionError) as error:
            self.failed.append(f"{shot.name} at {width}: {str(error).splitlines()[0]}")
        self._take(page, shot, width)

    def _settle(self, page: Page) -> None:
        page.locator("h1, dialog").first.wait_for()
        expect(page.locator("body:not(:has(dialog)) [aria-busy=true]")).to_have_count(0, timeout=PATIENCE_MS)
        page.wait_for_timeout(SETTLED_MS)

    def _take(self, page: Page, shot: Shot, width: int) -> None:
        if not shot.is_dialog:  # rather than a full page's picture, in which what is fixed hangs in the middle
            height = int(page.evaluate("document.documentElement.scrollHeight"))
            page.set_viewport_size({"width": width, "height": min(height, TALLEST)})
        for theme in ("light", "dark"):
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light", reduced_motion="reduce")
            page.wait_for_timeout(100)
            name = f"{shot.name}-{width}-{theme}.png"
            page.screenshot(path=self._out / name)
            self.taken.append(name)
        page.emulate_media(color_scheme="light")
        page.set_viewport_size({"width": width, "height": height_of(width)})

    @contextmanager
    def _page(self, width: int) -> Iterator[Page]:
        context: BrowserContext = self._browser.new_context(
            viewport={"width": width, "height": height_of(width)}, timezone_id="Europe/London", locale="en-GB"
        )
        context.set_default_timeout(PATIENCE_MS)
        try:
            yield context.new_page()
        finally:
            context.close()

    def sheets(self) -> None:
        """The pictures side by side: a page of all, and one picture for each width and theme."""
        (self._out / "index.html").write_text(sheet(self.taken, 300))
        with self._page(WIDE[0]) as page:
            for ending in (f"{width}-{theme}" for width, _ in (WIDE, PHONE) for theme in ("light", "dark")):
                some = [name for name in self.taken if name.endswith(f"{ending}.png")]
                scratch = self._out / "sheet.html"
                scratch.write_text(sheet(some, 680 if str(WIDE[0]) in ending else 220))
                page.goto(scratch.as_uri())
                page.wait_for_load_state("load")
                page.screenshot(path=self._out / f"sheet-{ending}.png", full_page=True)
                scratch.unlink()


def height_of(width: int) -> int:
    return WIDE[1] if width == WIDE[0] else PHONE[1]


def sheet(names: list[str], width: int) -> str:
    """A page of pictures with their names."""
    figures = "".join(
        f'<figure><a href="{escape(name)}"><img src="{escape(name)}" width="{width}" alt=""></a>'
        f"<figcaption>{escape(name.removesuffix('.png'))}</figcaption></figure>"
        for name in names
    )
    look = (
        "body{display:flex;flex-wrap:wrap;gap:12px;align-items:flex-start;font:12px sans-serif;background:#888}"
        "figure{margin:0} img{max-height:1400px;object-fit:cover;object-position:top}"
    )
    return f"<!doctype html><meta charset=utf-8><title>Screenshots</title><style>{look}</style>{figures}"


def main() -> int:
    """Take them; 1 where a state could not be shown."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="*", default=[""], help="names begin so")
    parser.add_argument("--out", type=Path, default=OUT)
    asked = parser.parse_args()
    asked.out.mkdir(parents=True, exist_ok=True)
    began = time.monotonic()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        for name in ("filled", "empty", "locked"):
            (folder / name).mkdir()
        filled, numbers = stack.enter_context(filled_desk(folder / "filled"))
        camera = Camera(stack.enter_context(chromium()), asked.out, tuple(asked.only))
        with server(folder / "empty", None) as desk:
            camera.all(EMPTY, desk.url)
        with server(folder / "locked", None, until_ready=False, API_KEY="screenshots") as desk:
            until(lambda: "status" in desk.get("/health/live"), "it answers", desk.process)
            camera.all(LOCKED, desk.url)
        camera.all(FILLED, filled.url, numbers)
        camera.gone(GONE, filled)
        camera.sheets()
    print(f"{len(camera.taken)} pictures in {time.monotonic() - began:.0f} s: {asked.out / 'index.html'}")  # noqa: T201
    for one in camera.failed:
        print(f"could not be shown: {one}")  # noqa: T201
    return 1 if camera.failed else 0


if __name__ == "__main__":
    sys.exit(main())
