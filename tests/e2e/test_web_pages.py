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
@pytest.mark.parametrize("page", PAGES)
def test_a_page_stands_still_can_be_used_by_everybody_and_has_nothing_to_complain_of(
    browser: Browser, desk: Server, page: str, size: tuple[int, int]
) -> None:
    dark = size == PHONE
    with visiting(browser, f"{desk.url}/#/{page}", size=size, dark=dark) as visit:
        expect(visit.page.get_by_role("heading", level=1, name=PAGES[page])).to_be_visible()
        expect(visit.page.locator("[aria-busy=true]")).to_have_count(0)
        assert visit.serious_faults() == []
        assert visit.shift() <= MOST_SHIFT
        width = visit.page.evaluate("document.documentElement.scrollWidth")
        assert width <= size[0], "the page is wider than the screen"
