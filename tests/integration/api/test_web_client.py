"""The page and its files, in front of everything that needs a key or a desk."""

from collections.abc import AsyncIterator
from pathlib import Path

import brotli
import httpx2
import pytest
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from alphaforge.api.middleware.web_client import POLICY, WebClient

BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"}
SCRIPT = b"console.log('desk');"


async def interface(scope: Scope, receive: Receive, send: Send) -> None:
    await JSONResponse({"path": scope["path"], "method": scope["method"]})(scope, receive, send)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "assets").mkdir()
    (tmp_path / "index.html").write_text("<!doctype html><title>AlphaForge</title>")
    (tmp_path / "assets" / "index-1a2b.js").write_bytes(SCRIPT)
    (tmp_path / "assets" / "index-1a2b.js.br").write_bytes(brotli.compress(SCRIPT))
    (tmp_path / "assets" / "icon-3c4d.svg").write_text("<svg/>")
    (tmp_path / "secret.env").write_text("API_KEY=secret")
    return tmp_path


@pytest.fixture
async def client(folder: Path) -> AsyncIterator[httpx2.AsyncClient]:
    transport = httpx2.ASGITransport(app=WebClient(interface, folder))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
        yield client


async def test_browsers_get_the_page_and_programs_what_they_always_got(client: httpx2.AsyncClient) -> None:
    page = await client.get("/", headers=BROWSER)
    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    assert "<title>AlphaForge" in page.text
    for accept in ("*/*", "application/json, text/plain, */*", "application/json"):
        answer = await client.get("/", headers={"Accept": accept})
        assert answer.json() == {"path": "/", "method": "GET"}
        assert answer.headers["vary"] == "Accept"
    assert page.headers["vary"] == "Accept"


async def test_the_page_is_asked_for_each_time_and_may_load_nothing_from_elsewhere(client: httpx2.AsyncClient) -> None:
    headers = (await client.get("/", headers=BROWSER)).headers
    assert headers["cache-control"] == "no-cache"
    assert headers["content-security-policy"] == POLICY
    assert "unsafe" not in POLICY
    assert "http" not in POLICY
    assert headers["referrer-policy"] == "no-referrer"


async def test_its_files_are_kept_for_ever_and_come_compressed_to_who_takes_it(client: httpx2.AsyncClient) -> None:
    small = await client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip, br"})
    assert small.headers["content-encoding"] == "br"
    assert small.content == SCRIPT
    plain = await client.get("/assets/index-1a2b.js", headers={"Accept-Encoding": "gzip"})
    assert plain.content == SCRIPT
    for answer in (small, plain):
        assert answer.headers["cache-control"] == "public, max-age=31536000, immutable"
        assert answer.headers["content-type"].startswith("text/javascript")
        assert answer.headers["vary"] == "Accept-Encoding"
    icon = await client.get("/assets/icon-3c4d.svg", headers={"Accept-Encoding": "br"})
    assert icon.headers["content-type"] == "image/svg+xml"
    assert "content-encoding" not in icon.headers


@pytest.mark.parametrize(
    "path",
    [
        "/assets/gone-9z.js",
        "/assets/index-1a2b.js.br",
        "/assets/..",
        "/assets/%2e%2e%2fsecret.env",
        "/assets/..%5cindex",
    ],
)
async def test_nothing_else_of_the_disk_is_served(client: httpx2.AsyncClient, path: str) -> None:
    answer = await client.get(path)
    assert "API_KEY" not in answer.text
    assert answer.status_code == 404 or "path" in answer.json()


async def test_a_head_has_no_body_and_a_write_is_none_of_its_business(client: httpx2.AsyncClient) -> None:
    head = await client.head("/", headers=BROWSER)
    assert (head.status_code, head.content) == (200, b"")
    written = await client.post("/", headers=BROWSER)
    assert written.json() == {"path": "/", "method": "POST"}


async def test_a_client_that_was_not_built_says_how_it_is(tmp_path: Path) -> None:
    transport = httpx2.ASGITransport(app=WebClient(interface, tmp_path))
    async with httpx2.AsyncClient(transport=transport, base_url="http://127.0.0.1:5000") as client:
        page = await client.get("/", headers=BROWSER)
        assert page.status_code == 503
        assert "make web" in page.json()["advice"]
        assert (await client.get("/")).status_code == 200
