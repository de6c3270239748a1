"""The track record as it is looked at: what the server says, each class by itself, and followed as it changes."""

from typing import Any
from urllib.request import Request, urlopen

from playwright.sync_api import Browser, expect
from processes import Server

from browser import visiting

BUY = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
ASKED = "/api/signals/track-record?strategy=manual&instrument=GBP_USD"


def by_hand(desk: Server) -> int:
    return int(desk.post("/api/signals", BUY)["signal"]["id"])


def end(desk: Server, signal: int, status: str, exit_price: float) -> None:
    query = f"status={status}&exit_price={exit_price}"
    with urlopen(Request(f"{desk.url}/api/signals/{signal}/status?{query}", method="PUT")) as answer:  # noqa: S310 - loopback
        assert answer.status == 200


def shown(value: float, digits: int = 2) -> str:
    return f"{value:+.{digits}f}".replace("-", "\u2212")


def test_the_record_shows_what_the_server_says_and_expired_signals_are_neither_won_nor_lost(
    browser: Browser, desk: Server
) -> None:
    for status, price in (("WON", 1.314), ("WON", 1.314), ("LOST", 1.308), ("EXPIRED", 1.311), ("CANCELLED", 1.31)):
        end(desk, by_hand(desk), status, price)
    still_open = by_hand(desk)
    record: dict[str, Any] = desk.get(ASKED)
    classes = record["signals"]
    assert classes["expired"] >= 1
    with visiting(browser, f"{desk.url}/#/record?strategy=manual&instrument=GBP_USD") as visit:
        page = visit.page
        expect(page.get_by_text(record["supports"])).to_be_visible()
        outcomes = page.get_by_role("region", name="What became of them")
        for label in ("Won", "Lost", "Expired", "Open"):
            row = outcomes.get_by_role("row", name=label)
            expect(row.get_by_role("cell").first).to_have_text(str(classes[label.lower()]))
        expect(outcomes.get_by_role("row", name="Cancelled").get_by_role("cell").first).not_to_have_text("0")

        figures = page.get_by_role("region", name="What the evidence supports")
        rate, mean = record["statistics"]["rates"]["win_rate"], record["statistics"]["r"]["expectancy"]
        assert rate["n"] == classes["won"] + classes["lost"]
        interval = f"{100 * rate['low']:.1f} % to {100 * rate['high']:.1f} % · n {rate['n']}"
        expect(figures).to_contain_text(f"{100 * rate['value']:.1f} %")
        expect(figures).to_contain_text(interval)
        expect(figures).to_contain_text(f"{shown(mean['value'])} R")

        page.get_by_label("Grouped by").select_option("side")
        group = page.get_by_role("region", name="Figures by side").get_by_role("row", name="BUY")
        expect(group).to_contain_text(f"{classes['won']} / {classes['lost']} / {classes['expired']}")
        page.reload()
        expect(group).to_be_visible()  # what is chosen is in the address

        end(desk, still_open, "LOST", 1.308)  # the page hears of it
        expect(outcomes.get_by_role("row", name="Lost").get_by_role("cell").first).to_have_text(
            str(classes["lost"] + 1)
        )
        assert visit.serious_faults() == []

        page.get_by_label("Signals of").select_option(label="The predecessor's")
        expect(page.get_by_text("No settled signal: nothing to judge.")).to_be_visible()
