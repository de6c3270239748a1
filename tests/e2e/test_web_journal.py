"""The journal in the browser: from a signal to an entry, and all that may happen to it."""

import re

from playwright.sync_api import Browser, Page, Route, expect
from processes import Server

from browser import visiting

PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="
SCRIPT = "<img src=x onerror=alert(1)>"
HELD_MS = 8_000
_BRING = """
([how, name, type, content]) => {
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const files = new DataTransfer();
  files.items.add(new File([bytes], name, { type }));
  const told = { bubbles: true, cancelable: true, [how === "paste" ? "clipboardData" : "dataTransfer"]: files };
  const Happened = how === "paste" ? ClipboardEvent : DragEvent;
  const analysis = document.querySelector("[aria-label='Screenshot, analysis']");
  const there = how === "paste" ? document.activeElement : analysis;
  there.dispatchEvent(new Happened(how, told));
}
"""


def entries_of(desk: Server, signal: int) -> list[dict[str, object]]:
    found: list[dict[str, object]] = desk.get(f"/api/journal/entries?signal_id={signal}")["entries"]
    return found


def signal_by_hand(desk: Server) -> int:
    levels = {"entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
    return int(desk.post("/api/signals", {"symbol": "GBP_USD", "direction": "BUY", **levels})["signal"]["id"])


def spoil(page: Page) -> None:
    """Put in what is wrong, each of it said at its field when it is left."""
    for label, typed, said in (
        ("Lots", "-1", "It must be above zero."),
        ("Stop", "1.32", "The stop of a BUY lies below its entry."),
        ("Exit", "1,3125", "Write it with a point"),
        ("Closed", "2020-03-02T08:15", "It closed before it was opened."),
    ):
        page.get_by_label(label, exact=True).fill(typed)
        page.get_by_label("Notes").focus()
        expect(page.get_by_label(label, exact=True)).to_have_attribute("aria-invalid", "true")
        expect(page.get_by_text(said)).to_be_visible()


def amend(page: Page) -> None:
    """Close the trade, with a picture, and with texts that would like to be more than texts."""
    page.get_by_label("Exit", exact=True).fill("1.3125")
    page.get_by_role("button", name="Now: Closed").click()
    page.get_by_label("Notes").fill(f"{SCRIPT}\0")
    page.get_by_label("Tags").fill("<b>late</b>")
    page.get_by_label("Tags").press("Enter")
    page.evaluate(_BRING, ["paste", "<b>.png", "image/png", PIXEL])
    expect(page.get_by_role("button", name="Look at it: At the entry")).to_be_visible()
    page.evaluate(_BRING, ["drop", f"{SCRIPT}.txt", "text/plain", PIXEL])
    expect(page.get_by_text(f"{SCRIPT}.txt: This is no picture")).to_be_visible()


def test_a_signal_becomes_an_entry_in_two_clicks_that_is_changed_deleted_and_taken_back_without_a_loss(
    browser: Browser, desk: Server
) -> None:
    signal = signal_by_hand(desk)
    with visiting(browser, f"{desk.url}/#/desk") as visit:
        page = visit.page
        page.get_by_role("button", name=re.compile(rf"To the journal.*signal {signal}$")).click()
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("saved.")).to_be_visible()
        (made,) = entries_of(desk, signal)
        assert [made[name] for name in ("instrument", "type", "entry", "sl", "tp")] == [
            "GBP_USD",
            "BUY",
            1.31,
            1.308,
            1.314,
        ]

        page.clock.install()
        page.goto(f"{desk.url}/#/journal?signal_id={signal}")
        page.reload()
        opened = page.get_by_role("button", name=f"open entry {made['id']}")
        opened.click()
        spoil(page)
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Lots")).to_be_focused()
        page.reload()  # nothing of it is lost
        opened.click()
        expect(page.get_by_text("What you had typed before is back.")).to_be_visible()
        expect(page.get_by_label("Exit", exact=True)).to_have_value("1,3125")
        page.get_by_role("button", name="Start anew").click()
        expect(page.get_by_label("Lots")).to_have_value(f"{made['lots']:g}")

        amend(page)
        visit.forgiven += ["422"]
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_label("Notes")).to_have_attribute("aria-invalid", "true")  # said by the server alone
        page.get_by_label("Notes").fill(SCRIPT)
        assert visit.serious_faults() == []
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("+25.0 pips, +1.25 R")).to_be_visible()
        (kept,) = entries_of(desk, signal)
        assert kept["screenshot_entry"] == f"data:image/png;base64,{PIXEL}"
        assert [kept[name] for name in ("exit", "outcome", "tags", "notes")] == [1.3125, "WIN", "<b>late</b>", SCRIPT]
        expect(page.get_by_role("link", name="<b>late</b>")).to_be_visible()

        row = page.get_by_role("button", name=f"Delete entry {made['id']}")
        row.click()
        expect(opened).to_have_count(0)
        page.get_by_role("button", name="Undo").click()
        expect(opened).to_be_visible()
        assert entries_of(desk, signal) == [kept]
        row.click()
        with page.expect_response(lambda answer: answer.request.method == "DELETE"):
            page.clock.fast_forward(HELD_MS)
        assert entries_of(desk, signal) == []
        expect(opened).to_have_count(0)


