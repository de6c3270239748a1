"""What happens to a request before a router sees it."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest
import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send
from structlog.testing import capture_logs

from alphaforge.api.middleware.access import ApiKey, Key, NoForeignPages, OwnNames
from alphaforge.api.middleware.body_limit import BodyLimit
from alphaforge.api.middleware.request_log import RequestLog
from alphaforge.telemetry.requests import RequestTimes
from alphaforge.telemetry.slow import Slow, SlowLog


async def echo(scope: Scope, receive: Receive, send: Send) -> None:
    """Answers with the length of the body it read and the request id of the log's context."""
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    context = structlog.contextvars.get_contextvars()
    body = f"{size} {context.get('request_id')}".encode()
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": body})


async def broken(scope: Scope, receive: Receive, send: Send) -> None:
    message = "SELECT secret FROM somewhere"
    raise RuntimeError(message)


async def broken_off(scope: Scope, receive: Receive, send: Send) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": []})
    message = "in the middle"
    raise RuntimeError(message)


async def ask(app: ASGIApp, method: str = "GET", path: str = "/x", **kwargs: Any) -> httpx2.Response:
    transport = httpx2.ASGITransport(app=app)
    async with httpx2.AsyncClient(transport=transport, base_url="http://localhost:5000") as client:
        return await client.request(method, path, **kwargs)


async def test_a_sane_request_id_is_kept_and_known_to_the_log() -> None:
    answer = await ask(RequestLog(echo), headers={"X-Request-ID": "Abc-1.2_3"})
    assert answer.headers["x-request-id"] == "Abc-1.2_3"
    assert answer.text == "0 Abc-1.2_3"


@pytest.mark.parametrize("given", [{}, {"X-Request-ID": "a b"}, {"X-Request-ID": "x" * 65}, {"X-Request-ID": ""}])
async def test_a_missing_or_odd_request_id_is_replaced(given: dict[str, str]) -> None:
    answer = await ask(RequestLog(echo), headers=given)
    made = answer.headers["x-request-id"]
    assert made not in given.values()
    assert len(made) == 16


async def test_the_context_of_a_request_ends_with_it() -> None:
    await ask(RequestLog(echo))
    assert structlog.contextvars.get_contextvars() == {}


async def test_each_request_makes_one_line_without_its_path_or_query() -> None:
    with capture_logs() as lines:
        await ask(RequestLog(echo), path="/secret-path?token=hunter2")
    assert [line["event"] for line in lines] == ["request"]
    line = lines[0]
    assert (line["method"], line["status"], line["bytes"], line["route"]) == ("GET", 200, 18, "unmatched")
    assert line["ms"] >= 0
    assert "hunter2" not in str(lines)
    assert "secret-path" not in str(lines)


async def test_an_escaped_error_is_a_500_without_its_inside_and_with_its_trace_in_the_log() -> None:
    with capture_logs() as lines:
        answer = await ask(RequestLog(broken))
    assert answer.status_code == 500
    assert "SELECT" not in answer.text
    assert answer.json()["request_id"] == answer.headers["x-request-id"]
    assert any(line.get("exc_info") is not None for line in lines)


async def test_half_an_answer_is_broken_off_rather_than_mended() -> None:
    with pytest.raises(RuntimeError, match="in the middle"):
        await ask(RequestLog(broken_off))


async def test_a_request_is_under_way_until_its_answer_is_sent_and_then_counted() -> None:
    times = RequestTimes()

    async def looking(scope: Scope, receive: Receive, send: Send) -> None:
        assert times.under_way == 1
        await echo(scope, receive, send)
        assert times.under_way == 1

    await ask(RequestLog(looking, times=times))
    assert (times.under_way, times.take_peak()) == (0, 1)
    assert {labels: spread.count for labels, spread in times.copy().items()} == {("GET", "unmatched", "200", "none"): 1}


@pytest.mark.parametrize("app", [broken, broken_off])
async def test_what_broke_counts_as_500_whatever_was_out_already(app: ASGIApp) -> None:
    times = RequestTimes()
    with contextlib.suppress(RuntimeError):
        await ask(RequestLog(app, times=times))
    assert set(times.copy()) == {("GET", "unmatched", "500", "none")}
    assert times.under_way == 0


async def test_who_listens_is_counted_when_the_head_goes_out_and_is_neither_under_way_nor_slow() -> None:
    times, slow, seen = RequestTimes(), SlowLog(), list[tuple[int, int]]()

    async def telling(scope: Scope, receive: Receive, send: Send) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        seen.append((times.under_way, sum(spread.count for spread in times.copy().values())))
        await asyncio.sleep(0.02)
        await send({"type": "http.response.body", "body": b""})

    await ask(RequestLog(telling, times=times, slow=slow, slow_seconds=0.02))
    assert seen == [(0, 1)]
    assert times.under_way == 0
    assert [spread.count for spread in times.copy().values()] == [1]
    assert not slow.entries


async def test_a_slow_request_is_warned_of_and_kept_without_what_the_client_wrote() -> None:
    times, slow = RequestTimes(), SlowLog()
    with capture_logs() as lines:
        await ask(RequestLog(echo, times=times, slow=slow, slow_seconds=1e-9), path="/secret-path?token=hunter2")
    (line,) = [line for line in lines if line["event"] == "slow_request"]
    assert (line["log_level"], line["route"], line["status"]) == ("warning", "unmatched", 200)
    assert line["ms"] > 0
    (entry,) = slow.entries
    assert (entry.kind, entry.name, entry.status) == ("request", "GET unmatched", 200)
    assert entry.seconds > 0
    assert times.slow == {"unmatched": 1}
    for text in (str(lines), str(slow.entries)):
        assert "hunter2" not in text
        assert "secret-path" not in text


