import json
from typing import Any
from urllib.parse import parse_qs

import httpx2
import pytest

from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import AccessDenied, InvalidInput, MalformedAnswer, MarketError, RequestRejected
from alphaforge.core.instruments import Instrument
from alphaforge.market.oanda import OandaClient
from alphaforge.market.source import AccountSummary, Quote
from market_builders import ACCOUNT, M5, MONDAY, STEP, access, candle_body, mocked, same, series

DAY = series(range(MONDAY, MONDAY + 288 * STEP, STEP))
IN_THE_FUTURE = httpx2.Response(400, json={"errorMessage": "Invalid value specified for 'to'. Time is in the future"})


class Market:
    """Answers any path with what it was given for its end, and keeps the requests."""

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.requests: list[httpx2.Request] = []

    def __call__(self, request: httpx2.Request) -> httpx2.Response:
        self.requests.append(request)
        answer = self.answers[request.url.path.rpartition("/")[2]]
        if isinstance(answer, list):
            answer = answer.pop(0)
        if isinstance(answer, httpx2.Response):
            return answer
        return httpx2.Response(200, content=answer if isinstance(answer, bytes) else json.dumps(answer).encode())

    def query(self, number: int = -1) -> dict[str, str]:
        return {key: value[0] for key, value in parse_qs(self.requests[number].url.query.decode()).items()}


def observed_clock(time: float) -> MarketClock:
    clock = MarketClock()
    clock.observe(time)
    return clock


def client(market: Market, time: float = MONDAY + 100_000.0, **options: Any) -> OandaClient:
    return mocked(market, clock=observed_clock(time), **options)


async def test_the_newest_candles_are_asked_for_by_count_alone() -> None:
    market = Market(candles=candle_body(DAY.last(3)))
    page = await client(market).candles("GBP_USD", M5, count=3)
    assert same(page.closed, DAY.last(3))
    assert market.requests[0].url.path == "/v3/instruments/GBP_USD/candles"
    assert market.query() == {"price": "MBA", "granularity": "M5", "count": "3"}


async def test_what_oanda_is_asked_to_send() -> None:
    market = Market(candles=candle_body(DAY.last(3)))
    await client(market).candles("GBP_USD", M5, count=3)
    headers = market.requests[0].headers
    assert headers["Accept-Datetime-Format"] == "RFC3339"
    assert headers["Accept-Encoding"] == "gzip"


async def test_a_span_is_asked_for_by_from_and_to_without_count() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 2)))
    await client(market).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + 2 * STEP)
    query = market.query()
    assert (query["from"], query["to"]) == ("2024-07-01T00:00:00Z", "2024-07-01T00:10:00Z")
    assert "count" not in query


async def test_an_end_in_the_future_is_cut_to_the_markets_now() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 2)))
    await client(market, MONDAY + 700.5).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + 9 * STEP)
    assert market.query()["to"] == "2024-07-01T00:11:40Z"


async def test_a_span_in_the_future_is_empty_and_not_asked_for() -> None:
    market = Market()
    page = await client(market, MONDAY - 1.0).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + STEP)
    assert len(page.closed) == 0
    assert not market.requests


async def test_a_clock_nobody_has_set_decides_nothing_about_the_future() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 2)))
    far = 4_000_000_000 // STEP * STEP
    unset = mocked(market)
    with pytest.raises(MalformedAnswer):
        await unset.candles("GBP_USD", M5, start=far, count=2)
    assert market.requests


async def test_a_broker_whose_clock_is_behind_is_asked_again_without_an_end() -> None:
    market = Market(candles=[IN_THE_FUTURE, candle_body(DAY.rows(0, 9), incomplete=[-1])])
    page = await client(market).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + 4 * STEP)
    assert same(page.closed, DAY.rows(0, 4))
    assert not page.forming
    query = market.query()
    assert query["count"] == "5000"
    assert query["from"] == "2024-07-01T00:00:00Z"
    assert "to" not in query


async def test_the_last_ones_before_an_end_in_the_brokers_future_are_the_newest() -> None:
    market = Market(candles=[IN_THE_FUTURE, candle_body(DAY.last(4), incomplete=[-1])])
    page = await client(market).candles("GBP_USD", M5, end=MONDAY + 100_000, count=4)
    assert same(page.closed, DAY.last(4).rows(0, 3))
    assert market.query() == {"price": "MBA", "granularity": "M5", "count": "4"}


