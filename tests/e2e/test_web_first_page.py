"""What the first page brings along, and how the server hands it out."""

import re
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Response, expect
from processes import Server

from browser import visiting

SCRIPT_LIMIT = 150_000
"""Bytes of JavaScript as transferred, without what the page loads when something is opened."""


def is_asset(response: Response) -> bool:
    return urlsplit(response.url).path.startswith("/assets/")


def test_the_first_page_is_light_compressed_kept_for_ever_and_from_nowhere_else(browser: Browser, desk: Server) -> None:
    with visiting(browser, "about:blank") as visit:
        page = visit.page
        answers: list[Response] = []
        page.on("response", lambda one: answers.append(one))  # noqa: PLW0108 - Playwright marks what it is given
        page.goto(desk.url)
        expect(page.locator("main .price").filter(has_text=re.compile(r"\d")).first).to_be_visible()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)

        assert {urlsplit(one.url).netloc for one in answers} == {urlsplit(desk.url).netloc}
        first = answers[0].all_headers()
        assert first["cache-control"] == "no-cache"
        assert "default-src 'none'" in first["content-security-policy"]
        assert "unsafe" not in first["content-security-policy"]

        assets = [one for one in answers if is_asset(one)]
        scripts = [one for one in assets if urlsplit(one.url).path.endswith(".js")]
        assert scripts
        for one in assets:
            headers = one.all_headers()
            assert "immutable" in headers["cache-control"], one.url
            if one.request.sizes()["responseBodySize"] > 1_000:
                assert headers["content-encoding"] == "br", one.url
        assert sum(one.request.sizes()["responseBodySize"] for one in scripts) <= SCRIPT_LIMIT

        answers.clear()
        page.reload()
        expect(page.locator("[aria-busy=true]")).to_have_count(0)
        again = page.evaluate(
            "performance.getEntriesByType('resource').filter(one => one.name.includes('/assets/'))"
            ".map(one => [one.name, one.transferSize])"
        )
        assert again
        assert [name for name, size in again if size > 0] == [], "what is kept for ever is asked for once"
