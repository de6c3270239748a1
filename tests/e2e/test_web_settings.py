"""The settings: what the desk watches, whom it tells, how this browser shows it."""

import json

from playwright.sync_api import Browser, Page, Route, expect
from processes import Server

from browser import visiting

HOSTILE = "<img src=x onerror=alert(1)> hook"
CHANNEL = {
    "name": HOSTILE,
    "service": "json",
    "kinds": ["signal"],
    "instruments": ["GBP_USD"],
    "min_confidence": 70,
    "quiet": "22:00-07:00@Europe/London",
    "enabled": False,
    "failures": 10,
    "last_error": "Answered 500.",
    "disabled_at": "2026-03-02T06:00:00Z",
    "last_sent_at": None,
}


def test_the_desk_is_set_from_the_page_and_every_choice_outlives_a_reload(browser: Browser, desk: Server) -> None:
    with visiting(browser, f"{desk.url}/#/settings") as visit:
        page = visit.page
        _switches_the_strategy(page, desk)
        _adds_and_removes_an_instrument(page, desk)
        page.get_by_role("link", name="Appearance").click()
        page.get_by_role("radio", name="Dark").check()
        page.get_by_role("radio", name="UTC").check()
        page.get_by_role("checkbox", name="Cover amounts of money").check()
        page.reload()
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
        expect(page.get_by_role("radio", name="UTC")).to_be_checked()
        expect(page.get_by_role("checkbox", name="Cover amounts of money")).to_be_checked()
        for part, word in {
            "Market": "Simulated: prices are invented",
            "Key": "this server asks for none",
            "System": "SQLite, one file",
        }.items():
            page.get_by_role("link", name=part, exact=True).click()
            expect(page.get_by_text(word)).to_be_visible()
            assert visit.serious_faults() == []


def _switches_the_strategy(page: Page, desk: Server) -> None:
    page.get_by_role("button", name="Turn off").click()
    expect(page.get_by_role("heading", name="Strategy: off")).to_be_visible()  # as the stream says
    assert desk.get("/status")["strategy"] == "stopped"
    page.get_by_role("button", name="Turn on").click()
    expect(page.get_by_role("heading", name="Strategy: on")).to_be_visible()


def _adds_and_removes_an_instrument(page: Page, desk: Server) -> None:
    search = page.get_by_role("searchbox")
    search.fill("<b>zebra</b>")
    search.press("Enter")
    expect(page.get_by_text("The account can trade nothing like “<b>zebra</b>”.")).to_be_visible()
    search.fill("eur/usd")
    search.press("Enter")
    expect(page.get_by_text("EUR/USD is watched from now on.")).to_be_visible()
    page.get_by_role("button", name="Remove EUR/USD").click()
    expect(page.get_by_text("Nothing is deleted")).to_be_visible()
    page.get_by_role("dialog").get_by_role("button", name="Remove", exact=True).click()
    expect(page.get_by_text("EUR_USD is watched no more.")).to_be_visible()
    assert "EUR_USD" not in {one["instrument"] for one in desk.get("/api/instruments")["instruments"]}


def test_a_channel_that_fails_says_why_and_is_turned_on_again(browser: Browser, desk: Server) -> None:
    enabled = False

    def channels(route: Route) -> None:
        one = CHANNEL if not enabled else CHANNEL | {"enabled": True, "failures": 0, "last_error": None}
        route.fulfill(json={"channels": [one], "count": 1})

    def tested(route: Route) -> None:
        problem = {"detail": "The receiver did not take it: connection refused", "advice": None}
        route.fulfill(status=502, content_type="application/problem+json", body=json.dumps(problem))

    def enable(route: Route) -> None:
        nonlocal enabled
        enabled = True
        route.fulfill(json={"success": True, "channel": HOSTILE, "message": "The channel is enabled."})

    with visiting(browser, f"{desk.url}/#/appearance") as visit:
        visit.forgiven.append("502")
        page = visit.page
        page.route("**/api/alerts/channels", channels)
        page.route("**/api/alerts/channels/*/test", tested)
        page.route("**/api/alerts/channels/*/enable", enable)
        page.goto(f"{desk.url}/#/settings?show=alerts")
        channel = page.get_by_role("article", name=HOSTILE)
        expect(channel).to_contain_text("Told of new signals; of GBP/USD only; from a confidence of 70 on; held during")
        expect(channel).to_contain_text("after 10 failures in a row")
        channel.get_by_role("button", name="Send a test").click()
        expect(channel.get_by_text("The receiver did not take it: connection refused")).to_be_visible()
        channel.get_by_role("button", name="Enable").click()
        expect(channel.get_by_text("The channel is enabled.")).to_be_visible()
        expect(channel.get_by_text("after 10 failures in a row")).to_have_count(0)
        expect(page.get_by_text("None yet.")).to_be_visible()
