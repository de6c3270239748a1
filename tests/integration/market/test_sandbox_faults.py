import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx2
import pytest

from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.server import RunningSandbox
from sandbox_servers import CANDLES, NOW, PRICING, STREAM, client_of, sandbox

GBP = {"instruments": "GBP_USD"}


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with sandbox() as running:
        yield running


@pytest.fixture
async def client(running: RunningSandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(running) as client:
        yield client


async def post(client: httpx2.AsyncClient, kind: str, **settings: Any) -> None:
    answer = await client.post("/sandbox/faults", json=[{"kind": kind, **settings}])
    assert answer.status_code == 200, answer.text


async def hits(client: httpx2.AsyncClient) -> int:
    return sum(fault["hits"] for fault in (await client.get("/sandbox/faults")).json()["faults"])


async def asked(running: RunningSandbox, times: int = 1) -> None:
    """Wait until candles were asked for so many times since the counters were cleared."""
    async with asyncio.timeout(5):
        while running.faults.requests["candles"] < times:  # noqa: ASYNC110 - the sandbox counts, it does not tell
            await asyncio.sleep(0)


async def stream_lines(client: httpx2.AsyncClient, count: int, **parameters: str) -> list[str]:
    lines: list[str] = []
    async with client.stream("GET", STREAM, params=GBP | parameters) as answer:
        async for line in answer.aiter_lines():
            lines.append(line)
            if len(lines) == count:
                break
    return lines


@pytest.mark.parametrize("status", [401, 403, 404, 405, 429, 503, 504])
async def test_oandas_errors_come_as_json_as_often_as_asked(client: httpx2.AsyncClient, status: int) -> None:
    await post(client, "status", status=status, times=2)
    answers = [await client.get(CANDLES) for _ in range(3)]

    assert [answer.status_code for answer in answers] == [status, status, 200]
    assert answers[0].json()["errorMessage"]
    assert await hits(client) == 2


@pytest.mark.parametrize("status", [500, 502])
async def test_a_gateways_errors_come_as_html(client: httpx2.AsyncClient, status: int) -> None:
    await post(client, "status", status=status, times=1)
    answer = await client.get(CANDLES)

    assert answer.status_code == status
    assert answer.headers["content-type"].startswith("text/html")
    assert str(status) in answer.text


async def test_faults_keep_to_their_paths_and_instruments(client: httpx2.AsyncClient) -> None:
    await post(client, "status", status=503, path="/candles", instrument="XAU_USD")
    gold = await client.get("/v3/instruments/XAU_USD/candles")
    pounds, price = await client.get(CANDLES), await client.get(PRICING, params={"instruments": "XAU_USD"})

    assert [answer.status_code for answer in (gold, pounds, price)] == [503, 200, 200]


async def test_deleted_faults_are_gone(client: httpx2.AsyncClient) -> None:
    await post(client, "status", status=503)
    before = await client.get(CANDLES)
    report = (await client.delete("/sandbox/faults")).json()
    after = await client.get(CANDLES)

    assert (before.status_code, after.status_code) == (503, 200)
    assert (report["faults"], report["requests"], report["connections"]) == ([], {}, 0)


async def test_a_reset_breaks_the_connection(client: httpx2.AsyncClient) -> None:
    await post(client, "reset", times=1, path="/candles")
    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        await client.get(CANDLES)

    assert (await client.get(CANDLES)).status_code == 200


async def test_a_stalled_request_gets_no_byte_until_the_fault_is_deleted(
    running: RunningSandbox, client: httpx2.AsyncClient
) -> None:
    await post(client, "stall", times=1)
    with pytest.raises(httpx2.ReadTimeout):
        await client.get(CANDLES, timeout=0.1)
    assert (await client.get(CANDLES)).status_code == 200
    await client.delete("/sandbox/faults")
    await post(client, "stall", times=1)
    waiting = asyncio.create_task(client.get(CANDLES))
    await asked(running)
    await client.delete("/sandbox/faults")
    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        await waiting


async def test_a_truncated_answer_ends_within_a_chunk(client: httpx2.AsyncClient) -> None:
    await post(client, "truncated", times=1)
    with pytest.raises(httpx2.RemoteProtocolError):
        await client.get(CANDLES)

    assert (await client.get(CANDLES)).status_code == 200


async def test_bad_json_comes_with_a_good_status(client: httpx2.AsyncClient) -> None:
    await post(client, "bad_json", times=1)
    answer = await client.get(CANDLES)

    assert answer.status_code == 200
    with pytest.raises(json.JSONDecodeError):
        answer.json()


async def test_a_revoked_token_ends_streams_and_refuses_everything(client: httpx2.AsyncClient) -> None:
    async with client.stream("GET", STREAM, params=GBP) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await post(client, "revoked_token")
        assert {json.loads(line)["type"] for line in [line async for line in lines]} <= {"HEARTBEAT"}

    answers = [await client.get(path) for path in (CANDLES, "/v3/accounts")]
    assert [answer.status_code for answer in answers] == [401, 401]


async def test_a_slow_answer_is_late_by_its_delay(client: httpx2.AsyncClient) -> None:
    await post(client, "latency", delay=60, times=1)
    with pytest.raises(httpx2.ReadTimeout):
        await client.get(CANDLES, timeout=0.1)

    assert (await client.get(CANDLES)).status_code == 200


async def test_a_candle_can_be_complete_late(client: httpx2.AsyncClient) -> None:
    moment = NOW // 300 * 300 + 300
    await client.post("/sandbox/clock", json={"advance_to": moment + 44})
    await post(client, "late_completion", delay=45)
    recent = {"granularity": "M5", "count": "2"}
    late = (await client.get(CANDLES, params=recent)).json()["candles"]
    await client.post("/sandbox/clock", json={"advance_to": moment + 45})
    ready = (await client.get(CANDLES, params=recent)).json()["candles"]

    assert [candle["complete"] for candle in late] == [False, False]
    assert [candle["complete"] for candle in ready] == [True, False]


async def test_a_closed_candle_can_be_revised(client: httpx2.AsyncClient) -> None:
    recent = {"granularity": "M5", "count": "4", "price": "MBA"}
    before = (await client.get(CANDLES, params=recent)).json()["candles"]
    await post(client, "revised_candle", points=700, times=1)
    after = (await client.get(CANDLES, params=recent)).json()["candles"]
    again = (await client.get(CANDLES, params=recent)).json()["candles"]

    assert [one == other for one, other in zip(before, after, strict=True)] == [True, True, False, True]
    assert float(after[2]["mid"]["c"]) == pytest.approx(float(before[2]["mid"]["c"]) + 0.007)
    assert after[2]["bid"]["h"] == after[2]["bid"]["c"]
    assert after[2]["complete"] is True
    assert again == before


async def test_a_candle_named_by_its_time_is_revised_wherever_it_is_served(client: httpx2.AsyncClient) -> None:
    recent = {"granularity": "M5", "count": "4"}
    before = (await client.get(CANDLES, params=recent)).json()["candles"]
    await post(client, "revised_candle", points=-700, at=int(parse_rfc3339(before[1]["time"])))
    after = (await client.get(CANDLES, params=recent)).json()["candles"]

    assert [one == other for one, other in zip(before, after, strict=True)] == [True, False, True, True]
    assert after[1]["mid"]["l"] == after[1]["mid"]["c"]


async def test_a_window_can_be_empty(client: httpx2.AsyncClient) -> None:
    await post(client, "empty_window", times=1)
    answers = [(await client.get(CANDLES)).json() for _ in range(2)]

    assert answers[0] == {"instrument": "GBP_USD", "granularity": "S5", "candles": []}
    assert answers[1]["candles"]


async def test_prices_can_be_no_numbers_or_missing(client: httpx2.AsyncClient) -> None:
    await post(client, "nan_price", times=1)
    await post(client, "empty_book", times=1)
    first, second, third = [(await client.get(PRICING, params=GBP)).json()["prices"][0] for _ in range(3)]

    assert (first["bids"][0]["price"], first["closeoutAsk"]) == ("NaN", "NaN")
    assert (second["bids"], second["asks"]) == ([], [])
    assert float(third["bids"][0]["price"]) > 0


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        ("nan_price", lambda lines: json.loads(lines[0])["bids"][0]["price"] == "NaN"),
        ("empty_book", lambda lines: json.loads(lines[0])["asks"] == []),
        ("duplicate_tick", lambda lines: lines[0] == lines[1]),
        ("out_of_order_tick", lambda lines: json.loads(lines[1])["time"] < json.loads(lines[0])["time"]),
        ("future_tick", lambda lines: parse_rfc3339(json.loads(lines[1])["time"]) > NOW + 40),
    ],
)
async def test_the_stream_can_send_strange_prices(client: httpx2.AsyncClient, kind: str, check: Any) -> None:
    await post(client, kind, times=1)

    assert check(await stream_lines(client, 2))
    assert await hits(client) == 1


