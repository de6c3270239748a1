"""Prices and candles over HTTP."""

from typing import Any

import numpy as np
import pytest

from alphaforge.api.candle_indicators import NAMES
from alphaforge.api.services import MarketFacts
from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.errors import TokenRejected
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.source import Quote
from alphaforge.signals.analysis import analyse_last
from api_bench import NOW, SQLITE, Bench, m5

MONDAY = int(parse_rfc3339("2026-03-02T00:00:00Z"))

pytestmark = SQLITE


def quote(instrument: str = "GBP_USD", age: float = 1.5, *, tradeable: bool = True) -> Quote:
    return Quote(instrument, NOW - age, 1.26481, 1.26493, 1_000_000, None, tradeable=tradeable)


async def test_without_a_price_there_is_a_503_and_never_a_number(bench: Bench) -> None:
    bench.market.facts = MarketFacts("oanda-live", simulated=False, connected=False, problem="OANDA does not answer")
    for path in ("/api/prices/live", "/api/prices/live/GBPUSD"):
        answer = await bench.client.get(path)
        assert answer.status_code == 503
        assert "OANDA does not answer" in answer.json()["detail"]
        assert int(answer.headers["retry-after"]) > 0


async def test_whatever_the_markets_trouble_is_the_price_is_not_known_and_why_is_said(bench: Bench) -> None:
    async def refused(_: object) -> list[Quote]:
        message = "OANDA does not accept the token"
        raise TokenRejected(message, advice="Check OANDA_API_KEY.")

    bench.market.quotes = refused  # type: ignore[method-assign] # a market that refuses
    problem = await bench.get("/api/prices/live", 503)
    assert problem["detail"] == "There is no price yet: OANDA does not accept the token"
    assert problem["advice"] == "Check OANDA_API_KEY."


async def test_a_price_says_its_time_its_age_and_its_source(bench: Bench) -> None:
    bench.market.known_quotes = {"GBP_USD": quote()}
    price = await bench.get("/api/prices/live/gbp-usd")
    assert price == {
        "symbol": "GBPUSD",
        "instrument": "GBP_USD",
        "timestamp": "2026-03-03T10:02:28.500000Z",
        "bid": 1.26481,
        "ask": 1.26493,
        "price": 1.26487,
        "spread": 0.00012,
        "time": "2026-03-03T10:02:28.500000Z",
        "bid_volume": 1_000_000,
        "ask_volume": None,
        "tradeable": True,
        "age_seconds": 1.5,
        "stale": False,
        "source": "sandbox",
        "simulated": True,
    }


async def test_all_prices_come_by_instrument_and_missing_ones_are_named(bench: Bench) -> None:
    bench.market.known_quotes = {"GBP_USD": quote()}
    body = await bench.get("/api/prices/live")
    assert list(body["prices"]) == ["GBP_USD"]
    assert body["missing"] == ["XAU_USD", "USD_JPY"]
    assert (body["source"], body["simulated"], body["timestamp"]) == ("sandbox", True, "2026-03-03T10:02:30Z")


async def test_the_last_price_of_a_closed_market_is_not_tradeable_and_keeps_its_time(bench: Bench) -> None:
    bench.market.known_quotes = {"GBP_USD": quote(age=86_400, tradeable=False)}
    price = await bench.get("/api/prices/live/GBPUSD")
    assert (price["tradeable"], price["stale"], price["age_seconds"]) == (False, True, 86_400)
    assert price["time"] == "2026-03-02T10:02:30Z"


async def test_age_is_in_real_seconds_in_a_fast_replay(bench: Bench) -> None:
    bench.clock.speed = 60
    bench.market.known_quotes = {"GBP_USD": quote(age=120)}
    assert (await bench.get("/api/prices/live/GBPUSD"))["age_seconds"] == 2


@pytest.mark.parametrize("symbol", ["BTC_USD", "EURUSD", "nonsense", "GBP_USD_X", "%00", "%F0%9F%92%A9", "a" * 40])
async def test_an_unknown_symbol_is_not_found_and_the_known_ones_are_named(bench: Bench, symbol: str) -> None:
    problem = await bench.get(f"/api/prices/live/{symbol}", 404)
    assert "GBP_USD, XAU_USD, USD_JPY" in problem["detail"]


async def test_symbols_are_the_watched_ones(bench: Bench) -> None:
    body = await bench.get("/api/symbols")
    assert body == {
        "symbols": ["GBPUSD", "XAUUSD", "USDJPY"],
        "instruments": ["GBP_USD", "XAU_USD", "USD_JPY"],
        "count": 3,
    }


async def times(bench: Bench, **params: Any) -> list[str]:
    body = await bench.get("/api/candles/GBP_USD", **params)
    assert body["count"] == len(body["candles"])
    return [one["time"][11:16] for one in body["candles"]]


