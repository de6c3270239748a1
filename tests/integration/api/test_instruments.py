"""Instruments asked for, added and removed over the interface."""

from alphaforge.core.times import parse_rfc3339
from api_bench import SQLITE, Bench

pytestmark = SQLITE


async def test_an_instrument_is_added_in_any_spelling_once(bench: Bench) -> None:
    bench.market.watched = ("GBP_USD",)
    added = await bench.ask("POST", "/api/instruments", 201, json={"instrument": "gold"})
    assert added["instrument"] == "XAU_USD"
    await bench.ask("POST", "/api/instruments", 200, json={"instrument": "XAU/USD"})
    assert (await bench.get("/api/symbols"))["instruments"] == ["GBP_USD", "XAU_USD"]
    assert [one["instrument"] for one in (await bench.get("/api/instruments"))["instruments"]] == ["GBP_USD", "XAU_USD"]


async def test_what_the_account_lacks_is_a_clear_404(bench: Bench) -> None:
    answer = await bench.ask("POST", "/api/instruments", 404, json={"instrument": "EUR_HUF"})
    assert "The account cannot trade EUR_HUF" in answer["detail"]
    for wrong in ({"instrument": "?"}, {"instrument": ""}):
        await bench.ask("POST", "/api/instruments", 404, json=wrong)
    for wrong_body in ({}, {"instrument": 1}, {"instrument": "EUR_USD", "more": 1}):
        await bench.ask("POST", "/api/instruments", 422, json=wrong_body)


async def test_an_instrument_is_removed_and_one_that_is_not_watched_is_named(bench: Bench) -> None:
    removed = await bench.ask("DELETE", "/api/instruments/GOLD")
    assert removed == {"success": True, "instrument": "XAU_USD", "watched": ["GBP_USD", "USD_JPY"]}
    assert "XAU_USD" not in (await bench.get("/api/symbols"))["instruments"]
    await bench.ask("DELETE", "/api/instruments/GOLD", 404)


async def test_what_could_be_watched_is_listed(bench: Bench) -> None:
    bench.market.watched = ("GBP_USD",)
    listed = await bench.get("/api/instruments/available")
    assert {one["instrument"]: one["watched"] for one in listed["instruments"]} == {
        "GBP_USD": True,
        "USD_JPY": False,
        "XAU_USD": False,
    }


async def test_an_instrument_that_trades_says_until_when_and_when_its_candle_closes(bench: Bench) -> None:
    first, gold, _ = (await bench.get("/api/instruments"))["instruments"]
    assert (first["open"], first["next_open"]) == (True, None)
    assert (first["next_close"], first["candle_closes"]) == ("2026-03-03T21:58:00Z", "2026-03-03T10:05:00Z")
    assert gold["next_close"] == "2026-03-03T22:00:00Z"


async def test_an_instrument_that_rests_says_until_when_and_has_no_candle(bench: Bench) -> None:
    bench.clock.moment = parse_rfc3339("2026-03-06T22:00:00Z")  # a Friday after New York's break began
    first = (await bench.get("/api/instruments"))["instruments"][0]
    assert (first["open"], first["next_close"], first["candle_closes"]) == (False, None, None)
    assert first["next_open"] == "2026-03-08T21:03:00Z"


async def test_sessions_are_told_from_the_present_one_on(bench: Bench) -> None:
    told = (await bench.get("/api/instruments"))["sessions"]
    assert [(one["session"], one["start"][11:16], one["end"][11:16]) for one in told] == [
        ("LONDON", "08:00", "13:00"),
        ("OVERLAP", "13:00", "17:00"),
        ("NEW_YORK", "17:00", "22:00"),
        ("OFF", "22:00", "00:00"),
        ("ASIAN", "00:00", "08:00"),
    ]
    assert told[-1]["end"] == "2026-03-04T08:00:00Z"


async def test_a_weekend_is_no_session_whoever_is_at_work(bench: Bench) -> None:
    bench.clock.moment = parse_rfc3339("2026-03-07T10:00:00Z")  # a Saturday
    now, following, *_ = (await bench.get("/api/instruments"))["sessions"]
    assert (now["session"], now["start"], now["end"]) == ("OFF", "2026-03-06T22:00:00Z", "2026-03-09T00:00:00Z")
    assert following["session"] == "ASIAN"