async def test_the_stream_can_send_half_a_line(client: httpx2.AsyncClient) -> None:
    await post(client, "bad_json", times=1, path="/stream")
    broken, whole = await stream_lines(client, 2)

    with pytest.raises(json.JSONDecodeError):
        json.loads(broken)
    assert json.loads(whole)["type"] == "HEARTBEAT"


async def test_lines_can_be_split_over_chunks(client: httpx2.AsyncClient) -> None:
    await post(client, "split_lines")
    chunks: list[bytes] = []
    async with client.stream("GET", STREAM, params=GBP) as answer:
        async for chunk in answer.aiter_raw():
            chunks.append(chunk)
            if len(chunks) == 6:
                break

    assert sum(chunk.endswith(b"\n") for chunk in chunks) == 2
    assert [json.loads(line)["type"] for line in b"".join(chunks).splitlines()] == ["PRICE", "HEARTBEAT"]


async def test_lines_can_be_merged_in_a_chunk(client: httpx2.AsyncClient) -> None:
    await post(client, "merged_lines", times=2)
    async with client.stream("GET", STREAM, params=GBP) as answer:
        chunk = await anext(answer.aiter_raw())

    assert [json.loads(line)["type"] for line in chunk.splitlines()] == ["PRICE", "HEARTBEAT", "HEARTBEAT"]