def opens_before_the_instruments_came(page: Page, desk: Server) -> None:
    """The form of a new entry, by keyboard: its choices come when it is there."""
    held: list[Route] = []
    page.route("**/api/instruments", lambda one: held.append(one))  # noqa: PLW0108 - Playwright marks what it is given
    with page.expect_request("**/api/instruments"):
        page.goto(f"{desk.url}/#/journal")
    page.get_by_role("button", name="New entry").press("Enter")
    expect(page.get_by_label("Another instrument")).to_be_visible()
    for one in held:
        one.continue_()
    page.unroute("**/api/instruments")


def test_a_new_entry_is_typed_by_keyboard_alone_and_what_a_file_brings_is_said_in_words(
    browser: Browser, desk: Server
) -> None:
    with visiting(browser, "about:blank") as visit:
        page = visit.page
        opens_before_the_instruments_came(page, desk)
        expect(page.get_by_role("radio", name="GBP/USD")).to_be_focused()
        keys = ["Space", "Tab", "Tab", "Space", "Tab", "0.3", "Tab", "1.31", "Tab", "1.308", "Tab", "Tab"]
        for key in [*keys, "02032026", "0815A", "Control+Enter"]:
            if key[0].isalpha():
                page.keyboard.press(key)
            else:
                page.keyboard.type(key)
        expect(page.get_by_text("saved.")).to_be_visible()
        (made,) = desk.get("/api/journal/entries?limit=1&from=2026-02-03&to=2026-03-03")["entries"]
        assert [made[name] for name in ("symbol", "type", "lots", "entry", "sl")] == ["GBPUSD", "BUY", 0.3, 1.31, 1.308]

        page.get_by_role("button", name="Import", exact=True).click()
        rows = f"openTime,symbol,type,lots,entry\n2026-03-04 10:30,GBPUSD,SELL,0.2,1.3\n2026-03-04,{SCRIPT},BUY,1,1\n"
        file = {"name": "journal.csv", "mimeType": "text/csv", "buffer": rows.encode()}
        page.get_by_label("File").set_input_files([file])
        page.get_by_role("dialog").get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("Row 2, symbol:")).to_be_visible()
        file["buffer"] = rows.replace(SCRIPT, "DAX 40").encode()
        page.get_by_label("File").set_input_files([file])
        page.get_by_role("dialog").get_by_role("button", name="Import", exact=True).click()
        expect(page.get_by_text("2 entries were stored.")).to_be_visible()
        page.keyboard.press("Escape")

        page.get_by_label("Instrument").fill("dax 40")
        page.get_by_label("Instrument").press("Enter")
        expect(page.get_by_role("button", name="open entry")).to_have_count(1)
        page.get_by_role("button", name="Export").click()
        with page.expect_download() as download:
            page.get_by_role("button", name="Download").click()
        saved = download.value.path().read_text().splitlines()
        assert len(saved) == 2
        assert "DAX40" in saved[1]
