"""Every page of the web client, as a stranger meets it."""

import pytest
from playwright.sync_api import Browser, expect
from processes import Server

from browser import MOST_SHIFT, PHONE, WIDE, visiting

PAGES = {
    "desk": "Desk",
    "signals": "Signals",
    "record": "Track record",
    "journal": "Journal",
    "backtest": "Backtest",
    "performance": "Performance",
    "settings": "Settings",
}


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_each_page_stands_still_can_be_used_by_everybody_and_has_nothing_to_complain_of(
    browser: Browser, desk: Server, size: tuple[int, int]
) -> None:
    with visiting(browser, "about:blank", size=size, dark=size == PHONE) as visit:
        page = visit.page
        for name, title in PAGES.items():
            page.goto("about:blank")  # so that each is loaded as the first
            page.goto(f"{desk.url}/#/{name}")
            expect(page.get_by_role("heading", level=1, name=title)).to_be_visible()
            expect(page.locator("[aria-busy=true]")).to_have_count(0)
            assert visit.serious_faults() == [], name
            assert visit.shift() <= MOST_SHIFT, name
            width = page.evaluate("document.documentElement.scrollWidth")
            assert width <= size[0], f"{name} is wider than the screen"
            assert visit.wrong() == [], name
