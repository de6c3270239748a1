"""The way of the server's key: asked for over the page, and nothing is lost by it."""

import json
from pathlib import Path
from urllib.parse import urlsplit

from playwright.sync_api import Browser, Page, Route, expect
from processes import ask, server, until

from browser import visiting

OLD, NEW, WRONG = "the-old-key-ß", "the-new-key", "some-other-key"
FORGIVEN = ["401", "429", "ERR_CONNECTION", "ERR_EMPTY_RESPONSE", "ERR_INCOMPLETE", "ERR_SOCKET"]
"""What the refusals and the restart that the test brings about leave in the console."""


def test_whoever_has_the_key_gets_in_and_loses_nothing_when_it_changes(browser: Browser, tmp_path: Path) -> None:
    with server(tmp_path, None, until_ready=False, API_KEY=OLD, INSTRUMENTS="GBP_USD") as running:
        until(lambda: "unreachable" not in running.get("/health"), "the server answers", running.process)
        url = running.url
        with visiting(browser, f"{url}/#/settings") as visit:
            visit.forgiven.extend(FORGIVEN)
            page = visit.page
            _gets_in(page)
            assert visit.serious_faults() == []
            _saves_what_waited_for_the_key(page)
            running.kill()
            port = str(urlsplit(url).port)
            page.get_by_role("searchbox").fill("aud")
            with server(tmp_path, None, until_ready=False, API_KEY=NEW, PORT=port) as again:
                until(lambda: _is_ready(url, NEW), "the server is ready", again.process)
                _goes_on_with_another_key(page)
                _forgets_it(page)


def _is_ready(url: str, key: str) -> bool:
    return ask(f"{url}/health/ready", **{"X-API-Key": key}).get("status") == "ready"


def _enter(page: Page, key: str) -> None:
    page.get_by_label("Key", exact=True).fill(key)
    page.get_by_role("button", name="Unlock").click()


def _gets_in(page: Page) -> None:
    """What is open was never loaded: it loads by itself once the key was entered."""
    dialog = page.get_by_role("dialog", name="The server asks for its key")
    expect(dialog).to_be_visible()
    page.get_by_role("button", name="Unlock").click()
    expect(page.get_by_text("Enter the key that the server was started with")).to_be_visible()
    _enter(page, WRONG)
    expect(page.get_by_text("This is not the server's key.")).to_be_visible()
    page.route("**/status", _too_often)
    _enter(page, OLD)
    expect(page.get_by_text("Ask again in 37 s.")).to_be_visible()
    page.unroute("**/status")
    for _ in range(3):
        page.keyboard.press("Escape")
    expect(dialog).to_have_count(1)
    expect(dialog).to_be_visible()
    _enter(page, OLD)
    expect(dialog).to_have_count(0)
    expect(page.get_by_role("button", name="Remove GBP/USD")).to_be_visible()
    expect(page.get_by_role("heading", name="Strategy: on")).to_be_visible()
    page.reload()
    expect(page.get_by_role("button", name="Remove GBP/USD")).to_be_visible()
    assert OLD not in page.url + page.content()
    assert page.evaluate("Object.keys(localStorage).filter((name) => name.includes('key'))") == []


def _too_often(route: Route) -> None:
    body = {"detail": "More than 1200 such requests within a minute.", "advice": "Ask again in 37 s."}
    route.fulfill(status=429, content_type="application/problem+json", body=json.dumps(body))


def _saves_what_waited_for_the_key(page: Page) -> None:
    """A save that the server refused for want of its key is sent again with the right one."""
    page.evaluate("(key) => sessionStorage.setItem('alphaforge.key', key)", WRONG)
    page.get_by_role("searchbox").fill("eur")
    page.get_by_role("button", name="Watch EUR/USD").click()
    _enter(page, OLD)
    expect(page.get_by_text("EUR/USD is watched from now on.")).to_be_visible()
    expect(page.get_by_role("button", name="Remove EUR/USD")).to_be_visible()


def _goes_on_with_another_key(page: Page) -> None:
    """The stream comes to a server with another key: what was typed stays, and can be sent afterwards."""
    page.evaluate("dispatchEvent(new Event('online'))")  # or in some seconds by itself
    expect(page.get_by_role("dialog")).to_be_visible()
    page.get_by_label("Keep it on this device").check()
    _enter(page, NEW)
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("searchbox")).to_have_value("aud")
    page.get_by_role("button", name="Watch AUD/USD").click()
    expect(page.get_by_role("button", name="Remove AUD/USD")).to_be_visible()


def _forgets_it(page: Page) -> None:
    page.get_by_role("link", name="Key", exact=True).click()
    expect(page.get_by_text("A key is kept on this device")).to_be_visible()
    page.get_by_role("button", name="Forget it here").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    assert NEW not in page.evaluate("JSON.stringify([{ ...localStorage }, { ...sessionStorage }])")
