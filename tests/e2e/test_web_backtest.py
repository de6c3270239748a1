"""The page of backtests: one is asked for, followed to its end, read, and held against another."""

import pytest
from playwright.sync_api import Browser, Page, expect
from processes import Server, until

from browser import MOST_SHIFT, visiting

SHORT = {"minimum_candles": "60", "volatility_window": "50", "window": "1000"}
"""As the strategy, warm after sixty hours."""
STARTED = 60_000
"""A process of its own computes it: that takes a moment to begin."""


@pytest.fixture(scope="module")
def history(desk: Server) -> Server:
    """The desk with some weeks of GBP_USD."""
    asked = {"kind": "download_candles", "instruments": ["GBP_USD"], "days": 12}
    job = desk.post("/api/jobs", asked)["id"]
    until(lambda: desk.get(f"/api/jobs/{job}")["status"] == "done", "the candles have come", desk.process)
    return desk


def filled(page: Page) -> None:
    page.get_by_role("checkbox", name="GBP/USD").check()
    page.get_by_text("Timeframes and history").click()
    page.get_by_text("Regime", exact=False).first.click()
    page.get_by_label("Closed candles needed on every timeframe").fill(SHORT["minimum_candles"])
    page.get_by_label("M5 candles that a decision sees").fill(SHORT["window"])
    page.get_by_label("H1 candles among which volatility is ranked").fill(SHORT["volatility_window"])


def test_a_backtest_is_asked_for_followed_read_and_compared(browser: Browser, history: Server) -> None:
    asked = {"instruments": ["GBP_USD"], "settings": SHORT | {"min_votes": 2.5}, "controls": False}
    other = history.post("/api/backtests", asked)["id"]
    with visiting(browser, f"{history.url}/#/backtest?new=1") as visit:
        page = visit.page
        start = page.get_by_role("button", name="Start the backtest")
        start.click()
        expect(page.get_by_text("Choose at least one.")).to_be_visible()

        filled(page)
        page.get_by_role("radio", name="Grid").check()
        page.get_by_label("Setting to vary").fill("min_vots")
        page.get_by_label("Values", exact=True).fill("2,2.5")
        named = page.get_by_label("Setting to vary")
        expect(named).to_have_attribute("aria-invalid", "true")
        expect(named).to_have_accessible_description(
            "'min_vots' is no setting of the strategy. Did you mean min_votes or minimum_votes or min_volatility?"
        )
        page.reload()
        expect(page.get_by_label("Setting to vary")).to_have_value("min_vots")
        expect(page.get_by_label("Closed candles needed")).to_have_value(SHORT["minimum_candles"])

        page.get_by_role("radio", name="One run").check()
        expect(page.get_by_text("candles to evaluate")).to_contain_text("1 setting")
        start.click()
        expect(page.get_by_role("button", name="Download as html")).to_be_visible(timeout=STARTED)
        number = int(page.url.rpartition("id=")[2])
        sentence = history.get(f"/api/backtests/{number}")["summary"]["sentence"]
        expect(page.get_by_text(sentence, exact=True)).to_be_visible()
        page.reload()
        expect(page.get_by_text(sentence, exact=True)).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        assert visit.serious_faults() == []
        assert visit.shift() <= MOST_SHIFT

        page.get_by_role("link", name="Ask again with changes").click()
        expect(page.get_by_label("Closed candles needed")).to_have_value(SHORT["minimum_candles"])
        page.get_by_role("link", name="All backtests").click()
        for one in (other, number):
            page.get_by_role("checkbox", name=f"Choose backtest {one} to compare").check()
        page.get_by_role("button", name="Compare").click()
        found = history.get(f"/api/backtests/compare?a={min(other, number)}&b={max(other, number)}")
        expect(page.get_by_text(found["sentence"], exact=True)).to_be_visible()
        expect(page.get_by_role("row", name="minimum votes")).to_contain_text("2.5")

        page.goto(f"{history.url}/#/backtest")
        page.get_by_role("button", name=f"Delete backtest {number}").click()
        page.get_by_role("button", name="Delete it").click()
        expect(page.get_by_role("button", name=f"Delete backtest {number}")).to_have_count(0)
        expect(page.get_by_role("button", name=f"Delete backtest {other}")).to_be_visible()
