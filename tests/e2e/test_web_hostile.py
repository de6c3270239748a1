"""Texts that want to be programs, and texts that want to break the page: shown as what they are."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Page, expect
from processes import Server, server

from browser import PHONE, visiting

MARKUP = "<img src=x onerror=\"pwned=1\"><script>pwned=1</script><svg onload='pwned=1'>{@html 1}${1}{{1}}"
"""What every place must show letter by letter."""
BREAKS_OUT = "\"'><a href='javascript:pwned=1'>javascript:pwned=1</a> \u202edesrever\u202c"
WORD = "W" * 600
EMOJI = "👩‍👩‍👧‍👦🏴‍☠️🇬🇧" * 20
LONG = f"{MARKUP} {BREAKS_OUT} {EMOJI} {WORD} " + "and so on, " * 900

PICTURES = {
    "entry": "https://elsewhere.example/pwned.png",
    "exit": "javascript:pwned=1",
    "analysis": "data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' onload='pwned=1'%3E%3C/svg%3E",
}
SIGNAL = {
    "symbol": "GBP/USD",
    "direction": "BUY",
    "entry": 1.31,
    "stop_loss": 1.308,
    "tp1": 1.314,
    "reasoning": LONG[:20_000],
    "notes": LONG[:20_000],
    "tags": f"{MARKUP},{WORD[:90]}"[:200],
    "market_condition": "<b>bold</b>" + WORD[:30],
    "session": "<i>pwned</i>",
    "signal_strength": "<u>strong</u>",
}
ENTRY = {
    "openTime": "2026-03-02 08:15",
    "closeTime": "2026-03-02 10:15",
    "symbol": "GBPUSD",
    "type": "BUY",
    "lots": 0.25,
    "entry": 1.31,
    "exit": 1.3125,
    "pl": 62.5,
    "setup": MARKUP[:100],
    "tags": [MARKUP, WORD[:200], EMOJI[:30], "\u202edesrever"],
    "notes": LONG,
    "screenshots": PICTURES,
}

KEPT = {
    "alphaforge.signal-views": json.dumps(
        [{"name": MARKUP, "query": f"status={MARKUP}"}, {"name": WORD[:40], "query": ""}]
    ),
    "alphaforge.preferences": json.dumps({"theme": MARKUP, "zone": MARKUP, "hideMoney": MARKUP}),
    "alphaforge.chart": "[cut off",
}
"""What the browser kept, by somebody else's hand or another version's."""

QUERY = f"status={quote(MARKUP)}&symbol={quote(BREAKS_OUT)}&id={quote(MARKUP)}&show={quote(MARKUP)}&from={quote(WORD)}"
PAGES = ("desk", "signals", "record", "journal", "backtest", "performance", "settings")
FOREIGN = "img[src='x'], [onerror], [onload], main script, dialog script, a[href^='javascript:'], img[src^='http']"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, int, int]]:
    """A desk full of such texts; the numbers of a signal and an entry."""
    with server(tmp_path_factory.mktemp("hostile"), None) as desk:
        signal = desk.post("/api/signals", SIGNAL)["signal"]["id"]
        entry = desk.post("/api/journal/entries", ENTRY | {"signal_id": signal})["id"]
        desk.post("/api/journal/entries", ENTRY | {"setup": WORD[:100], "notes": WORD})
        yield desk, signal, entry


def hold(page: Page, where: str) -> None:
    """Nothing of it has become part of the page, and the page is no wider than the screen."""
    expect(page.locator("main [aria-busy=true]")).to_have_count(0)
    assert page.evaluate("window.pwned") is None, where
    assert page.locator(FOREIGN).count() == 0, where
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE[0], f"{where} is wider than the screen"
    for dialog in page.locator("dialog[open]").all():
        assert dialog.evaluate("one => one.scrollWidth <= one.clientWidth"), f"the dialog of {where} scrolls sideways"


def test_hostile_texts_are_shown_as_texts(browser: Browser, hostile: tuple[Server, int, int]) -> None:
    desk, signal, _ = hostile
    with visiting(browser, f"{desk.url}/#/signals", size=PHONE) as visit:
        page = visit.page
        hold(page, "signals")
        page.goto(f"{desk.url}/#/signals?id={signal}")
        expect(page.get_by_role("dialog").get_by_text("<script>pwned=1</script>").first).to_be_visible()
        hold(page, "a signal")
        page.goto(f"{desk.url}/#/journal")
        expect(page.locator("main").get_by_text("<img src=x onerror=").first).to_be_visible()
        hold(page, "journal")
        page.goto(f"{desk.url}/#/journal?show=figures")
        hold(page, "figures")
        for name in PAGES:
            page.goto(f"{desk.url}/#/{name}")
            hold(page, name)


def test_hostile_addresses_and_kept_values_break_no_page(browser: Browser, hostile: tuple[Server, int, int]) -> None:
    desk, *_ = hostile
    with visiting(browser, f"{desk.url}/#/settings", size=PHONE) as visit:
        page = visit.page
        visit.forgiven += [f"{words} {status}" for words in ("answered", "status of") for status in (404, 422)]
        page.evaluate("kept => Object.entries(kept).forEach(([name, text]) => localStorage.setItem(name, text))", KEPT)
        page.reload()
        for name in PAGES:
            page.goto(f"{desk.url}/#/{name}?{QUERY}")
            expect(page.get_by_role("heading", level=1)).to_be_visible()
            hold(page, f"{name} with a hostile address")
