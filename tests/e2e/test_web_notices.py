"""Short messages at the edge of the page, whatever is open over it."""

from playwright.sync_api import Browser, expect
from processes import Server

from browser import visiting

ENTRY = {"symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.31, "openTime": "2023-02-01 09:00"}


def test_a_notice_can_be_seen_and_pressed_above_a_dialog_and_after_it(browser: Browser, desk: Server) -> None:
    number = desk.post("/api/journal/entries", ENTRY)["id"]
    with visiting(browser, f"{desk.url}/#/journal") as visit:
        page = visit.page
        notice = page.get_by_role("status").filter(has_text=f"Entry {number} (GBP/USD) is being deleted.")
        page.get_by_role("button", name=f"Delete entry {number}").click()
        expect(notice).to_be_visible()
        page.get_by_role("button", name="New entry").click()
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("status").filter(has_text="is being deleted")).to_be_visible()
        expect(notice).to_have_count(1)
        assert visit.serious_faults() == []
        dialog.get_by_role("button", name="Undo").click()
        kept = page.get_by_role("status").filter(has_text=f"Entry {number} is kept.")
        expect(kept).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
        expect(kept).to_be_visible()
        kept.get_by_role("button", name="Put away").click()
        expect(kept).to_have_count(0)
