"""Input that nobody means well: 4xx, never 5xx, nothing stored, nothing of the inside told."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from api_bench import SQLITE, Bench

HEADERS = {"content-type": "application/json"}
ENTRY = b'{"openTime":"2026-03-02 08:15","symbol":"GBPUSD","type":"BUY","lots":1,"entry":1.3,"notes":%s}'
SIGNAL = b'{"symbol":"GBP/USD","direction":"BUY","entry":1.31,"stop_loss":%s,"tp1":1.314}'

pytestmark = SQLITE


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"null",
        b"[]",
        b'"x"',
        b"1",
        b"NaN",
        b"\xff\xfe",
        b'{"a":' + b"9" * 5_000 + b"}",
        b"[" * 100_000,
        b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
        ENTRY % b'"\\u0000"',
        ENTRY % b'"\\ud800"',
        ENTRY % (b"[" * 900 + b"]" * 900),
        ENTRY.replace(b"1.3,", b"1e999,") % b'""',
        ENTRY.replace(b'"lots":1', b'"lots":NaN') % b'""',
        ENTRY.replace(b'"lots":1', b'"lots":' + b"9" * 400) % b'""',
        ENTRY.replace(b'"lots":1', b'"lots":{"$gt":0}') % b'""',
        ENTRY.replace(b"BUY", b"BUY'; DROP TABLE journal_entries; --") % b'""',
    ],
)
async def test_a_body_that_is_no_entry_is_refused(bench: Bench, body: bytes) -> None:
    answer = await bench.client.post("/api/journal/entries", content=body, headers=HEADERS)
    assert 400 <= answer.status_code < 500, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert len(answer.content) < 20_000
    assert "detail" in answer.json()
    assert (await bench.get("/api/journal/entries"))["total"] == 0


async def test_a_body_without_an_announced_end_is_cut_off(bench: Bench) -> None:
    async def endless() -> AsyncIterator[bytes]:
        yield b'{"notes":"'
        for _ in range(30):
            yield b"x" * 1_000_000
        yield b'"}'

    answer = await bench.client.post("/api/journal/entries", content=endless(), headers=HEADERS)
    assert answer.status_code == 413
    assert "10485760 bytes" in answer.json()["detail"]


@pytest.mark.parametrize(
    "stop", [b"NaN", b"-Infinity", b"1e400", b"9" * 400, b"null", b'"1.3\\u0000"', b"[1.3]", b"true"]
)
async def test_a_level_that_is_no_price_is_refused(bench: Bench, stop: bytes) -> None:
    answer = await bench.client.post("/api/signals", content=SIGNAL % stop, headers=HEADERS)
    assert answer.status_code == 422, answer.text


@pytest.mark.parametrize(
    "kind", [{}, {"content-type": "text/plain"}, {"content-type": "application/x-www-form-urlencoded"}]
)
async def test_a_body_that_does_not_say_it_is_json_is_refused(bench: Bench, kind: dict[str, str]) -> None:
    answer = await bench.client.post("/api/signals", content=SIGNAL % b"1.308", headers=kind)
    assert answer.status_code == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nowhere", 404),
        ("GET", "/api/signals/symbol", 422),
        ("DELETE", "/api/signals", 405),
        ("PATCH", "/health", 405),
        ("GET", "/api/../../etc/passwd", 404),
        ("GET", "/api/journal/entries/%2e%2e", 422),
    ],
)
async def test_what_the_router_refuses_is_a_problem_too(bench: Bench, method: str, path: str, status: int) -> None:
    answer = await bench.client.request(method, path)
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "value", ["\0", "%00", "' OR 1=1 --", "\ud83d\udca9", "x" * 5_000, "../..", "{}", "nan", "1e400"]
)
async def test_any_text_in_any_query_is_answered_below_500(bench: Bench, value: str) -> None:
    paths = {
        "/api/signals": ("status", "symbol", "direction", "from", "to", "min_confidence", "skip", "limit"),
        "/api/rejections": ("date", "format"),
        "/api/candles/GBP_USD": ("granularity", "limit", "from", "to", "price"),
        "/api/signals/performance": ("days",),
        "/api/journal/entries": ("skip", "limit"),
    }
    for path, names in paths.items():
        for name in names:
            answer = await bench.client.get(path, params={name: value.encode("utf-8", "surrogatepass")})
            assert answer.status_code < 500, (path, name, answer.text)


async def test_text_that_looks_like_sql_is_text(bench: Bench) -> None:
    text = "'; DROP TABLE journal_entries; -- \u2028 \U0001f4a9"
    body: dict[str, Any] = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 1, "entry": 1.3}
    written = await bench.ask("POST", "/api/journal/entries", json=body | {"notes": text})
    assert (await bench.get(f"/api/journal/entries/{written['id']}"))["notes"] == text


async def test_an_error_in_a_router_is_a_500_that_tells_nothing(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: object) -> None:
        message = "SELECT password FROM users at /home/jane"
        raise RuntimeError(message)

    monkeypatch.setattr(type(bench.market), "market", broken)
    with capture_logs() as lines:
        answer = await bench.client.get("/status")
    assert any(isinstance(line.get("exc_info"), RuntimeError) for line in lines)
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert "SELECT" not in answer.text
    assert "jane" not in answer.text
