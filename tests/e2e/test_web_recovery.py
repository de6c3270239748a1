"""The page when its server hangs, dies and comes back: what it says meanwhile, and that nobody has to do anything."""

import re
import signal
from pathlib import Path

from playwright.sync_api import Browser, Locator, Page, expect
from processes import free_port, server

from browser import visiting

SIGNAL = {"symbol": "USD/JPY", "direction": "SELL", "entry": 151.2, "stop_loss": 151.5, "tp1": 150.6}
SILENT_MS = 27_000
"""Longer than any server that lives leaves its listeners without a word."""
LONGEST_WAIT_MS = 12_500
"""Between two attempts to connect."""
UNTIL_SAID_MS = 3_000
"""A break that is over sooner is nobody's news."""
BROKEN = ("net::ERR_CONNECTION_REFUSED", "net::ERR_CONNECTION_RESET", "net::ERR_INCOMPLETE_CHUNKED_ENCODING")
"""What a browser itself writes of a connection that breaks; nothing else is forgiven."""


def no_connection(page: Page) -> Locator:
    return page.get_by_text("No connection to the server")


def prices(page: Page) -> Locator:
    """The cards of instruments with a price, of which there is one: the server begins sooner so."""
    return page.get_by_role("listitem").filter(has=page.locator(".price", has_text=re.compile(r"\d")), has_text="Bid")


def clock(page: Page) -> Locator:
    return page.get_by_role("group", name="Market time and session")


def says_what_is_from_before(page: Page) -> None:
    """The market is still known to be simulated, its time stands, and the chart says which candles it has."""
    expect(page.get_by_role("link", name="Simulated market")).to_be_visible()
    expect(clock(page)).to_contain_text("Market time as of")
    stands = clock(page).text_content()
    page.clock.fast_forward(5_000)
    expect(clock(page)).to_have_text(str(stands))
    page.get_by_role("radio", name="M5", exact=True).press("ArrowRight")
    expect(page.get_by_text("Still drawn: USD/JPY in candles of M5")).to_be_visible()
    expect(page.get_by_role("group", name="Chart of USD/JPY, M5")).to_be_visible()


def test_a_server_that_hangs_or_dies_is_noticed_said_and_found_again(browser: Browser, tmp_path: Path) -> None:
    port = free_port()
    with visiting(browser, "about:blank") as visit:
        page = visit.page
        page.clock.install()
        stale = prices(page).filter(has_text="stale")
        with server(tmp_path, None, port=port, INSTRUMENTS="USD_JPY") as first:
            page.goto(f"{first.url}/#/desk")
            expect(prices(page)).to_have_count(1)
            expect(page.get_by_role("group", name="Chart of USD/JPY, M5")).to_be_visible()  # what is left when it dies
            expect(stale).to_have_count(0)

            first.process.send_signal(signal.SIGSTOP)
            page.clock.fast_forward(SILENT_MS)
            page.clock.fast_forward(UNTIL_SAID_MS)
            expect(no_connection(page)).to_be_visible()
            expect(stale).to_have_count(1)
            first.process.send_signal(signal.SIGCONT)
            expect(no_connection(page)).to_have_count(0)
            expect(stale).to_have_count(0)

            visit.forgiven += BROKEN
            first.kill()
            page.clock.fast_forward(UNTIL_SAID_MS)
            expect(no_connection(page)).to_be_visible()
            expect(stale).to_have_count(1)
            says_what_is_from_before(page)
        with server(tmp_path, None, port=port, INSTRUMENTS="USD_JPY") as second:
            page.clock.fast_forward(LONGEST_WAIT_MS)
            expect(no_connection(page)).to_have_count(0)
            expect(stale).to_have_count(0)
            expect(clock(page)).not_to_contain_text("as of")
            expect(page.get_by_text("Still drawn")).to_have_count(0)
            number = second.post("/api/signals", SIGNAL)["signal"]["id"]
            newest = page.get_by_role("link", name="USD/JPY").and_(page.locator(f"[href*='id={number}']"))
            expect(newest).to_be_visible()
