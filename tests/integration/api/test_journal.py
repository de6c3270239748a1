"""The journal over HTTP."""

from typing import Any

import pytest

from api_bench import Bench

TRADE = {
    "openTime": "2026-03-02 08:15",
    "closeTime": "2026-03-02 11:40",
    "symbol": "GBP/USD",
    "type": "BUY",
    "lots": 0.25,
    "entry": 1.31,
    "exit": 1.3125,
    "sl": 1.309,
    "tp": 1.314,
}


async def write(bench: Bench, **changes: Any) -> dict[str, Any]:
    return await bench.ask("POST", "/api/journal/entries", json=TRADE | changes)


async def test_an_entry_comes_back_as_it_was_written_with_what_follows_from_it(bench: Bench) -> None:
    written = await write(bench)
    entry = await bench.get(f"/api/journal/entries/{written['id']}")
    assert written == {**entry, "success": True, "message": "Entry created", "journal_entry": entry}
    assert {key: entry[key] for key in TRADE if key != "symbol"} == {
        key: TRADE[key] for key in TRADE if key != "symbol"
    }
    assert (entry["symbol"], entry["instrument"]) == ("GBPUSD", "GBP_USD")
    assert (entry["pips"], entry["r"], entry["outcome"], entry["duration"]) == (25.0, 2.5, "WIN", "205 min")
    assert entry["pl"] is None
    assert (entry["open_time"], entry["close_time"]) == ("2026-03-02T08:15:00Z", "2026-03-02T11:40:00Z")


async def test_a_change_leaves_the_rest(bench: Bench) -> None:
    written = await write(bench, notes="before", pl=12.5)
    changed = await bench.ask("PUT", f"/api/journal/entries/{written['id']}", json={"notes": "after", "tags": "a,b"})
    expected = written["journal_entry"] | {"notes": "after", "tags": "a,b", "updated_at": changed["updated_at"]}
    assert changed["journal_entry"] == expected


async def test_a_changed_exit_moves_its_figures(bench: Bench) -> None:
    written = await write(bench)
    changed = await bench.ask("PUT", f"/api/journal/entries/{written['id']}", json={"exit_price": 1.308})
    assert (changed["pips"], changed["r"], changed["outcome"]) == (-20.0, -2.0, "LOSS")


async def test_an_empty_change_changes_nothing(bench: Bench) -> None:
    written = await write(bench)
    changed = await bench.ask("PUT", f"/api/journal/entries/{written['id']}", json={})
    assert changed["journal_entry"] == written["journal_entry"]


async def test_a_close_before_the_stored_opening_is_refused(bench: Bench) -> None:
    written = await write(bench)
    path = f"/api/journal/entries/{written['id']}"
    assert "before" in (await bench.ask("PUT", path, 422, json={"closeTime": "2026-03-02 08:14"}))["detail"]


async def test_a_removed_entry_is_gone_from_list_and_figures(bench: Bench) -> None:
    written = await write(bench)
    removed = await bench.ask("DELETE", f"/api/journal/entries/{written['id']}")
    assert (removed["success"], removed["id"]) == (True, written["id"])
    assert (await bench.get(f"/api/journal/entries/{written['id']}", 404))["detail"] == "Entry not found"
    assert (await bench.get("/api/journal/entries"))["entries"] == []
    assert (await bench.get("/api/journal/statistics"))["total_trades"] == 0


@pytest.mark.parametrize(("method", "body"), [("PUT", {}), ("DELETE", None), ("GET", None)])
async def test_an_entry_that_is_not_there_is_not_found(bench: Bench, method: str, body: dict[str, Any] | None) -> None:
    assert (await bench.ask(method, "/api/journal/entries/7", 404, json=body))["detail"] == "Entry not found"


async def test_without_limit_the_whole_journal_comes(bench: Bench) -> None:
    for minute in range(10, 10 + 105):
        await write(bench, openTime=f"2026-03-01 {minute // 60:02}:{minute % 60:02}", closeTime=None)
    everything = await bench.get("/api/journal/entries")
    assert (len(everything["entries"]), everything["total"], everything["total_entries"]) == (105, 105, 105)
    assert (await bench.get("/api/journal"))["count"] == 105
    part = await bench.get("/api/journal/entries", skip=100, limit=20)
    assert (part["entries"], part["total"], part["total_entries"]) == (everything["entries"][100:], 5, 105)
    assert "between 1 and 100" in (await bench.get("/api/journal/entries", 422, limit=101))["detail"]


async def test_statistics_follow_every_write(bench: Bench) -> None:
    first = await write(bench, pl=10)
    await write(bench, exit=1.309, pl=-4)
    await write(bench, exit=None, closeTime=None)
    figures = await bench.get("/api/journal/statistics")
    assert {name: figures[name] for name in list(figures)[:7]} == {
        "total_trades": 3,
        "wins": 1,
        "losses": 1,
        "win_rate": 33.3,
        "total_pnl": 6.0,
        "total_pips": 15.0,
        "avg_r": 0.75,
    }
    await bench.ask("PUT", f"/api/journal/entries/{first['id']}", json={"pl": -1})
    stats = await bench.get("/api/stats")
    assert (stats["wins"], stats["losses"], stats["profit_loss"]) == (0, 2, -5.0)


async def test_an_empty_journal_has_figures_of_nothing(bench: Bench) -> None:
    assert await bench.get("/api/stats") == {
        "profit_loss": 0.0,
        "total_trades": 0,
        "wins": 0,
        "losses": 0,
        "win_rate": 0.0,
        "total_pnl": 0.0,
        "total_pips": 0.0,
        "avg_r": 0.0,
    }


async def test_three_screenshots_fit_and_more_than_the_limit_does_not(bench: Bench) -> None:
    picture = "data:image/png;base64," + "A" * 3_000_000
    written = await write(bench, screenshot_entry=picture, screenshot_exit=picture, screenshot_analysis=picture)
    assert (await bench.get(f"/api/journal/entries/{written['id']}"))["screenshot_exit"] == picture
    problem = await bench.ask("POST", "/api/journal/entries", 413, json=TRADE | {"notes": "A" * 10_500_000})
    assert problem["status"] == 413


async def test_names_that_nobody_knows_are_passed_over(bench: Bench) -> None:
    assert (await write(bench, colour="red"))["success"]