async def test_other_rejections_are_not_asked_again() -> None:
    market = Market(candles=httpx2.Response(400, json={"errorMessage": "Maximum value for 'count' exceeded"}))
    with pytest.raises(RequestRejected, match="Maximum value"):
        await client(market).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + STEP)
    assert len(market.requests) == 1


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"start": MONDAY},
        {"end": MONDAY},
        {"start": MONDAY, "end": MONDAY + STEP, "count": 1},
        {"count": 0},
        {"count": 5_001},
        {"start": MONDAY, "end": MONDAY + 5_001 * STEP},
        {"start": MONDAY, "end": MONDAY},
    ],
    ids=str,
)
async def test_what_oanda_would_refuse_is_not_sent(asked: dict[str, int]) -> None:
    market = Market()
    with pytest.raises(InvalidInput):
        await client(market).candles("GBP_USD", M5, **asked)
    assert not market.requests


async def test_a_candle_at_the_end_of_the_span_does_not_belong_to_it() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 3)))
    page = await client(market).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + 2 * STEP)
    assert same(page.closed, DAY.rows(0, 2))


async def test_a_forming_candle_at_the_end_of_the_span_is_not_reported() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 3), incomplete=[-1]))
    page = await client(market).candles("GBP_USD", M5, start=MONDAY, end=MONDAY + 2 * STEP)
    assert (page.forming, page.forming_start) == (False, None)


async def test_candles_from_before_the_span_are_malformed() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 3)))
    with pytest.raises(MalformedAnswer, match="before the time asked for"):
        await client(market).candles("GBP_USD", M5, start=MONDAY + STEP, count=3)


async def test_more_candles_than_asked_for_are_malformed() -> None:
    market = Market(candles=candle_body(DAY.rows(0, 3)))
    with pytest.raises(MalformedAnswer, match="more"):
        await client(market).candles("GBP_USD", M5, count=2)


async def test_an_instruments_name_cannot_reach_another_path() -> None:
    market = Market(candles=httpx2.Response(404))
    with pytest.raises(RequestRejected):
        await client(market).candles("../../accounts?x=", M5, count=1)
    assert market.requests[0].url.raw_path.startswith(b"/v3/instruments/..%2F..%2Faccounts%3Fx%3D/candles?")


# accounts


async def test_without_an_account_the_tokens_first_one_is_taken_and_asked_for_once() -> None:
    market = Market(accounts={"accounts": [{"id": "101-1", "tags": []}, {"id": "101-2"}]}, pricing={"prices": []})
    given = client(market, access=access(account_id=None))
    await given.quotes(["GBP_USD"])
    await given.quotes(["GBP_USD"])
    assert [request.url.path for request in market.requests] == ["/v3/accounts", *["/v3/accounts/101-1/pricing"] * 2]


async def test_a_token_without_accounts_is_told_so() -> None:
    with pytest.raises(AccessDenied, match="no account"):
        await client(Market(accounts={"accounts": []}), access=access(account_id=None)).quotes(["GBP_USD"])


async def test_connecting_keeps_the_account_that_was_chosen() -> None:
    market = Market(accounts={"accounts": [{"id": "other"}]}, pricing={"prices": []})
    given = client(market)
    await given.connect()
    await given.quotes(["GBP_USD"])
    assert market.requests[-1].url.path == f"/v3/accounts/{ACCOUNT}/pricing"


async def test_the_account_is_read() -> None:
    answer = {"account": {"id": "1", "currency": "EUR", "balance": "1000.5", "NAV": "999.25", "openTradeCount": 2}}
    assert await client(Market(summary=answer)).account() == AccountSummary("EUR", 1000.5, 999.25, 2)


async def test_instruments_are_read_and_an_exotic_one_does_not_hide_the_others() -> None:
    answer = {
        "instruments": [
            {
                "name": "XAU_USD",
                "type": "METAL",
                "pipLocation": -2,
                "displayPrecision": 3,
                "tradeUnitsPrecision": 0,
                "minimumTradeSize": "1",
            },
            {"name": "so strange", "pipLocation": 0, "displayPrecision": 1},
            {"name": "USD_JPY", "pipLocation": -2, "displayPrecision": 3},
        ]
    }
    assert await client(Market(instruments=answer)).instruments() == [
        Instrument("XAU_USD", -2, 3, 0, 1.0),
        Instrument("USD_JPY", -2, 3, 0, 1.0),
    ]


# prices