async def test_candles_are_the_newest_oldest_first(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    assert await times(bench, limit=3) == ["01:45", "01:50", "01:55"]
    body = await bench.get("/api/candles/gbpusd", limit=1)
    assert body["candles"] == [
        {"time": "2026-03-02T01:55:00Z", "open": 1.0023, "high": 1.00245, "low": 1.00225, "close": 1.0024, "volume": 24}
    ]
    assert (body["source"], body["simulated"], body["granularity"]) == ("sandbox", True, "M5")


async def test_bid_and_ask_candles_are_to_be_had(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    closes = [
        (await bench.get("/api/candles/GBP_USD", limit=1, price=side))["candles"][0]["close"] for side in ("bid", "ask")
    ]
    assert closes == pytest.approx([1.00235, 1.00245])


async def test_a_longer_candle_that_is_still_forming_is_not_shown(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 23)  # 01:55 is still to come
    assert await times(bench, granularity="H1") == ["00:00"]
    assert await times(bench, granularity="m15") == ["00:00", "00:15", "00:30", "00:45", "01:00", "01:15", "01:30"]
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    bench.services.database.commits.happened(("candles",))  # as the rolling candles say when they show a new one
    assert await times(bench, granularity="H1") == ["00:00", "01:00"]


async def test_a_longer_candle_closes_with_a_later_one_where_its_own_end_is_silent(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 25, without=[23])
    assert await times(bench, granularity="H1") == ["00:00", "01:00"]


async def test_a_longer_candle_holds_all_of_its_minutes(bench: Bench) -> None:
    bench.market.archive["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24).rows(5)  # memory begins in the middle of an hour
    body = await bench.get("/api/candles/GBP_USD", granularity="H1")
    first = body["candles"][0]
    assert (first["open"], first["close"], first["volume"]) == (1.0, 1.0012, sum(range(1, 13)))


async def test_the_torn_first_hour_of_memory_is_left_out_where_nothing_older_is_kept(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24).rows(5)
    assert await times(bench, granularity="H1") == ["01:00"]


async def test_candles_older_than_memory_come_from_the_database(bench: Bench) -> None:
    bench.market.archive["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24).rows(18)
    assert await times(bench, limit=8, to="2026-03-02T01:40:00Z") == [
        *("01:00", "01:05", "01:10", "01:15", "01:20", "01:25", "01:30", "01:35")
    ]
    assert len(await times(bench)) == 24


async def test_from_gives_the_first_ones_and_to_is_not_included(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = m5("GBP_USD", MONDAY, 24)
    assert await times(bench, limit=2, **{"from": "2026-03-02T00:32:00Z"}) == ["00:35", "00:40"]
    assert await times(bench, **{"from": "2026-03-02T01:00:00Z", "to": "2026-03-02T01:10:00Z"}) == ["01:00", "01:05"]


async def test_without_candles_the_list_is_empty(bench: Bench) -> None:
    assert await times(bench) == []


@pytest.mark.parametrize(
    "params",
    [
        {"granularity": "D"},
        {"granularity": "S5"},
        {"limit": 0},
        {"limit": 5001},
        {"price": "last"},
        {"from": "2026-03-02", "to": "2026-03-01"},
        {"from": "now"},
    ],
)
async def test_candles_that_cannot_be_meant_are_refused(bench: Bench, params: dict[str, Any]) -> None:
    assert "detail" in await bench.get("/api/candles/GBP_USD", 422, **params)


LONG = 16_200
"""M5 candles that hold as many H1 candles as indicators need to be the same wherever they begin."""


def walk(count: int, start: int = MONDAY) -> CandleSeries:
    """Candles of a walk: indicators of a straight line say nothing."""
    close = 1.3 + np.cumsum(np.random.default_rng(7).normal(0, 2e-4, count))
    opened = np.concatenate(([1.3], close[:-1]))
    mid = [opened, np.maximum(opened, close) + 1e-4, np.minimum(opened, close) - 1e-4, close]
    prices = [np.round(x + side, 5) for side in (0.0, -0.00005, 0.00005) for x in mid]
    return series_from_columns("GBP_USD", Granularity.M5, [start + 300 * np.arange(count), *prices, np.arange(count)])


@pytest.mark.parametrize(("granularity", "frame"), [("M5", 0), ("M15", 1), ("H1", 2)])
async def test_indicators_are_those_that_a_decision_on_that_candle_sees(
    bench: Bench, granularity: str, frame: int
) -> None:
    whole = walk(LONG, int(NOW) // 300 * 300 - 300 * LONG)
    bench.market.memory["GBP_USD"] = whole
    wanted = ("ema_fast", "ema_middle", "ema_slow", "bollinger_lower", "bollinger_upper", "rsi", "macd", "adx")
    body = await bench.get(
        "/api/candles/GBP_USD", granularity=granularity, limit=3, price="bid", indicators=",".join(wanted)
    )
    assert list(body["indicators"]) == list(wanted)
    for back in (1, 2, 3):
        start = parse_rfc3339(body["candles"][-back]["time"])
        seen = analyse_last(whole.until(start + Granularity(granularity).seconds))
        decided_by = seen.timeframes[frame].votes_of(0).values
        assert {name: body["indicators"][name]["values"][-back] for name in wanted} == {
            name: decided_by[name] for name in wanted
        }
    assert body["indicators"]["ema_fast"]["label"] == "EMA 5"
    assert body["indicators"]["rsi"]["marks"] == [30, 70]


async def test_an_indicator_that_is_warming_up_is_null_and_never_a_number(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = walk(30)
    body = await bench.get("/api/candles/GBP_USD", indicators=" EMA_slow ,bollinger_upper,ema_slow")
    missing = {name: one["values"].count(None) for name, one in body["indicators"].items()}
    assert missing == {"ema_slow": 12, "bollinger_upper": 19}
    assert {len(one["values"]) for one in body["indicators"].values()} == {body["count"]} == {30}
    for count in (0, 1, 5):
        bench.market.memory["GBP_USD"] = walk(30).rows(0, count)
        bench.services.database.commits.happened(("candles",))
        body = await bench.get("/api/candles/GBP_USD", indicators=",".join(NAMES))
        assert {len(one["values"]) for one in body["indicators"].values()} == {count}
        assert not [name for name, one in body["indicators"].items() if any(one["values"][:4])]


async def test_indicators_come_only_where_they_are_asked_for(bench: Bench) -> None:
    bench.market.memory["GBP_USD"] = walk(30)
    assert "indicators" not in await bench.get("/api/candles/GBP_USD")
    refused = await bench.get("/api/candles/GBP_USD", 422, indicators="ema_fast,vwap")
    assert refused["detail"].startswith("indicators takes ema_fast, ema_middle, ")
