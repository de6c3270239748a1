"""The predecessor's own web client, which nobody has: a page of another origin that asks as such a client asks."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from playwright.sync_api import Browser
from processes import Server

from browser import visiting

ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31, "tags": ["a"]}
SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
TRADE = "pair=GBP_USD&profit_loss=120.5&risk=60"

ASKED: list[tuple[str, str, object, list[int]]] = [
    ("GET", "/", None, [200]),
    ("GET", "/health", None, [200]),
    ("GET", "/status", None, [200]),
    ("GET", "/api/status", None, [200]),
    ("GET", "/api/signals", None, [200]),
    ("GET", "/api/signals/statistics?days=7", None, [200]),
    ("GET", "/api/signals/symbol/GOLD", None, [200]),
    ("POST", "/api/signals/create", SIGNAL, [200]),
    ("GET", "/api/signals/{id}", None, [200]),
    ("PUT", "/api/signals/{id}/status?status=WON&exit_price=1.314", None, [200]),
    ("PUT", "/api/signals/{id}/status?status=NONSENSE", None, [400, 422]),
    ("GET", "/api/signals/999999", None, [404]),
    ("POST", "/api/signals/generate/GBP_USD", None, [200]),
    ("POST", "/api/signals/enhanced/generate", None, [200]),
    ("POST", f"/api/signals/enhanced/trade-result?{TRADE}", None, [200]),
    ("POST", "/api/signals/check-outcomes", None, [200]),
    ("POST", "/api/journal/entries", ENTRY, [200, 201]),
    ("GET", "/api/journal/entries/{id}", None, [200]),
    ("PUT", "/api/journal/entries/{id}", {"exit": 1.3125, "outcome": "WIN", "notes": "held"}, [200]),
    ("DELETE", "/api/journal/entries/{id}", None, [200, 204]),
    ("GET", "/api/journal", None, [200]),
    ("GET", "/api/journal/statistics", None, [200]),
    ("GET", "/api/prices/live", None, [200]),
    ("GET", "/api/prices/live/GBPUSD", None, [200]),
    ("GET", "/api/analysis/status", None, [200]),
    ("GET", "/api/rejections/latest?format=csv", None, [200, 404]),
]
"""Method, path, body and what may be answered; `{id}` is what the last POST made."""

CLIENT = """<!doctype html><title>A client of long ago</title><link rel="icon" href="data:,"><script>
const JSONS = { Accept: "application/json, text/plain, */*", "Content-Type": "application/json" };
const MORE = { ...JSONS, "X-Requested-With": "XMLHttpRequest", "Cache-Control": "no-cache", Pragma: "no-cache" };

async function byFetch(method, url, body, how) {
  const answer = await fetch(url, { method, body, ...how });
  return [answer.status, await answer.text()];
}
function byAxios(method, url, body, withCredentials) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.withCredentials = withCredentials;
    for (const [name, value] of Object.entries(MORE)) request.setRequestHeader(name, value);
    request.onload = () => resolve([request.status, request.responseText]);
    request.onerror = () => reject(new Error("network error"));
    request.send(body);
  });
}
const WAYS = {
  "plain fetch": (...what) => byFetch(...what, what[2] ? { headers: JSONS } : {}),
  "fetch with credentials": (...what) => byFetch(...what, { credentials: "include", headers: JSONS }),
  "axios": (...what) => byAxios(...what, false),
  "axios with credentials": (...what) => byAxios(...what, true),
};

async function ask(base, way, asked) {
  const said = [];
  let id = 1;
  for (const [method, path, body] of asked) {
    const url = base + path.replace("{id}", id);
    try {
      const [status, text] = await WAYS[way](method, url, body === null ? null : JSON.stringify(body));
      said.push([status, text]);
      if (method === "POST" && status < 300) {
        const made = JSON.parse(text);
        id = made.id ?? made.signal?.id ?? id;
      }
    } catch (error) {
      said.push([0, String(error)]);
    }
  }
  return said;
}
</script>"""


@contextmanager
def served(page: str) -> Iterator[int]:
    """A static page on a port of its own."""

    class Static(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            self.wfile.write(page.encode())

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Static)
    serving = threading.Thread(target=server.serve_forever)
    serving.start()
    try:
        yield server.server_port
    finally:
        server.shutdown()
        serving.join()
        server.server_close()


def test_a_client_of_another_origin_on_this_machine_is_refused_nothing_however_it_asks(
    browser: Browser, desk: Server
) -> None:
    base = desk.url.replace("127.0.0.1", "localhost")
    ways = ("plain fetch", "fetch with credentials", "axios", "axios with credentials")
    with served(CLIENT) as port, visiting(browser, f"http://localhost:{port}/") as visit:
        visit.forgiven += [f"{words} {status}" for words in ("answered", "status of") for status in (400, 404, 422)]
        visit.page.evaluate("window.watched ??= { refused: [] }")
        for way in ways:
            said: list[tuple[int, str]] = visit.page.evaluate(
                "([base, way, asked]) => ask(base, way, asked)", [base, way, [list(one[:3]) for one in ASKED]]
            )
            wrong = [
                (way, method, path, status, text[:200])
                for (method, path, _, expected), (status, text) in zip(ASKED, said, strict=True)
                if status not in expected
            ]
            assert wrong == []
            assert '"AlphaForge API Server"' in said[0][1], "a program that asks for / gets the predecessor's answer"
            assert all('"detail"' in text for status, text in said if status >= 400), "an error can be read"


def test_the_root_is_a_page_to_who_goes_there_and_the_predecessors_answer_to_who_fetches_it(
    browser: Browser, desk: Server
) -> None:
    with visiting(browser, desk.url) as visit:
        visit.page.get_by_role("navigation", name="Pages").wait_for()
        fetched: dict[str, Any] = visit.page.evaluate(
            """async () => {
              const answer = await fetch("/", { cache: "default" });
              const page = await fetch("/", { headers: { Accept: "text/html" } });
              return { json: await answer.json(), vary: answer.headers.get("Vary"), page: await page.text(),
                       kind: page.headers.get("Content-Type"), varies: page.headers.get("Vary") };
            }"""
        )
        assert fetched["json"]["message"] == "AlphaForge API Server"
        assert "accept" in fetched["vary"].lower().replace("accept-encoding", "")
        assert fetched["page"].startswith("<!doctype html>")
        assert fetched["kind"].startswith("text/html")
        assert "accept" in fetched["varies"].lower().replace("accept-encoding", "")
        visit.page.go_back()
        visit.page.go_forward()  # from the browser's cache, if from anywhere: the page, not what was fetched last
        visit.page.get_by_role("navigation", name="Pages").wait_for()
