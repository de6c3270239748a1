"""Instruments asked for, added and removed over the interface."""

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