def price(instrument: str = "GBP_USD", **changed: Any) -> dict[str, Any]:
    return {
        "type": "PRICE",
        "time": "2024-07-01T00:00:01.123456789Z",
        "instrument": instrument,
        "bids": [{"price": "1.26400", "liquidity": 10_000_000}],
        "asks": [{"price": "1.26412", "liquidity": 500_000}],
        "status": "tradeable",
        "tradeable": True,
    } | changed


async def quotes(*prices: dict[str, Any]) -> list[Quote]:
    return await client(Market(pricing={"prices": prices})).quotes(["GBP_USD", "XAU_USD"])


@pytest.mark.parametrize("time", ["2024-07-01T00:00:01.500000000Z", "1719792001.500000000"])
async def test_a_quote_is_read_in_either_form_of_time(time: str) -> None:
    assert await quotes(price(time=time)) == [
        Quote("GBP_USD", MONDAY + 1.5, 1.264, 1.26412, 10_000_000, 500_000, tradeable=True)
    ]


@pytest.mark.parametrize("empty", [{"bids": []}, {"asks": []}, {"status": "invalid"}])
async def test_without_a_price_on_both_sides_there_is_no_quote(empty: dict[str, Any]) -> None:
    assert [quote.instrument for quote in await quotes(price(**empty), price("XAU_USD"))] == ["XAU_USD"]


@pytest.mark.parametrize(
    "bad", [{"bids": [{"price": "NaN"}]}, {"bids": [{"price": "2.0"}]}, {"asks": [{"price": "0"}]}]
)
async def test_a_price_that_cannot_be_is_refused_counted_and_hides_no_other(bad: dict[str, Any]) -> None:
    market = client(Market(pricing={"prices": [price(**bad), price("XAU_USD")]}))
    assert [quote.instrument for quote in await market.quotes(["GBP_USD", "XAU_USD"])] == ["XAU_USD"]
    assert market.traffic.refused_prices == 1


async def test_a_closed_market_has_quotes_that_are_not_tradeable() -> None:
    (quote,) = await quotes(price(status="non-tradeable"))
    assert not quote.tradeable


async def test_sizes_may_be_absent() -> None:
    (quote,) = await quotes(price(bids=[{"price": "1.2"}], asks=[{"price": "1.3"}]))
    assert (quote.bid_volume, quote.ask_volume) == (None, None)


async def test_prices_of_other_instruments_are_malformed() -> None:
    with pytest.raises(MalformedAnswer, match="other instruments"):
        await quotes(price("EUR_USD"))


# who answers, and when


async def test_oanda_is_known_by_its_environment() -> None:
    given = client(Market(pricing={"prices": []}), access=access(api_url=None))
    await given.quotes(["GBP_USD"])
    assert (given.name, given.simulated) == ("oanda-practice", False)


async def test_a_server_that_is_neither_oanda_nor_a_sandbox_has_its_host_in_its_name() -> None:
    given = client(Market(pricing={"prices": []}), access=access(api_url="http://127.0.0.1:9"))
    await given.quotes(["GBP_USD"])
    assert (given.name, given.simulated) == ("oanda-practice@127.0.0.1:9", False)


async def test_a_sandbox_is_known_by_its_answers_and_sets_the_clock() -> None:
    says = httpx2.Response(
        200,
        json={"prices": [], "time": "2019-01-01T00:00:00Z"},
        headers={"Sandbox-Time": "1719792000.5", "Sandbox-Speed": "60"},
    )
    given = client(Market(pricing=says), time=1.0)
    await given.quotes(["GBP_USD"])
    assert (given.name, given.simulated) == ("sandbox", True)
    assert given.clock.speed == 60
    assert 0 <= given.clock.now() - 1719792000.5 < 60


async def test_a_sandbox_by_setting_is_one_before_it_answers() -> None:
    given = client(Market(), access=access(environment="sandbox"))
    assert (given.name, given.simulated) == ("sandbox", True)


async def test_the_time_of_prices_sets_the_clock() -> None:
    given = client(Market(pricing={"prices": [], "time": "2024-07-01T00:00:00.000000000Z"}), time=5.0)
    await given.quotes(["GBP_USD"])
    assert 0 <= given.clock.now() - MONDAY < 60


@pytest.mark.parametrize(
    "answer", [{"prices": "none"}, {"prices": [{"time": "now"}]}, "none", {"prices": [], "time": "now"}]
)
async def test_prices_that_are_not_as_documented_are_malformed(answer: Any) -> None:
    with pytest.raises(MarketError) as error:
        await client(Market(pricing=answer)).quotes(["GBP_USD"])
    assert isinstance(error.value, MalformedAnswer)
