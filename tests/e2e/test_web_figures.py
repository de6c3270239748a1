"""The journal in figures as it is looked at: what the server says, covered where money is hidden, in both themes."""

import re
from typing import Any

from playwright.sync_api import Browser, Page, expect
from processes import Server

from browser import visiting

TRADE = {"symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.31, "sl": 1.308}
RESULTS = {"2024-03-04": (120.5, "trend"), "2024-03-05": (-80.25, "trend"), "2024-03-07": (4321.5, "<b>range</b>")}
PERIOD = "from=2024-03-01&to=2024-03-31"
"""No other test writes into it."""


def shown(value: float, *, signed: bool = False) -> str:
    return f"{value:{'+' if signed else ''},.2f}".replace("-", "\u2212")


def write(desk: Server) -> None:
    for day, (amount, setup) in RESULTS.items():
        entry = TRADE | {"openTime": f"{day} 09:00", "closeTime": f"{day} 11:00", "pl": amount, "setup": setup}
        assert "id" in desk.post("/api/journal/entries", entry)


def amounts(found: dict[str, Any]) -> list[str]:
    """What the page shows of money, in its digits."""
    known = [found["money"][name] for name in ("gross_profit", "gross_loss", "net", "average_win", "best", "worst")]
    known += [found["money"]["expectancy"]["value"], found["daily"]["equity"], found["drawdown"]["maximum"]]
    return [shown(abs(one)) for one in known] + [shown(abs(amount)) for amount, _ in RESULTS.values()]


def ink(page: Page) -> str:
    """The colours that the first chart is drawn in."""
    return str(page.locator("canvas").first.evaluate("canvas => canvas.toDataURL()"))


def test_the_figures_are_the_servers_are_covered_where_money_is_hidden_and_follow_the_theme(
    browser: Browser, desk: Server
) -> None:
    write(desk)
    found: dict[str, Any] = desk.get("/api/journal/statistics?balance=10000&from=2024-03-01&to=2024-04-01")
    assert found["closed_entries"] == len(RESULTS)
    with visiting(browser, f"{desk.url}/#/journal?show=figures&{PERIOD}&year=2024&month=3") as visit:
        page = visit.page
        page.get_by_label("Balance at the start").fill("10,000")
        page.get_by_label("Balance at the start").press("Enter")
        every = page.get_by_role("region", name="Every figure")
        for name, value in (
            ("Net result", shown(found["money"]["net"])),
            ("Expectancy", shown(found["money"]["expectancy"]["value"])),
            ("Total return", f"{100 * found['daily']['total_return']:.1f} %"),
            ("Deepest", shown(found["drawdown"]["maximum"])),
        ):
            row = every.get_by_role("row").filter(has=page.get_by_role("button", name=name, exact=True)).first
            expect(row).to_contain_text(value)
        every.get_by_role("button", name="Net result", exact=True).click()
        expect(page.get_by_role("dialog")).to_contain_text("gross_profit + gross_loss")
        page.keyboard.press("Escape")

        page.get_by_label("Grouped by").select_option("setup")
        group = page.get_by_role("row", name="<b>range</b>")  # hostile text is text
        expect(group).to_contain_text("+4,321.50")

        days = page.get_by_role("group", name="Trading days, by money")
        last = days.get_by_role("link", name="Thursday, 7 March 2024: +4,321.50, 1 trade, 1 won, 0 lost")
        last.focus()
        page.keyboard.press("ArrowLeft")
        expect(days.get_by_role("link", name="Tuesday, 5 March 2024: \u221280.25")).to_be_focused()
        assert visit.serious_faults() == []

        uncovered = page.get_by_role("main").inner_text()
        assert [amount for amount in amounts(found) if amount not in uncovered] == []

        before = ink(page)
        page.emulate_media(color_scheme="dark")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        assert ink(page) != before

        page.get_by_role("button", name="Hide money").click()
        expect(last).to_have_count(0)
        covered = page.get_by_role("main").inner_text()
        assert [amount for amount in amounts(found) if amount in covered] == []

        page.get_by_role("button", name="Hide money").click()
        last.click()
        expect(page).to_have_url(re.compile(r"#/journal\?closed_on=2024-03-07$"))
        expect(page.get_by_text("Closed on the trading day 07 Mar 2024")).to_be_visible()