async def test_what_is_not_slow_is_not_kept_and_none_is_where_there_is_no_limit() -> None:
    slow = SlowLog()
    await ask(RequestLog(echo, slow=slow, slow_seconds=60.0))
    await ask(RequestLog(echo, slow=slow, slow_seconds=0.0))
    assert not slow.entries


def test_the_list_of_what_was_slow_keeps_the_newest() -> None:
    slow = SlowLog()
    for number in range(250):
        slow.add(Slow(number, "query", "list", 1.0))
    assert [entry.at for entry in slow.entries] == list(range(150, 250))


async def test_every_answer_forbids_guessing_its_type() -> None:
    assert (await ask(RequestLog(echo))).headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "headers",
    [{"Authorization": "Bearer k3y"}, {"authorization": "bearer k3y"}, {"X-API-Key": "k3y"}],
)
async def test_the_key_opens_in_either_header(headers: dict[str, Any]) -> None:
    assert (await ask(ApiKey(echo, Key("k3y")), headers=headers)).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer other"},
        {"Authorization": "Basic k3y"},
        {"Authorization": "k3y"},
        {"X-API-Key": ""},
        {"X-API-Key": "k3"},
        {"X-API-Key": "k3yy"},
        {"X-API-Key": b"\xff\xfe"},
    ],
)
async def test_without_the_key_nothing_opens(headers: dict[str, Any]) -> None:
    answer = await ask(ApiKey(echo, Key("k3y")), headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert "k3y" not in answer.text
    assert "detail" in answer.json()


@pytest.mark.parametrize(("path", "status"), [("/health/live", 200), ("/health/live/", 401), ("/health", 401)])
async def test_only_the_liveness_path_needs_no_key(path: str, status: int) -> None:
    assert (await ask(ApiKey(echo, Key("k3y")), path=path)).status_code == status


def test_comparing_keys_leaves_no_trace_of_the_key_in_the_middleware() -> None:
    assert "k3y" not in str(vars(Key("k3y")))


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Origin": "http://localhost:5173"}, 200),
        ({"Origin": "http://127.0.0.1:3000"}, 200),
        ({"Origin": "http://[::1]:3000"}, 200),
        ({"Origin": "https://desk.example"}, 200),
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Origin": "http://127.0.0.1.evil.example:80"}, 403),
        ({"Origin": "null"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 200),
    ],
)
async def test_foreign_pages_change_nothing(headers: dict[str, Any], status: int) -> None:
    app = NoForeignPages(echo, OwnNames(("https://desk.example",)), ("https://desk.example",))
    assert (await ask(app, "POST", headers=headers)).status_code == status
    assert (await ask(app, "GET", headers=headers)).status_code == 200


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS"])
@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("localhost", 200),
        ("LOCALHOST:5000", 200),
        ("127.0.0.1:5000", 200),
        ("127.8.9.10", 200),
        ("[::1]:65535", 200),
        ("desk.example", 200),
        ("evil.example", 421),
        ("evil.example:5000", 421),
        ("localhost.evil.example", 421),
        ("127.0.0.1.evil.example:5000", 421),
        ("192.168.1.5:5000", 421),
        ("evil.example#localhost", 421),
        ("", 421),
    ],
)
async def test_a_name_that_was_made_to_point_here_is_answered_nothing(method: str, host: str, status: int) -> None:
    app = NoForeignPages(echo, OwnNames(("https://desk.example",)), ("https://desk.example",))
    assert (await ask(app, method, headers={"Host": host})).status_code == status


@pytest.mark.parametrize(("hosts", "status"), [([], 200), (["localhost"] * 2, 200), (["localhost", "evil"], 421)])
async def test_no_host_is_fine_and_of_several_each_counts(hosts: list[str], status: int) -> None:
    sent: list[Message] = []

    async def send(message: Message) -> None:
        sent.append(message)

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    headers = [(b"host", host.encode()) for host in hosts]
    scope = {"type": "http", "method": "GET", "path": "/x", "headers": headers}
    await NoForeignPages(echo, OwnNames(()), ())(scope, receive, send)
    assert sent[0]["status"] == status


async def test_a_body_at_the_limit_passes_and_one_byte_more_does_not() -> None:
    app = BodyLimit(echo, 10)
    assert (await ask(app, "POST", content=b"x" * 10)).text.startswith("10 ")
    refused = await ask(app, "POST", content=b"x" * 11)
    assert refused.status_code == 413
    assert "10 bytes" in refused.json()["detail"]


async def test_a_body_of_unannounced_length_ends_at_the_limit() -> None:
    read = 0

    async def endless() -> AsyncIterator[bytes]:
        nonlocal read
        while True:
            read += 4
            assert read < 1_000, "nobody stops it"
            yield b"x" * 4

    refused = await ask(BodyLimit(echo, 10), "POST", content=endless())
    assert refused.status_code == 413
    assert "10 bytes" in refused.json()["detail"]
    assert refused.headers["connection"] == "close"