async def test_a_stream_can_fall_silent_with_its_socket_open(client: httpx2.AsyncClient) -> None:
    async with client.stream("GET", STREAM, params=GBP, timeout=httpx2.Timeout(5, read=0.2)) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await post(client, "silent_stream")
        async with asyncio.timeout(5):
            with pytest.raises(httpx2.ReadTimeout):
                async for _ in lines:
                    pass


async def test_a_silent_stream_speaks_again_once_the_fault_is_deleted(client: httpx2.AsyncClient) -> None:
    await post(client, "silent_stream", times=1)
    async with client.stream("GET", STREAM, params=GBP) as answer:
        assert await hits(client) == 1
        await client.delete("/sandbox/faults")
        assert json.loads(await anext(answer.aiter_lines()))["type"] == "PRICE"


async def test_a_stream_can_beat_without_prices(client: httpx2.AsyncClient) -> None:
    await post(client, "heartbeats_only", times=1)

    assert {json.loads(line)["type"] for line in await stream_lines(client, 5)} == {"HEARTBEAT"}


@pytest.mark.parametrize("kind", ["reset", "truncated"])
async def test_a_stream_can_break_off(client: httpx2.AsyncClient, kind: str) -> None:
    async with client.stream("GET", STREAM, params=GBP) as answer:
        lines = answer.aiter_lines()
        await anext(lines)
        await post(client, kind, times=1, path="/stream")
        async with asyncio.timeout(5):
            with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
                async for _ in lines:
                    pass


async def test_closing_does_not_wait_for_stalled_requests(running: RunningSandbox, client: httpx2.AsyncClient) -> None:
    await post(client, "stall")
    waiting = asyncio.create_task(client.get(CANDLES))
    await asked(running)
    await running.aclose()
    with pytest.raises((httpx2.ReadError, httpx2.RemoteProtocolError)):
        await waiting
