"""Signals over HTTP."""

import asyncio
from typing import Any

import pytest

from alphaforge.api.services import ApiOptions
from alphaforge.signals.model import Direction, Status
from api_bench import NOW, SQLITE, Bench, FakeSettlement, decided

BUY = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}


async def test_a_created_signal_is_in_the_next_list(bench: Bench) -> None:
    made = await bench.ask("POST", "/api/signals", json=BUY)
    listed = await bench.get("/api/signals")
    assert listed["signals"] == [made["signal"]]
    assert made["signal"]["timestamp"] == "2026-03-03T10:02:30Z"
    assert (made["signal"]["status"], made["signal"]["rr_ratio"]) == ("PENDING", "1:2.0")
    assert (made["signal"]["source"], made["signal"]["simulated"]) == ("sandbox", True)


@SQLITE
@pytest.mark.parametrize("spelling", ["GBP/USD", "GBP_USD", "GBPUSD", "gbp-usd"])
async def test_any_spelling_means_the_same_instrument(bench: Bench, spelling: str) -> None:
    made = await bench.ask("POST", "/api/signals/create", json=BUY | {"symbol": spelling, "direction": "buy"})
    assert (made["signal"]["symbol"], made["signal"]["instrument"]) == ("GBP/USD", "GBP_USD")
    for path in (f"/api/signals/symbol/{spelling}", f"/api/signals/symbol/{spelling.replace('/', '%2F')}"):
        found = await bench.get(path)
        assert (found["symbol"], found["instrument"], found["count"]) == ("GBP/USD", "GBP_USD", 1)
    assert (await bench.get("/api/signals", symbol=spelling))["count"] == 1


async def test_gold_is_xau_usd(bench: Bench) -> None:
    await bench.signal(instrument="XAU_USD")
    for spelling in ("GOLD", "gold", "XAU_USD", "XAUUSD"):
        assert (await bench.get(f"/api/signals/symbol/{spelling}"))["symbol"] == "GOLD"
        assert (await bench.get("/signals", symbol=spelling))["count"] == 1


@SQLITE
@pytest.mark.parametrize(
    "wrong",
    [
        {"stop_loss": 1.311},
        {"stop_loss": 1.31},
        {"tp1": 1.30},
        {"tp2": 1.30},
        {"direction": "SELL"},
        {"direction": "HOLD"},
        {"entry": 0},
        {"entry": "NaN"},
        {"symbol": "nothing"},
        {"symbol": "GBP\0USD"},
        {"confidence_score": 101},
        {"notes": "a\0b"},
        {"tags": "x" * 201},
    ],
)
async def test_what_no_signal_can_be_is_refused_and_not_stored(bench: Bench, wrong: dict[str, Any]) -> None:
    problem = await bench.ask("POST", "/api/signals", 422, json=BUY | wrong)
    assert isinstance(problem["detail"], list)
    assert (await bench.get("/api/signals"))["count"] == 0


async def test_a_page_goes_on_where_the_last_one_ended(bench: Bench) -> None:
    ids = [await bench.signal(created_at=NOW - 60 * i) for i in range(7)]
    pages = [await bench.get("/api/signals", limit=3, skip=skip) for skip in (0, 3, 6)]
    assert [one["id"] for page in pages for one in page["signals"]] == ids
    assert [page["count"] for page in pages] == [3, 3, 1]
    assert {page["total"] for page in pages} == {7}


@SQLITE
@pytest.mark.parametrize("limit", [0, -1, 101, 10**30])
async def test_a_limit_out_of_range_names_the_range(bench: Bench, limit: int) -> None:
    problem = await bench.get("/api/signals", 422, limit=limit)
    assert "between 1 and 100" in str(problem["detail"]) or "integer" in str(problem["detail"])


class TestSmallPages:
    @pytest.fixture
    def options(self) -> ApiOptions:
        return ApiOptions(max_page_size=2)

    async def test_max_page_size_holds_for_the_default_too(self, bench: Bench) -> None:
        for _ in range(3):
            await bench.signal()
        assert (await bench.get("/api/signals"))["count"] == 2
        assert "between 1 and 2" in (await bench.get("/api/signals", 422, limit=3))["detail"]
        assert (await bench.get("/api/signals/pending"))["count"] == 3


async def test_filters_restrict_together(bench: Bench) -> None:
    low = await bench.signal(confidence_score=20.0, created_at=NOW - 100)
    high = await bench.signal(confidence_score=80.0, created_at=NOW - 200)
    sell = await bench.signal(
        direction=Direction.SELL, stop_loss=1.312, tp1=1.306, status=Status.WON, created_at=NOW - 300
    )

    async def found(**filters: Any) -> list[int]:
        return [one["id"] for one in (await bench.get("/api/signals", **filters))["signals"]]

    assert await found() == [low, high, sell]
    assert await found(min_confidence=50) == [high]
    assert await found(direction="sell") == [sell]
    assert await found(status="won,lost") == [sell]
    assert await found(status="PENDING", direction="SELL") == []
    assert await found(**{"from": "2026-03-03T09:59:10Z"}) == [low, high]
    assert await found(to="2026-03-03T11:59:10+02:00") == [sell]
    assert await found(**{"from": "2026-03-03", "to": "2026-03-04"}) == [low, high, sell]
    assert await found(to="2026-03-03") == []
    assert await found(symbol="EUR_USD") == []


@SQLITE
@pytest.mark.parametrize(
    "filters",
    [
        {"status": "NONSENSE"},
        {"direction": "UP"},
        {"symbol": "?"},
        {"from": "yesterday"},
        {"to": "2026-03-03T10:00:00"},
        {"min_confidence": "nan"},
        {"min_confidence": "inf"},
        {"skip": -1},
        {"skip": 2**63},
        {"status": "a\0b"},
    ],
)
async def test_filters_that_cannot_be_meant_are_refused(bench: Bench, filters: dict[str, Any]) -> None:
    assert "detail" in await bench.get("/api/signals", 422, **filters)


