import asyncio
import gzip
from collections.abc import AsyncIterator

import pytest

from alphaforge.core.errors import MarketUnavailable
from alphaforge.market.oanda import CallLimits, OandaClient
from alphaforge.market.oanda.readiness import IDLE
from alphaforge.market.oanda.transport import PacedTransport
from market_builders import M5, MONDAY, QUICK, STEP, access, candle_body, same, series
from market_server import Answer, Broker, Exchange

DAY = series(range(MONDAY, MONDAY + 288 * STEP, STEP))
PAGE = candle_body(DAY)


@pytest.fixture
async def client(broker: Broker) -> AsyncIterator[OandaClient]:
    async def page(exchange: Exchange) -> None:
        await exchange.reply(PAGE)

    broker.answer = page
    client = OandaClient(access(api_url=broker.url), limits=QUICK)
    yield client
    await client.aclose()


async def ask(client: OandaClient, times: int = 1) -> None:
    pages = await asyncio.gather(*(client.candles("GBP_USD", M5, count=288) for _ in range(times)))
    assert all(same(page.closed, DAY) for page in pages)


async def test_one_question_after_another_needs_one_connection(client: OandaClient, broker: Broker) -> None:
    for _ in range(5):
        await ask(client)
    assert broker.connections == 1


async def test_many_questions_at_once_share_what_may_be_opened_at_once(
    client: OandaClient, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(client._http._transport.pool._openings, "_now", lambda: 0.0)  # the second that may not pass
    await ask(client, 20)
    assert broker.connections == 2
    assert client.traffic.connections == 2


async def test_questions_side_by_side_use_connections_that_were_prepared(client: OandaClient, broker: Broker) -> None:
    await client.prepare(3)
    assert broker.connections == 3
    broker.exchanges.clear()
    everyone_asked = asyncio.Barrier(3)

    async def together(exchange: Exchange) -> None:
        await everyone_asked.wait()  # never, if the third question waited for the first answer
        await exchange.reply(PAGE)

    broker.answer = together
    await ask(client, 3)
    assert broker.connections == 3
    assert {exchange.connection for exchange in broker.exchanges} == {1, 2, 3}


async def test_connections_that_the_broker_closed_are_opened_anew_before_a_close(
    client: OandaClient, broker: Broker
) -> None:
    await client.prepare(2)
    await ask(client)
    client.clock.observe(float(MONDAY + STEP - 100))
    assert not client._ready.is_due(), "too early"
    client.clock.observe(float(MONDAY + STEP - 30))
    assert client._ready.is_due()
    for exchange in broker.exchanges[:2]:
        exchange.writer.close()
        await exchange.writer.wait_closed()
    await client._ready.fill()
    assert broker.connections == 4
    client._ready.used -= IDLE
    assert not client._ready.is_due(), "nobody has asked for candles for long: it is weekend"


async def test_a_broker_that_keeps_no_connection_is_not_asked_without_end(client: OandaClient, broker: Broker) -> None:
    async def page(exchange: Exchange) -> None:
        await exchange.reply(PAGE, Connection="close")
        exchange.writer.close()

    broker.answer = page
    await client.prepare(2)
    assert broker.connections == 2


async def test_openings_are_paced_whoever_asks(
    client: OandaClient, broker: Broker, monkeypatch: pytest.MonkeyPatch
) -> None:
    openings: list[int] = []
    limiter = client._http._transport.pool._openings
    acquire = limiter.acquire

    async def counted() -> None:
        await acquire()
        openings.append(broker.connections)

    monkeypatch.setattr(limiter, "acquire", counted)
    client.clock.observe(float(MONDAY))
    await client.prepare(2)
    with pytest.raises(MarketUnavailable, match="ended"):
        await anext(client.stream(["GBP_USD"]))  # what comes is no stream, but it needs a connection
    assert client._stream_http._transport.pool._openings is limiter
    assert len(openings) == client.traffic.connections == broker.connections == 3


async def test_a_connection_that_the_broker_closed_is_opened_anew_without_an_error(
    client: OandaClient, broker: Broker
) -> None:
    await ask(client)
    broker.exchanges[0].writer.close()
    await broker.exchanges[0].writer.wait_closed()
    await ask(client)
    assert broker.connections == 2
    assert client.traffic.errors == 0


async def test_a_connection_that_breaks_off_does_not_keep_its_place_in_the_pool(
    client: OandaClient, broker: Broker
) -> None:
    async def reset(exchange: Exchange) -> None:
        exchange.reset()

    broker.answer, page = reset, broker.answer
    with pytest.raises(MarketUnavailable):
        await asyncio.wait_for(client.candles("GBP_USD", M5, count=288), 60)
    broker.answer = page
    transport = client._http._transport
    assert isinstance(transport, PacedTransport)
    assert transport.pool.connections == []


async def test_one_who_goes_away_while_waiting_leaves_no_trace(client: OandaClient, broker: Broker) -> None:
    asked, go_on = asyncio.Event(), asyncio.Event()

    async def slow(exchange: Exchange) -> None:
        asked.set()
        await go_on.wait()
        await exchange.reply(PAGE)

    broker.answer = slow
    callers = [asyncio.create_task(ask(client)) for _ in range(5)]
    await asked.wait()
    for caller in callers[1:]:
        caller.cancel()
    await asyncio.gather(*callers[1:], return_exceptions=True)
    go_on.set()
    await callers[0]
    pool = client._http._transport.pool
    assert set(pool.connections) == set(pool._idle)


async def test_a_compressed_answer_is_read(client: OandaClient, broker: Broker) -> None:
    async def zipped(exchange: Exchange) -> None:
        assert exchange.headers["accept-encoding"] == "gzip"
        await exchange.reply(gzip.compress(PAGE), Content_Encoding="gzip")

    broker.answer = zipped
    await ask(client)


# What must be survived


async def send_half(exchange: Exchange) -> None:
    whole = f"HTTP/1.1 200 OK\r\nContent-Length: {len(PAGE)}\r\n\r\n".encode() + PAGE
    await exchange.send(whole[: len(whole) // 2])


async def reset_before_an_answer(exchange: Exchange) -> None:
    exchange.reset()


async def reset_within_an_answer(exchange: Exchange) -> None:
    await send_half(exchange)
    exchange.reset()


async def closed_within_an_answer(exchange: Exchange) -> None:
    await send_half(exchange)
    exchange.writer.close()


async def truncated_chunk(exchange: Exchange) -> None:
    await exchange.begin_chunks()
    await exchange.send(b"ffff\r\n" + PAGE[:99])
    exchange.writer.close()


async def no_http_at_all(exchange: Exchange) -> None:
    await exchange.send(b"SSH-2.0-OpenSSH_9.2\r\n\r\n")
    exchange.writer.close()


async def broken_gzip(exchange: Exchange) -> None:
    await exchange.reply(PAGE, Content_Encoding="gzip")


async def too_many_requests(exchange: Exchange) -> None:
    await exchange.reply(b"<html>slow down</html>", status=429)


async def bad_gateway(exchange: Exchange) -> None:
    await exchange.reply(b"<html>bad gateway</html>", status=502)


async def bad_json(exchange: Exchange) -> None:
    await exchange.reply(PAGE[:-1] + b",")


async def stalled(exchange: Exchange) -> None:
    await asyncio.Event().wait()


async def stalled_within_an_answer(exchange: Exchange) -> None:
    await send_half(exchange)
    await asyncio.Event().wait()


async def survive(broker: Broker, fault: Answer, limits: CallLimits) -> OandaClient:
    """A client that was given an answer although the first attempt met the fault."""

    async def once_faulty(exchange: Exchange) -> None:
        if len(broker.exchanges) == 1:
            await fault(exchange)
        else:
            await exchange.reply(PAGE)

    broker.answer = once_faulty
    client = OandaClient(access(api_url=broker.url), limits=limits)
    await ask(client)
    await client.aclose()
    return client


@pytest.mark.parametrize(
    "fault",
    [
        reset_before_an_answer,
        reset_within_an_answer,
        closed_within_an_answer,
        truncated_chunk,
        no_http_at_all,
        broken_gzip,
        too_many_requests,
        bad_gateway,
        bad_json,
    ],
)
async def test_a_fault_that_passes_is_not_noticed(broker: Broker, fault: Answer) -> None:
    client = await survive(broker, fault, CallLimits(budget=60.0, pause=0.001, jitter=0.0, rate_pause=0.001))
    assert client.traffic.errors == client.traffic.retries == 1


@pytest.mark.parametrize("fault", [stalled, stalled_within_an_answer])
async def test_an_answer_that_stalls_is_given_up_and_asked_for_again(broker: Broker, fault: Answer) -> None:
    client = await survive(broker, fault, CallLimits(budget=60.0, attempts=50, read=0.2, pause=0.001, jitter=0.0))
    assert client.traffic.retries >= 1


async def test_a_broker_that_is_not_there_is_said_to_be_unreachable() -> None:
    server = await asyncio.start_server(lambda _reader, _writer: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    client = OandaClient(access(api_url=f"http://127.0.0.1:{port}"), limits=CallLimits(attempts=1))
    with pytest.raises(MarketUnavailable, match="cannot be reached"):
        await client.candles("GBP_USD", M5, count=1)
    await client.aclose()


async def test_a_name_that_does_not_exist_is_said_to_be_unreachable() -> None:
    client = OandaClient(access(api_url="http://no-such-host.invalid"), limits=CallLimits(attempts=1))
    with pytest.raises(MarketUnavailable, match="cannot be reached"):
        await client.candles("GBP_USD", M5, count=1)
    await client.aclose()


async def test_a_token_revoked_midway_is_named_and_no_longer_asked_with(broker: Broker) -> None:
    async def revoked(exchange: Exchange) -> None:
        if len(broker.exchanges) == 1:
            await exchange.reply(PAGE)
        else:
            await exchange.reply(b'{"errorMessage":"Insufficient authorization"}', status=401)

    broker.answer = revoked
    client = OandaClient(access(api_url=broker.url), limits=QUICK)
    await ask(client)
    with pytest.raises(Exception, match="does not accept the token"):
        await ask(client)
    assert len(broker.exchanges) == 2
    await client.aclose()
