"""The performance page: what the service says of its own speed, kept current while somebody looks."""

from playwright.sync_api import Browser, expect
from processes import Server

from browser import MOST_SHIFT, visiting


def test_the_page_says_what_the_service_says_and_keeps_it_current_until_it_is_paused(
    browser: Browser, desk: Server
) -> None:
    with visiting(browser, f"{desk.url}/#/performance?window=3600") as visit:
        page = visit.page
        page.clock.install()
        page.reload()
        targets = page.get_by_role("region", name="Targets")
        expect(targets.get_by_role("row")).to_have_count(8)  # two claims about statements, and the head
        said = {one["name"]: one for one in desk.get("/api/performance?window=3600")["indicators"]}
        peak = f"{said['generation_memory']['value']:.0f} MB"
        expect(targets.get_by_role("row", name="Memory while generating")).to_contain_text(peak)
        expect(targets.get_by_role("row", name="Clients at once")).to_contain_text("not yet proven")
        expect(page.get_by_role("region", name="Processes").get_by_role("row")).to_have_count(2)
        expect(page.get_by_role("combobox", name="Over the last")).to_have_value("3600")
        with page.expect_response("**/api/performance?window=3600"):
            page.clock.run_for(5_500)
        page.get_by_role("button", name="Pause").click()
        asked: list[str] = []
        page.on("request", lambda one: asked.append(one.url) if "/api/performance" in one.url else None)
        page.clock.run_for(15_000)  # a stream that says nothing for 25 s is opened again, and all is loaded anew
        assert asked == []
        with page.expect_response("**/api/performance/slow*"):
            page.get_by_role("button", name="Go on").click()
        assert visit.shift() <= MOST_SHIFT
