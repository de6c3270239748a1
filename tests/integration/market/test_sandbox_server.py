import asyncio
import gzip
import json
import sys
import threading
from collections.abc import AsyncIterator

import httpx2
import pytest

from alphaforge.core.times import parse_rfc3339
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox
from sandbox_servers import ACCOUNT, CANDLES, NAMES, NOW, PRICING, STREAM, client_of, sandbox


@pytest.fixture
async def running() -> AsyncIterator[RunningSandbox]:
    async with sandbox() as running:
        yield running


@pytest.fixture
async def client(running: RunningSandbox) -> AsyncIterator[httpx2.AsyncClient]:
    async with client_of(running) as client:
        yield client


async def candles(client: httpx2.AsyncClient, **parameters: str) -> list[dict]:
    answer = await client.get(CANDLES, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()["candles"]


async def test_every_answer_says_what_time_it_is_in_the_market(client: httpx2.AsyncClient) -> None:
    for path in (CANDLES, PRICING, "/v3/nowhere", "/sandbox/clock"):
        answer = await client.get(path)
        assert float(answer.headers["Sandbox-Time"]) == NOW
        assert float(answer.headers["Sandbox-Speed"]) == 0.0


async def test_every_answer_has_a_number_of_its_own(client: httpx2.AsyncClient) -> None:
    numbers = {(await client.get(PRICING)).headers["RequestID"] for _ in range(3)}

    assert len(numbers) == 3


async def test_the_answer_names_instrument_and_granularity(client: httpx2.AsyncClient) -> None:
    body = (await client.get(CANDLES, params={"granularity": "M5", "count": "2"})).json()

    assert (body["instrument"], body["granularity"], len(body["candles"])) == ("GBP_USD", "M5", 2)
    assert set(body["candles"][0]) == {"complete", "volume", "time", "mid"}


async def test_only_the_forming_candle_is_not_complete(client: httpx2.AsyncClient) -> None:
    served = await candles(client, granularity="M5", count="3")

    assert [candle["complete"] for candle in served] == [True, True, False]
    assert served[-1]["time"] == "2025-07-10T14:20:00.000000000Z"


async def test_candles_below_an_account_are_the_same(client: httpx2.AsyncClient) -> None:
    parameters = {"granularity": "M5", "count": "9", "price": "MBA"}
    short = await client.get(CANDLES, params=parameters)
    long = await client.get(f"/v3/accounts/{ACCOUNT}/instruments/GBP_USD/candles", params=parameters)

    assert short.content == long.content


async def test_a_gzipped_answer_is_the_same_answer(client: httpx2.AsyncClient) -> None:
    parameters = {"granularity": "M5", "count": "300", "price": "MBA"}
    plain = await client.get(CANDLES, params=parameters, headers={"accept-encoding": "identity"})
    request = client.build_request("GET", CANDLES, params=parameters, headers={"accept-encoding": "gzip"})
    answer = await client.send(request, stream=True)
    packed = b"".join([part async for part in answer.aiter_raw()])

    assert answer.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert len(packed) < len(plain.content) / 2
    assert gzip.decompress(packed) == plain.content


async def test_times_come_as_seconds_where_that_is_asked_for(client: httpx2.AsyncClient) -> None:
    unix = {"accept-datetime-format": "UNIX"}
    candle = (await client.get(CANDLES, params={"count": "1"}, headers=unix)).json()["candles"][0]
    prices = (await client.get(PRICING, params={"instruments": "GBP_USD"}, headers=unix)).json()

    assert float(candle["time"]) == NOW // 5 * 5
    assert prices["time"] == f"{NOW:.6f}000"


async def test_pages_joined_by_include_first_have_each_candle_once(client: httpx2.AsyncClient) -> None:
    whole = await candles(client, granularity="M5", count="40")
    first = await candles(client, granularity="M5", count="20", to=whole[20]["time"])
    second = await candles(client, granularity="M5", includeFirst="false", **{"from": first[-1]["time"]})

    assert first + second == whole


@pytest.mark.parametrize(
    ("path", "message"),
    [
        (f"{CANDLES}?count=5001", "Maximum value for 'count' exceeded"),
        (f"{CANDLES}?granularity=M7", "Invalid value specified for 'granularity'"),
        (f"{CANDLES}?to=2025-07-10T14:22:14Z", "Invalid value specified for 'to'. Time is in the future"),
        ("/v3/instruments/GBP_XXX/candles", "Invalid value specified for 'instrument'"),
        (f"{PRICING}?instruments=GBP_USD,GBP_XXX", "Invalid value specified for 'instruments'"),
        (PRICING, "Missing required parameter 'instruments'"),
        (STREAM, "Missing required parameter 'instruments'"),
        (f"{PRICING}?instruments=GBP_USD&since=once", "Invalid value specified for 'since'"),
    ],
)
async def test_what_cannot_be_meant_is_refused_with_a_message(
    client: httpx2.AsyncClient, path: str, message: str
) -> None:
    answer = await client.get(path)

    assert (answer.status_code, answer.json()) == (400, {"errorMessage": message})


async def test_unknown_paths_and_methods_are_refused_in_json(client: httpx2.AsyncClient) -> None:
    missing, wrong = await client.get("/v3/nowhere"), await client.post(CANDLES)

    assert (missing.status_code, wrong.status_code) == (404, 405)
    assert missing.json()["errorMessage"]
    assert wrong.json()["errorMessage"]


@pytest.mark.parametrize("authorization", [None, "Bearer", "Basic mine", "Bearer other"])
async def test_a_configured_token_is_the_only_one_accepted(authorization: str | None) -> None:
    async with sandbox(token="mine") as running, client_of(running, headers={}) as client:
        headers = {"authorization": authorization} if authorization else {}
        refused = await client.get(CANDLES, headers=headers)
        accepted = await client.get(CANDLES, headers={"authorization": "Bearer mine"})

    assert (refused.status_code, refused.json()) == (
        401,
        {"errorMessage": "Insufficient authorization to perform request."},
    )
    assert accepted.status_code == 200


async def test_without_a_configured_token_any_is_accepted_but_one_is_needed(running: RunningSandbox) -> None:
    async with client_of(running, headers={}) as client:
        assert (await client.get(CANDLES)).status_code == 401
        assert (await client.get(CANDLES, headers={"authorization": "Bearer"})).status_code == 401
        assert (await client.get(CANDLES, headers={"authorization": "Bearer whatever"})).status_code == 200


async def test_a_configured_account_is_the_only_one_there_is() -> None:
    async with sandbox(account="101-001-7-001") as running, client_of(running) as client:
        listed = (await client.get("/v3/accounts")).json()["accounts"]
        other = await client.get("/v3/accounts/101-001-8-001/summary")

    assert [account["id"] for account in listed] == ["101-001-7-001"]
    assert other.status_code == 403


async def test_instruments_are_listed_as_oanda_describes_them(client: httpx2.AsyncClient) -> None:
    listed = (await client.get(f"/v3/accounts/{ACCOUNT}/instruments")).json()["instruments"]
    described = {row["name"]: (row["pipLocation"], row["displayPrecision"], row["type"]) for row in listed}

    assert described == {
        "GBP_USD": (-4, 5, "CURRENCY"),
        "XAU_USD": (-2, 3, "METAL"),
        "USD_JPY": (-2, 3, "CURRENCY"),
    }


async def test_prices_older_than_since_are_left_out(client: httpx2.AsyncClient) -> None:
    every = {"instruments": "GBP_USD,XAU_USD"}
    prices = (await client.get(PRICING, params=every)).json()["prices"]
    newest = max(price["time"] for price in prices)
    none = (await client.get(PRICING, params=every | {"since": newest})).json()["prices"]

    assert [price["instrument"] for price in prices] == ["GBP_USD", "XAU_USD"]
    assert none == []


async def test_the_price_of_now_lies_within_the_forming_candle(client: httpx2.AsyncClient) -> None:
    price = (await client.get(PRICING, params={"instruments": "GBP_USD"})).json()["prices"][0]
    forming = (await candles(client, granularity="M5", count="1", price="BA"))[0]

    assert price["bids"][0]["price"] == price["closeoutBid"] == forming["bid"]["c"]
    assert price["asks"][0]["price"] == forming["ask"]["c"]
    assert (price["status"], price["tradeable"]) == ("tradeable", True)


async def test_on_a_weekend_prices_are_not_tradeable() -> None:
    async with sandbox(start=parse_rfc3339("2025-07-12T12:00:00Z")) as running, client_of(running) as client:
        price = (await client.get(PRICING, params={"instruments": "GBP_USD"})).json()["prices"][0]

    assert (price["status"], price["tradeable"]) == ("non-tradeable", False)


async def lines_of(client: httpx2.AsyncClient, count: int, instruments: str = "GBP_USD") -> list[dict]:
    lines: list[dict] = []
    async with client.stream("GET", STREAM, params={"instruments": instruments}) as answer:
        assert answer.headers["Sandbox-Time"]
        async for line in answer.aiter_lines():
            lines.append(json.loads(line))
            if len(lines) == count:
                break
    return lines


async def test_a_stream_begins_with_a_price_of_each_and_then_beats(client: httpx2.AsyncClient) -> None:
    lines = await lines_of(client, 5, "GBP_USD,XAU_USD")

    assert [line.get("instrument") for line in lines[:2]] == ["GBP_USD", "XAU_USD"]
    assert [line["type"] for line in lines] == ["PRICE", "PRICE", "HEARTBEAT", "HEARTBEAT", "HEARTBEAT"]


async def test_streamed_prices_are_those_of_pricing_and_in_order() -> None:
    async with sandbox(speed=600.0) as running, client_of(running) as client:
        lines = [line for line in await lines_of(client, 40) if line["type"] == "PRICE"]
        market = running.market
        for line in lines:
            quote = market.quote("GBP_USD", parse_rfc3339(line["time"]) + 1e-5)
            assert line["closeoutBid"] == f"{quote.prices[1, 0] / 1e5:.5f}"

    times = [line["time"] for line in lines]
    assert len(times) > 5
    assert times == sorted(set(times))


async def test_a_stream_sends_at_most_one_price_of_an_instrument_an_interval() -> None:
    async with sandbox(speed=600.0, heartbeat=0.1, price_interval=60.0) as running, client_of(running) as client:
        async with client.stream("GET", STREAM, params={"instruments": "GBP_USD"}) as answer:
            lines = answer.aiter_lines()
            first = await anext(lines)
            running.broker.closing.set()
            rest = [line async for line in lines]

    assert json.loads(first)["type"] == "PRICE"
    assert rest == []


async def test_closing_ends_open_streams_and_frees_the_port() -> None:
    async with sandbox() as running:
        client = client_of(running)
        async with client.stream("GET", STREAM, params={"instruments": "GBP_USD"}) as answer:
            lines = answer.aiter_lines()
            await anext(lines)
            assert running.faults.streams == 1
            await running.aclose()
            async for _ in lines:
                pass
        assert running.faults.streams == 0
        with pytest.raises(httpx2.ConnectError):
            await client.get(CANDLES)
        await client.aclose()


async def test_a_client_that_leaves_ends_its_stream(running: RunningSandbox, client: httpx2.AsyncClient) -> None:
    await lines_of(client, 1)
    async with asyncio.timeout(5):
        while running.faults.streams:  # noqa: ASYNC110 - the sandbox counts, it does not tell
            await asyncio.sleep(0)


async def test_connections_are_counted_once_however_much_they_carry(running: RunningSandbox) -> None:
    async with client_of(running) as client:
        for _ in range(3):
            await client.get(CANDLES)
    async with client_of(running) as client:
        await client.get(PRICING)
        counted = (await client.get("/sandbox/faults")).json()

    assert counted["connections"] == 2
    assert counted["requests"] == {"candles": 3, "pricing": 1}
    assert counted["paths"] == {CANDLES: 3, PRICING: 1}


async def test_the_clock_is_set_over_http(client: httpx2.AsyncClient) -> None:
    await client.post("/sandbox/clock", json={"advance_to": NOW + 60})
    await client.post("/sandbox/clock", json={"advance_by": 240})
    moved = (await client.get("/sandbox/clock")).json()
    running = (await client.post("/sandbox/clock", json={"speed": 30})).json()

    assert (moved["now"], moved["time"]) == (NOW + 300, "2025-07-10T14:27:13.700000000Z")
    assert running["speed"] == 30
    assert [candle["complete"] for candle in await candles(client, granularity="M5", count="2")] == [True, False]


@pytest.mark.parametrize(
    ("path", "order"),
    [
        ("/sandbox/clock", {"advance_to": NOW - 1}),
        ("/sandbox/clock", {"speed": 0}),
        ("/sandbox/clock", {"back": 3}),
        ("/sandbox/faults", [{"kind": "flood"}]),
        ("/sandbox/faults", "no"),
    ],
)
async def test_orders_that_cannot_be_meant_are_refused(client: httpx2.AsyncClient, path: str, order: object) -> None:
    answer = await client.post(path, json=order)

    assert answer.status_code == 400
    assert answer.json()["errorMessage"]


async def test_control_is_for_this_machine_only(running: RunningSandbox) -> None:
    reached: list[int] = []

    async def send(message: dict) -> None:
        if message["type"] == "http.response.start":
            reached.append(message["status"])

    async def receive() -> dict:
        return {"type": "http.request", "body": b"", "more_body": False}

    for client in ("192.0.2.7", "127.0.0.1", "::1"):
        scope = {
            "type": "http",
            "method": "GET",
            "path": "/sandbox/clock",
            "headers": [],
            "query_string": b"",
            "client": (client, 1),
        }
        await running.app(scope, receive, send)

    assert reached == [403, 200, 200]


async def test_latency_in_milliseconds_delays_every_answer() -> None:
    async with sandbox(latency=60_000.0) as slow, client_of(slow) as client:
        for path in (CANDLES, "/v3/accounts"):
            with pytest.raises(httpx2.ReadTimeout):
                await client.get(path, timeout=0.2)
        assert slow.broker.latency == 60


async def test_two_processes_serve_the_same_bytes(client: httpx2.AsyncClient) -> None:
    script = (
        "import sys, hashlib;"
        "from alphaforge.market.sandbox.market import SimulatedMarket;"
        "from alphaforge.market.sandbox.buckets import Buckets;"
        f"bars = SimulatedMarket(7, {NAMES!r}).candles('XAU_USD', Buckets('M5'), 1751328000, 1751932800, 1752000000.0);"
        "print(hashlib.sha256(bars.time.tobytes() + bars.prices.tobytes() + bars.volume.tobytes()).hexdigest())"
    )
    outputs = set()
    for hash_seed in ("1", "2"):
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, env={"PYTHONHASHSEED": hash_seed}
        )
        outputs.add((await process.communicate())[0])
        assert process.returncode == 0

    assert len(outputs) == 1


