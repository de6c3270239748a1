"""The system about itself over HTTP."""

import pytest

from alphaforge.api.services import MarketFacts
from alphaforge.core.errors import DatabaseUnwritable
from api_bench import NOW, SQLITE, Bench

pytestmark = SQLITE


async def test_words_are_read_from_the_system(bench: Bench) -> None:
    body = await bench.get("/api/status")
    assert (body["backend"], body["oanda"], body["strategy"], body["gemini"], body["database"]) == (
        *("online", "connected", "stopped"),
        *("not configured", "connected"),
    )
    assert (body["source"], body["simulated"], body["database_kind"]) == ("sandbox", True, "sqlite")
    bench.market.facts = MarketFacts("oanda-live", simulated=False, connected=False, problem="403", last_answer_at=NOW)
    bench.market.gemini_configured = True
    body = await bench.get("/api/status")
    assert (body["oanda"], body["gemini"], body["simulated"], body["source"]) == (
        *("disconnected", "configured"),
        False,
        "oanda-live",
    )
    assert (body["market_problem"], body["last_market_answer"]) == ("403", "2026-03-03T10:02:30Z")


async def test_health_gives_a_verdict(bench: Bench) -> None:
    assert (await bench.get("/health"))["status"] == "healthy"
    bench.market.facts = MarketFacts("sandbox", simulated=True, connected=False)
    assert (await bench.get("/health"))["status"] == "degraded"


async def test_a_scan_that_broke_off_is_told_without_what_is_inside(bench: Bench) -> None:
    bench.strategy.last_failure = DatabaseUnwritable("/home/jane/desk.db: the disk is full")
    health = await bench.get("/health")
    assert (health["status"], health["database"]) == ("degraded", "connected")
    assert health["scan_problem"] == "The database cannot be used."
    bench.strategy.last_failure = ZeroDivisionError("jane's account")
    assert (await bench.get("/api/status"))["scan_problem"].startswith("Something unexpected went wrong")
    bench.strategy.last_failure = None
    assert (await bench.get("/health"))["status"] == "healthy"


async def test_a_closed_database_is_said_and_does_not_break_liveness(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone() -> None:
        from alphaforge.core.errors import DatabaseBusy  # noqa: PLC0415 - only this fake raises it

        message = "/home/jane/desk.db"
        raise DatabaseBusy(message)

    monkeypatch.setattr(type(bench.services.database), "read", lambda _: gone())
    health = await bench.get("/health")
    assert (health["status"], health["database"]) == ("degraded", "disconnected")
    assert (await bench.get("/api/status"))["database"] == "disconnected"
    assert (await bench.get("/health/live")) == {"status": "alive"}
    assert "database" in (await bench.get("/health/ready", 503))["detail"]
    answer = await bench.client.get("/api/signals")
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert "jane" not in answer.text


async def test_readiness_names_what_is_missing(bench: Bench) -> None:
    assert (await bench.get("/health/ready"))["candles"] == {"GBP_USD": 13_000, "XAU_USD": 13_000, "USD_JPY": 13_000}
    bench.market.loaded = 12_999
    problem = await bench.get("/health/ready", 503)
    assert "GBP_USD has 12999 of 13000 candles" in problem["detail"]


async def test_the_switch_switches_the_scans(bench: Bench) -> None:
    for verb, word in (("start", "running"), ("start", "running"), ("stop", "stopped"), ("stop", "stopped")):
        assert (await bench.ask("POST", f"/api/strategy/{verb}"))["status"] == "success"
        assert (await bench.get("/status"))["strategy"] == word
        assert bench.strategy.is_running == (word == "running")


async def test_instruments_say_when_they_trade(bench: Bench) -> None:
    body = await bench.get("/api/instruments")
    gbp, gold, yen = body["instruments"]
    assert (gbp["pip"], gold["pip"], yen["pip"]) == (0.0001, 0.01, 0.01)
    assert (gold["symbol"], gold["open"], gold["next_open"]) == ("GOLD", True, None)
    bench.clock.moment = NOW + 5 * 86_400  # Sunday morning
    gbp = (await bench.get("/api/instruments"))["instruments"][0]
    assert (gbp["open"], gbp["next_open"]) == (False, "2026-03-08T21:03:00Z")


async def test_the_root_names_the_server(bench: Bench) -> None:
    assert await bench.get("/") == {"message": "AlphaForge API Server", "version": "2.0.0"}
