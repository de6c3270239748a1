"""The desk's page while its market moves: what it says when it is empty, and what appears on it by itself."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from processes import Server, ask, sandbox, server, until

from browser import MOST_SHIFT, PHONE, visiting

WILLING = (str(Path(__file__).with_name("willing.py")),)
SUNDAY = "2025-07-06T20:50:00Z"
"""Before the week begins, at 21:03: nothing can become a signal yet."""


@dataclass(frozen=True)
class Quiet:
    """A desk without scheduled scans and its market, whose clock a test sets forward."""

    desk: Server
    market: str

    def advance_to(self, hour: int, minute: int) -> None:
        """To a moment of that Sunday; the hours of the days after it are beyond 24. What is open is settled."""
        ask(f"{self.market}/sandbox/clock", {"advance_to": 1_751_760_000 + hour * 3_600 + minute * 60})
        self.desk.post("/api/signals/check-outcomes")  # which tells the desk what time it is


@pytest.fixture
def quiet(tmp_path: Path) -> Iterator[Quiet]:
    """A willing desk on a Sunday evening."""
    with sandbox(tmp_path, ["--from", SUNDAY]) as market, server(tmp_path, market, program=WILLING) as desk:
        desk.post("/api/strategy/stop")
        yield Quiet(desk, market)


def test_an_empty_desk_explains_itself_a_scan_fills_it_and_a_signal_settles_without_a_reload(
    browser: Browser, quiet: Quiet
) -> None:
    with visiting(browser, quiet.desk.url) as visit:
        page = visit.page
        clock = page.get_by_role("group", name="Market time and session")
        newest = page.get_by_role("region", name="Newest signals")
        start = newest.get_by_role("heading", name="What the desk is doing")
        expect(start).to_be_visible()
        expect(clock).to_contain_text("Market closed, opens 06 Jul 2025, 22:03")
        _explains_itself(newest)
        assert visit.shift() <= MOST_SHIFT
        assert visit.serious_faults() == []

        quiet.advance_to(21, 11)
        expect(clock).to_contain_text("Market time 22:1")
        page.get_by_role("button", name="Scan now").click()
        expect(page.get_by_role("heading", name=re.compile(r"Scanned: (one|\d) new signal"))).to_be_visible()
        made = page.get_by_text("A new signal:").count()
        expect(newest.get_by_role("listitem")).to_have_count(made)
        expect(newest.get_by_text(re.compile(r"\d\.\d\d R"))).to_have_count(made)
        expect(start).to_be_hidden()
        expect(page.get_by_text("The last closed M5 candle began 06 Jul 2025, 22:05")).to_be_attached()
        _is_switched_by_keyboard(page)

        quiet.advance_to(25, 30)  # past the end of every signal's time
        expect(clock).to_contain_text("Market time 02:3")
        expect(newest.get_by_text("pending", exact=True)).to_have_count(0)
        expect(newest.get_by_text("ended")).to_have_count(made)

        page.goto(f"{quiet.desk.url}/#/desk?show=start")
        expect(start).to_be_visible()
        newest.get_by_role("button", name="Understood").click()
        expect(start).to_be_hidden()


def _explains_itself(newest: Locator) -> None:
    """Without anything stored: what it does, on which market, whether it is on, and how prices become real."""
    expect(newest).to_contain_text("No signals yet. The desk watches GBP/USD, GOLD, USD/JPY")
    expect(newest).to_contain_text("Simulated: its prices are invented")
    expect(newest).to_contain_text("scheduled scans are off")
    newest.get_by_text("Real prices from OANDA").click()
    expect(newest.get_by_text("OANDA_API_KEY=your-token")).to_be_visible()


def _is_switched_by_keyboard(page: Page) -> None:
    """The chart's candles and instrument, without a pointer; the address keeps both."""
    page.get_by_role("radio", name="M5").focus()
    page.keyboard.press("ArrowRight")
    page.get_by_role("button", name="GOLD", exact=True).focus()
    page.keyboard.press("Enter")
    chart = page.get_by_role("group", name="Chart of GOLD, M15")
    expect(chart).to_be_visible()
    assert page.evaluate("location.hash") == "#/desk?granularity=M15&instrument=XAU_USD"
    chart.focus()
    page.keyboard.press("ArrowLeft")
    expect(chart).to_be_focused()


def test_on_a_phone_cards_hold_any_digits_and_the_chart_comes_before_the_newest_signals(
    browser: Browser, desk: Server
) -> None:
    until(lambda: desk.get("/api/signals")["total"] > 0, "the strategy has made a signal", desk.process)
    with visiting(browser, desk.url, size=PHONE) as visit:
        page = visit.page
        page.evaluate("localStorage.setItem('alphaforge.start.seen', 'yes')")
        cards = page.get_by_role("list", name="Instruments").get_by_role("listitem")
        expect(cards).to_have_count(3)
        newest = page.get_by_role("region", name="Newest signals")
        expect(newest.get_by_role("button", name=re.compile("^To the journal, signal ")).first).to_be_visible()
        assert _top(page.get_by_role("region", name="Chart")) < _top(newest)
        for digits in ("3002.429", "123456.789", "1234567890.12345"):
            sticking_out = cards.evaluate_all(_WITH_DIGITS, digits)
            assert sticking_out == [], digits


_WITH_DIGITS = """(cards, digits) => cards.flatMap((card) => {
  for (const figure of card.querySelectorAll("dd .price, dd:not(:has(.price))")) figure.textContent = digits;
  const right = card.getBoundingClientRect().right;
  return [...card.querySelectorAll("*")].filter((one) => one.getBoundingClientRect().right > right).map(String);
})"""
"""Write other figures into the cards; what then sticks out of them."""


def _top(of: Locator) -> float:
    box = of.bounding_box()
    assert box
    return box["y"]