async def test_today_begins_at_midnight_utc_by_the_markets_clock(bench: Bench) -> None:
    await bench.signal(created_at=NOW - 10 * 3600 - 151)
    today = await bench.signal(created_at=NOW - 10 * 3600 - 150)
    assert [one["id"] for one in (await bench.get("/api/signals/today"))["signals"]] == [today]


async def test_the_pages_statistics_count_what_the_page_shows(bench: Bench) -> None:
    for status in (Status.WON, Status.WON, Status.LOST, Status.EXPIRED, Status.CLOSED, Status.ACTIVE, Status.PENDING):
        await bench.signal(status=status)
    assert (await bench.get("/api/signals"))["statistics"] == {
        "total": 7,
        "active": 2,
        "closed": 5,
        "winners": 2,
        "losers": 1,
        "expired": 1,
        "pending": 1,
        "winRate": 66.7,
        "totalPnL": 0.0,
    }


async def test_statistics_of_a_window_stand_beside_those_of_all(bench: Bench) -> None:
    await bench.signal(created_at=NOW - 30 * 86_400)
    await bench.signal(status=Status.EXPIRED)
    body = await bench.get("/api/signals/statistics", days=7)
    assert (body["total_signals_generated"], body["pending_signals"], body["expired_signals"]) == (2, 1, 1)
    assert (body["window"]["total"], body["window"]["by_status"]["PENDING"]) == (1, 0)


async def test_performance_counts_settled_signals_only(bench: Bench) -> None:
    for status in (Status.WON, Status.WON, Status.LOST, Status.PENDING, Status.EXPIRED):
        await bench.signal(status=status)
    await bench.signal(status=Status.WON, created_at=NOW - 31 * 86_400)
    assert await bench.get("/api/signals/performance") == {
        "GBP/USD": {
            "trades": 3,
            "pnl": 0.0,
            "win_rate": 66.7,
            "wins": 2,
            "losses": 1,
            "instrument": "GBP_USD",
            "pips": None,
            "r_multiple": None,
        }
    }


async def test_an_ended_signal_has_an_exit_and_a_reopened_one_has_none(bench: Bench) -> None:
    sid = await bench.signal()
    path = f"/api/signals/{sid}/status"
    won = (await bench.ask("PUT", path, params={"status": "won", "exit_price": 1.314}))["signal"]
    assert (won["status"], won["exit_price"], won["exit_time"]) == ("WON", 1.314, "2026-03-03T10:02:30Z")
    active = (await bench.ask("PUT", path, params={"status": "ACTIVE"}))["signal"]
    assert (active["status"], active["exit_price"], active["exit_time"]) == ("ACTIVE", None, None)
    assert (await bench.get("/api/signals/active"))["count"] == 1


@SQLITE
@pytest.mark.parametrize("exit_price", ["nan", "inf", "-1", "0", "1e400"])
async def test_an_exit_price_is_a_price(bench: Bench, exit_price: str) -> None:
    sid = await bench.signal()
    await bench.ask("PUT", f"/api/signals/{sid}/status", 422, params={"status": "WON", "exit_price": exit_price})
    assert (await bench.get(f"/api/signals/{sid}"))["signal"]["status"] == "PENDING"


@SQLITE
@pytest.mark.parametrize("identity", ["0", "-1", "2147483648", "9" * 40, "x", "1.5", "%00"])
async def test_an_id_that_cannot_be_is_refused(bench: Bench, identity: str) -> None:
    assert "detail" in await bench.get(f"/api/signals/{identity}", 422)


async def test_a_status_of_no_signal_is_not_found(bench: Bench) -> None:
    assert (await bench.ask("PUT", "/api/signals/9/status", 404, params={"status": "WON"}))[
        "detail"
    ] == "Signal not found"


async def test_checked_outcomes_are_those_that_ended(bench: Bench) -> None:
    bench.desk.settlements = [
        FakeSettlement(1, "XAU_USD", Status.WON, 4100.5, "the target was touched"),
        FakeSettlement(2, "GBP_USD", Status.EXPIRED, None, "4 hours elapsed"),
        FakeSettlement(3, "GBP_USD", Status.PENDING, None, "open"),
    ]
    results = (await bench.ask("POST", "/api/signals/check-outcomes"))["results"]
    assert (results["checked"], results["won"], results["lost"], results["expired"]) == (3, 1, 0, 1)
    assert [one["id"] for one in results["details"]] == [1, 2]
    assert results["details"][0]["symbol"] == "GOLD"
    assert results["details"][0]["exit_price"] == 4100.5


async def test_a_signal_of_the_desk_says_where_it_comes_from(bench: Bench) -> None:
    sid = await bench.store(decided())
    signal = (await bench.get(f"/api/signals/{sid}"))["signal"]
    assert (signal["origin"], signal["strategy"], signal["source"], signal["simulated"]) == (
        "strategy",
        "voting-v3",
        "sandbox",
        True,
    )
    assert (signal["candle_time"], signal["candle_hash"]) == ("2026-03-03T09:55:00Z", decided().candle_hash)
    assert "decision" not in signal


async def test_writers_at_once_all_store_theirs(bench: Bench) -> None:
    answers = await asyncio.gather(*(bench.ask("POST", "/api/signals", json=BUY) for _ in range(20)))
    assert len({answer["signal"]["id"] for answer in answers}) == 20
    assert (await bench.get("/api/signals"))["total"] == 20
