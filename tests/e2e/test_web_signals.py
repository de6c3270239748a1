"""The page of signals: found, opened, computed again, ended by hand, written to a file, and of any number."""

import json
import re
from pathlib import Path
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, Page, expect
from processes import Server, until

from browser import PHONE, visiting

HOSTILE = '<img src="x" onerror="document.title = 1"><script>document.title = 2</script>'
BY_HAND = {"symbol": "USD/JPY", "direction": "SELL", "entry": 151.2, "stop_loss": 151.5, "tp1": 150.6}
LONG_AGO = "from=2020-01-01&to=2020-12-31"
MANY = 3_000
MOST_ROWS = 100
"""Rows in the page at once, however many the list has."""


def test_a_signal_is_found_verified_ended_and_written_to_a_file(browser: Browser, desk: Server, tmp_path: Path) -> None:
    told = {"reasoning": HOSTILE, "notes": f"{HOSTILE} noted", "tags": f"plan,{HOSTILE}", "confidence_score": 99.5}
    hand = desk.post("/api/signals", BY_HAND | told)["signal"]["id"]
    until(lambda: desk.get("/api/signals?limit=100")["total"] > 1, "the strategy has made a signal", desk.process)
    own = next(one["id"] for one in desk.get("/api/signals")["signals"] if one["origin"] == "strategy")

    with visiting(browser, f"{desk.url}/#/signals") as visit:
        page = visit.page
        page.get_by_role("link", name=re.compile(f"^Signal {own}: ")).press("Enter")
        drawer = page.get_by_role("dialog", name=f"Signal {own}")
        expect(drawer.get_by_role("region", name="Votes by timeframe")).to_contain_text("EMA ribbon")
        expect(drawer.get_by_role("group", name=re.compile("^Chart of "))).to_be_visible()
        drawer.get_by_role("button", name="Verify").click()
        verified = desk.get(f"/api/signals/{own}/verify")
        for said in (verified["sentence"], *verified["differences"]):
            expect(drawer.get_by_role("status").get_by_text(said, exact=True)).to_be_visible()
        assert visit.serious_faults() == []
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name=re.compile(f"^Signal {own}: "))).to_be_focused()

        news_waits_for_the_reader(page, desk)

        page.get_by_label("Confidence from").fill("99")
        page.get_by_label("Side").select_option("SELL")
        expect(page.get_by_role("status").filter(has_text="1 signal")).to_be_visible()
        page.get_by_role("button", name="Save these filters as a view").click()
        page.get_by_label("Name").fill("Sure of it")
        page.get_by_role("button", name="Save", exact=True).click()
        page.get_by_role("button", name="Clear filters").click()
        page.reload()
        page.get_by_role("button", name="Sure of it").click()
        expect(page.get_by_role("status").filter(has_text="1 signal")).to_be_visible()

        page.get_by_role("link", name=re.compile(f"^Signal {hand}: ")).click()
        drawer = page.get_by_role("dialog", name=f"Signal {hand}")
        expect(drawer.get_by_text(HOSTILE)).to_have_count(3)
        assert drawer.locator("img, script").count() == 0
        drawer.get_by_role("button", name="Close …").click()
        ending = page.get_by_role("dialog", name=f"Close signal {hand}")
        ending.get_by_label("Outcome").select_option("WON")
        ending.get_by_label("Exit price").fill("-1")
        ending.get_by_role("button", name="Close it").click()
        expect(ending.get_by_text("A price above 0")).to_be_visible()
        ending.get_by_label("Exit price").fill("150.6")
        ending.get_by_role("button", name="Close it").click()
        expect(drawer.get_by_text("won", exact=True)).to_be_visible()
        assert desk.get(f"/api/signals/{hand}")["signal"]["exit_price"] == 150.6
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name=re.compile(f"^Signal {hand}: .* won$"))).to_be_visible()

        with page.expect_download() as saved:
            page.get_by_role("button", name="Save as NDJSON").click()
        file = tmp_path / saved.value.suggested_filename
        saved.value.save_as(file)
        assert [json.loads(line)["id"] for line in file.read_text().splitlines()] == [hand]


def news_waits_for_the_reader(page: Page, desk: Server) -> None:
    table = page.get_by_role("region", name="Signals: ")
    page.get_by_role("heading", name="Signals").hover()
    page.evaluate("document.activeElement.blur()")
    comes = desk.post("/api/signals", BY_HAND)["signal"]["id"]
    expect(table.get_by_role("link", name=re.compile(f"^Signal {comes}: "))).to_be_visible()
    table.hover()  # what is being read does not move
    waits = desk.post("/api/signals", BY_HAND)["signal"]["id"]
    page.get_by_role("button", name=re.compile(r"^\d+ new: show")).click()
    expect(table.get_by_role("link", name=re.compile(f"^Signal {waits}: "))).to_be_visible()


def test_thousands_of_signals_are_a_few_rows_of_the_page(browser: Browser, desk: Server) -> None:
    lines = [
        BY_HAND
        | {"timestamp": f"2020-{1 + n // 250:02}-{1 + n % 25:02}T08:{n // 25 % 10:02}:00Z", "status": "CANCELLED"}
        for n in range(MANY)
    ]
    body = "\n".join(map(json.dumps, lines)).encode()
    headers = {"Content-Type": "application/x-ndjson"}
    with urlopen(Request(f"{desk.url}/api/signals/import", body, headers)) as answer:  # noqa: S310 - loopback
        assert answer.status == 202
    until(lambda: desk.get(f"/api/signals?limit=1&{LONG_AGO}")["total"] == MANY, "the file is taken in", desk.process)

    with visiting(browser, f"{desk.url}/#/signals?{LONG_AGO}", size=PHONE) as visit:
        page = visit.page
        links = page.get_by_role("link", name=re.compile("^Signal "))
        expect(page.get_by_role("table")).to_have_attribute("aria-rowcount", str(MANY + 1))
        links.first.focus()
        for reached in (100, 200, 300):
            page.keyboard.press("End")
            expect(page.locator(":focus")).to_have_attribute("data-place", str(reached - 1))
            expect(page.locator(f"tr[aria-rowindex='{reached + 2}']")).to_be_attached()  # the next page has come
        assert links.count() < MOST_ROWS
        page.get_by_role("button", name="Time").click()
        expect(page.get_by_role("link", name=re.compile("01 Jan 2020")).first).to_be_visible()
        place = page.get_by_role("link", name=re.compile("^Signal ")).nth(5)
        place.click()
        drawer = page.get_by_role("dialog")
        first = drawer.get_by_role("heading").first.text_content()
        page.keyboard.press("j")
        page.keyboard.press("k")
        page.keyboard.press("j")
        expect(drawer.get_by_role("heading").first).not_to_have_text(str(first))
        page.keyboard.press("Escape")
        expect(page.get_by_role("link", name=re.compile("^Signal ")).nth(6)).to_be_focused()
