"""Several tabs of one browser: they share the stream, since a browser opens six connections to a server at most."""

from playwright.sync_api import Browser, Page, Request, expect
from processes import Server

from browser import visiting

TABS = 7


def test_more_tabs_than_connections_are_all_live_and_one_that_closes_leaves_the_stream_to_another(
    browser: Browser, desk: Server
) -> None:
    streams: list[Request] = []
    with visiting(browser, "about:blank") as visit:
        visit.page.context.on("request", lambda one: streams.append(one) if "/api/stream" in one.url else None)
        tabs = [visit.page, *(visit.page.context.new_page() for _ in range(TABS - 1))]
        for tab in tabs:
            tab.goto(f"{desk.url}/#/settings")
        _are_told(tabs, desk, "stop", "Strategy: off")
        assert len(streams) == 1
        first, *rest = tabs
        other = rest.pop()
        other.goto("about:blank")
        first.goto("about:blank")  # the page ends as by closing it
        _are_told(rest, desk, "start", "Strategy: on")
        assert len(streams) == 2
        assert streams[1].headers["last-event-id"]
        first.goto(f"{desk.url}/#/settings")
        expect(first.get_by_role("heading", name="Strategy: on")).to_be_visible()
        assert len(streams) == 2


def _are_told(tabs: list[Page], desk: Server, what: str, word: str) -> None:
    desk.post(f"/api/strategy/{what}")
    for tab in tabs:
        expect(tab.get_by_role("heading", name=word)).to_be_visible()