async def test_two_servers_of_one_seed_serve_the_same_bytes(client: httpx2.AsyncClient) -> None:
    parameters = {"granularity": "M15", "count": "700", "price": "MBA"}
    async with sandbox() as other, client_of(other) as second:
        await second.get(CANDLES, params={"granularity": "S5"})
        assert (await client.get(CANDLES, params=parameters)).content == (
            await second.get(CANDLES, params=parameters)
        ).content


async def test_candles_are_made_beside_the_event_loop(running: RunningSandbox, client: httpx2.AsyncClient) -> None:
    threads: set[int] = set()
    market = running.market
    assert isinstance(market, SimulatedMarket)
    made = market._made

    def watched(instrument: str, day: int) -> object:
        threads.add(threading.get_ident())
        return made(instrument, day)

    market._made = watched  # type: ignore[method-assign, assignment]  # a spy around the same function
    await candles(client, granularity="M5", count="2000")

    assert threads
    assert threading.get_ident() not in threads


async def test_closing_breaks_off_a_listener_that_does_not_read(
    client: httpx2.AsyncClient,
    running: RunningSandbox,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr("alphaforge.market.sandbox.server._PATIENCE", 0.05)
    caplog.set_level("WARNING")
    async with client.stream("GET", STREAM, params={"instruments": "GBP_USD"}) as answer:
        await anext(answer.aiter_lines())
        for connection in running._state.connections:
            connection.pause_writing()  # what the transport does once the client's window is full
        await running.aclose()

    assert not running._state.tasks
    assert not caplog.records
