import asyncio
import hashlib
import logging
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx2
import pytest
import structlog

from alphaforge.core.errors import (
    AccessDenied,
    MalformedAnswer,
    MarketError,
    MarketUnavailable,
    RateLimited,
    RequestRejected,
    TokenRejected,
)
from alphaforge.market.oanda import CallLimits
from alphaforge.market.oanda.breaker import BreakerSettings, CircuitBreaker, CircuitOpen
from alphaforge.market.oanda.traffic import Asked
from alphaforge.market.source import CandlePage
from market_builders import M5, MONDAY, QUICK, STEP, TOKEN, access, candle_body, mocked, series

PAGE = candle_body(series(range(MONDAY, MONDAY + 3 * STEP, STEP)))
HTML = b"<html><body>cloudfront 502 bad gateway</body></html>"


class Script:
    """Answers in turn; the last one again and again."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, Exception):
            raise answer
        if isinstance(answer, int):
            return httpx2.Response(answer, content=HTML)
        return httpx2.Response(200, content=answer) if isinstance(answer, bytes) else answer


async def ask(script: Callable[[httpx2.Request], Any], **options: Any) -> CandlePage:
    client = mocked(script, **options)
    try:
        return await client.candles("GBP_USD", M5, count=10)
    finally:
        await client.aclose()


TRANSIENT = [
    429,
    500,
    502,
    503,
    504,
    httpx2.ReadError("reset"),
    httpx2.RemoteProtocolError("half an answer"),
    httpx2.ReadTimeout("60 s"),
    httpx2.ConnectTimeout("slow"),
    httpx2.ConnectError("refused"),
    httpx2.DecodingError("half a gzip"),
    b'{"instrument": "GBP_U',
]


@pytest.mark.parametrize("fault", TRANSIENT, ids=repr)
async def test_what_passes_is_asked_again(fault: Any) -> None:
    script = Script(fault, fault, PAGE)
    page = await ask(script)
    assert len(page.closed) == 3
    assert len(script.requests) == 3


@pytest.mark.parametrize(
    ("fault", "error"),
    [(429, RateLimited), *((fault, MarketUnavailable) for fault in TRANSIENT[1:-1]), (TRANSIENT[-1], MalformedAnswer)],
    ids=repr,
)
async def test_what_does_not_pass_is_an_error_after_the_last_attempt(fault: Any, error: type[MarketError]) -> None:
    script = Script(fault)
    with pytest.raises(error) as failure:
        await ask(script)
    assert len(script.requests) == QUICK.attempts
    assert "<" not in failure.value.message + failure.value.advice


@pytest.mark.parametrize(
    ("status", "error"),
    [(400, RequestRejected), (401, TokenRejected), (403, AccessDenied), (404, RequestRejected), (405, RequestRejected)],
)
async def test_what_will_not_pass_is_asked_once(status: int, error: type[MarketError]) -> None:
    script = Script(status)
    with pytest.raises(error):
        await ask(script)
    assert len(script.requests) == 1


@pytest.mark.parametrize(("environment", "other"), [("practice", "live"), ("live", "practice")])
async def test_a_refused_token_may_belong_to_the_other_environment(environment: str, other: str) -> None:
    with pytest.raises(TokenRejected) as error:
        await ask(Script(401), access=access(environment=environment))
    assert environment in error.value.message
    assert f"the {other} environment" in error.value.advice


async def test_the_brokers_own_words_are_passed_on_cleaned() -> None:
    said = {"errorMessage": f"Invalid value\n\tspecified for 'instrument'.\x00 Token {TOKEN} " + "x" * 500}
    with pytest.raises(RequestRejected) as error:
        await ask(Script(httpx2.Response(400, json=said)))
    assert "Invalid value specified for 'instrument'." in error.value.message
    assert TOKEN not in error.value.message
    assert len(error.value.message) < 300


@pytest.mark.parametrize("status", [400, 404, 500, 502])
async def test_a_gateways_page_is_never_shown(status: int) -> None:
    with pytest.raises(MarketError) as error:
        await ask(Script(status))
    assert "cloudfront" not in error.value.message
    assert str(status) in error.value.message


async def test_markup_in_the_brokers_words_is_not_passed_on() -> None:
    with pytest.raises(RequestRejected) as error:
        await ask(Script(httpx2.Response(400, json={"errorMessage": "<b>no</b>"})))
    assert "<" not in error.value.message


async def test_a_redirect_is_not_followed_with_the_token() -> None:
    script = Script(httpx2.Response(302, headers={"Location": "http://elsewhere.test/"}))
    with pytest.raises(MalformedAnswer, match="302"):
        await ask(script)
    assert len(script.requests) == 1


async def test_the_budget_ends_a_call_that_hangs() -> None:
    async def hang(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(MarketUnavailable, match=r"within 0\.05 s"):
        await ask(hang, limits=CallLimits(budget=0.05))


async def test_the_budget_ends_the_attempts_and_names_the_last_failure() -> None:
    limits = CallLimits(budget=0.05, attempts=1000, pause=0.01, longest_pause=0.01, jitter=0.0)
    with pytest.raises(MarketUnavailable, match="503"):
        await ask(Script(503), limits=limits, breaker=CircuitBreaker(BreakerSettings(threshold=10_000)))


async def test_a_rate_limit_that_lasts_is_called_by_its_name_even_when_the_budget_ends() -> None:
    with pytest.raises(RateLimited):
        await ask(Script(429), limits=CallLimits(budget=0.05, rate_pause=10.0))


async def test_after_failures_in_a_row_the_market_is_not_asked_at_all() -> None:
    script = Script(503)
    breaker = CircuitBreaker(BreakerSettings(threshold=4, pause=30.0))
    with pytest.raises(MarketUnavailable):
        await ask(script, breaker=breaker)
    with pytest.raises(CircuitOpen, match=r"503.*asked again in \d+ s"):
        await ask(script, breaker=breaker)
    assert len(script.requests) == 4


async def test_a_circuit_that_opens_between_two_attempts_ends_the_call_at_once() -> None:
    script = Script(503)
    client = mocked(
        script, breaker=CircuitBreaker(BreakerSettings(threshold=2)), limits=CallLimits(attempts=9, pause=0.001)
    )
    with pytest.raises(CircuitOpen):
        await client.candles("GBP_USD", M5, count=10)
    assert len(script.requests) == 2
    assert client.traffic.retries == 2  # the one that failed and the one that found the circuit open
    await client.aclose()


@pytest.mark.parametrize("status", [400, 401, 404, 429])
async def test_a_refusal_is_an_answer_and_does_not_open_the_circuit(status: int) -> None:
    breaker = CircuitBreaker(BreakerSettings(threshold=1))
    with pytest.raises(MarketError):
        await ask(Script(status), breaker=breaker)
    breaker.admit()


async def test_a_budget_that_ends_during_a_probe_is_a_failed_probe() -> None:
    now = [0.0]
    breaker = CircuitBreaker(BreakerSettings(threshold=1, pause=5.0, jitter=0.0), now=lambda: now[0])
    breaker.failed("down")
    now[0] = 5.0

    async def hang(_: httpx2.Request) -> httpx2.Response:
        await asyncio.Event().wait()
        raise AssertionError

    with pytest.raises(MarketUnavailable):
        await ask(hang, breaker=breaker, limits=CallLimits(budget=0.02))
    assert breaker.retry_in == 10.0


async def test_a_probe_whose_caller_goes_away_leaves_the_way_to_the_next() -> None:
    now = [0.0]
    breaker = CircuitBreaker(BreakerSettings(threshold=1, pause=5.0, jitter=0.0), now=lambda: now[0])
    breaker.failed("down")
    now[0] = 5.0
    asked = asyncio.Event()

    async def hang(_: httpx2.Request) -> httpx2.Response:
        asked.set()
        await asyncio.Event().wait()
        raise AssertionError

    caller = asyncio.create_task(ask(hang, breaker=breaker))
    await asked.wait()
    caller.cancel()
    await asyncio.gather(caller, return_exceptions=True)
    breaker.admit()


async def test_one_whose_turn_has_not_come_does_not_end_the_probe_of_another_by_going_away() -> None:
    now = [0.0]
    breaker = CircuitBreaker(BreakerSettings(threshold=2, pause=5.0, jitter=0.0), now=lambda: now[0])
    limits = CallLimits(pause=1000.0, longest_pause=1000.0, budget=2000.0)
    failed = asyncio.Event()

    def fail(_: httpx2.Request) -> httpx2.Response:
        asyncio.get_running_loop().call_soon(failed.set)
        return httpx2.Response(503)

    pausing = asyncio.create_task(ask(fail, breaker=breaker, limits=limits))
    await failed.wait()
    breaker.failed("down")  # the second failure in a row: it opens
    now[0] = 5.0
    breaker.admit()  # the probe of another caller
    pausing.cancel()
    await asyncio.gather(pausing, return_exceptions=True)
    with pytest.raises(CircuitOpen):
        breaker.admit()


@pytest.fixture
def everything_logged() -> Iterator[list[Any]]:
    with structlog.testing.capture_logs() as logs:
        yield logs


@pytest.mark.parametrize(
    "answer", [PAGE, 401, 400, 502, httpx2.ReadError("reset")], ids=["ok", "401", "400", "502", "reset"]
)
async def test_the_token_is_in_the_header_and_nowhere_else(
    answer: Any, everything_logged: list[Any], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    script = Script(answer)
    client = mocked(script)
    shown = ""
    try:
        await client.candles("GBP_USD", M5, count=10)
    except MarketError as error:
        shown = f"{error!r} {error.message} {error.advice}"
    sent = script.requests[0]
    assert sent.headers["Authorization"] == f"Bearer {TOKEN}"
    assert TOKEN not in str(sent.url)
    assert TOKEN not in shown + repr(client) + repr(client._access) + repr(client._caller)
    assert TOKEN not in str(everything_logged) + caplog.text
    await client.aclose()


async def test_every_answer_is_logged_with_its_request_id(everything_logged: list[Any]) -> None:
    await ask(
        Script(
            httpx2.Response(503, headers={"RequestID": "77"}),
            httpx2.Response(200, content=PAGE, headers={"RequestID": "78"}),
        )
    )
    assert [entry["request_id"] for entry in everything_logged if entry["event"] == "market_answer"] == ["77", "78"]
    refused = [entry for entry in everything_logged if entry["event"] == "market_refused"]
    assert [(entry["status"], entry["request_id"], entry["log_level"]) for entry in refused] == [(503, "77", "warning")]


async def test_traffic_is_counted() -> None:
    client = mocked(Script(503, PAGE))
    await client.candles("GBP_USD", M5, count=10)
    traffic = client.traffic
    assert (traffic.requests, traffic.errors, traffic.retries) == (2, 1, 1)
    assert traffic.last_answer is not None
    assert traffic.last_error == ""
    await client.aclose()


async def test_the_last_error_stays_until_something_works() -> None:
    client = mocked(Script(404, PAGE))
    with pytest.raises(RequestRejected):
        await client.candles("GBP_USD", M5, count=10)
    assert "404" in client.traffic.last_error
    await client.aclose()


@pytest.mark.parametrize(("size", "beside"), [(1_000, False), (200_000, True)])
async def test_an_answer_of_a_large_size_is_read_beside_the_event_loop(size: int, *, beside: bool) -> None:
    client = mocked(Script(b"x" * size))
    answer = await client._caller.get(
        Asked.PRICES, "a page", "/v3/page", lambda body: (len(body), threading.get_ident())
    )
    await client.aclose()
    assert answer.value[0] == size
    assert (answer.value[1] != threading.get_ident()) is beside


async def test_a_closed_client_asks_nothing() -> None:
    script = Script(PAGE)
    client = mocked(script)
    await client.aclose()
    with pytest.raises(RuntimeError, match="closed"):
        await client.candles("GBP_USD", M5, count=10)
    assert script.requests == []


async def test_large_answers_are_read_one_at_a_time() -> None:
    body = b"[" + b" " * 200_000 + b"]"
    reading = threading.Lock()

    def decode(content: bytes) -> int:
        assert reading.acquire(blocking=False), "two at once"
        try:
            return len(hashlib.pbkdf2_hmac("sha256", content, b"salt", 2_000))  # other threads run meanwhile
        finally:
            reading.release()

    client = mocked(Script(body))
    asked = [client._caller.get(Asked.PRICES, "pages", "/v3/pages", decode) for _ in range(5)]
    assert [answer.value for answer in await asyncio.gather(*asked)] == [32] * 5
    await client.aclose()
