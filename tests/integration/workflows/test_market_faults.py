"""Each fault of the broker once: the interface answers, nothing is decided on old data, and it passes by itself."""

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from alphaforge.signals.model import FilterName
from alphaforge.signals.receipt import candle_hash
from market_builders import same
from workflow_rooms import BOUNDARY, GBP, M5, PATIENT, Room, room_at

NEWEST = BOUNDARY - M5
"""The start of the candle that every room has evaluated already."""

ASKED = ("/api/signals", "/health", "/health/live", "/health/ready", "/api/status", "/status", "/api/prices/live")


async def answers(room: Room) -> dict[str, Any]:
    """What the interface says to those who ask; anything but an answer or a named trouble fails."""
    bodies: dict[str, Any] = {}
    generated = await room.api.post("/api/signals/enhanced/generate")
    assert generated.status_code == 200, generated.text
    bodies["generate"] = generated.json()
    for path in ASKED:
        answer = await room.api.get(path)
        bodies[path] = answer.json()
        assert answer.status_code < 500 or (answer.status_code == 503 and bodies[path]["detail"]), answer.text
    return bodies


async def assert_caught_up(room: Room, missed: int) -> None:
    """The next scan evaluates every missed candle once, on the source's candles, with the same objects as before."""
    (result,) = await room.strategy.scan()
    assert (result.problem, result.late, result.evaluated) == (None, False, missed)
    truth = await room.truth(NEWEST)
    assert truth.time.tolist() == [NEWEST + M5 * number for number in range(missed + 1)]
    assert await room.evaluated() == truth.time.tolist()
    assert same(await room.kept(NEWEST), truth)
    assert same(room.desk.candles.series(GBP).after(NEWEST), truth)
    await assert_made_from_the_truth(room)
    (again,) = await room.strategy.scan()
    assert again.evaluated == 0
    assert await room.evaluated() == truth.time.tolist()


async def assert_made_from_the_truth(room: Room) -> None:
    """Every stored signal saw the candles that the source still stands by."""
    held = room.desk.candles.series(GBP)
    for row in await room.rows("trading_signals"):
        seen = held.until(row["candle_time"] + M5)
        assert row["candle_hash"] == candle_hash(seen, room.desk.strategy.window)


LASTING: Mapping[str, tuple[dict[str, Any], str]] = {
    "401": ({"kind": "status", "status": 401}, "does not accept the token"),
    "a revoked token": ({"kind": "revoked_token"}, "does not accept the token"),
    "403": ({"kind": "status", "status": 403}, "may not do this"),
    "404": ({"kind": "status", "status": 404}, "rejects M5 candles of GBP_USD .404"),
    "405": ({"kind": "status", "status": 405}, "rejects M5 candles of GBP_USD .405"),
    "429": ({"kind": "status", "status": 429}, "too many requests"),
    "500 in HTML": ({"kind": "status", "status": 500, "html": True}, "error of its own .500"),
    "502 in HTML": ({"kind": "status", "status": 502, "html": True}, "error of its own .502"),
    "503": ({"kind": "status", "status": 503}, "error of its own .503"),
    "504": ({"kind": "status", "status": 504}, "error of its own .504"),
    "reset": ({"kind": "reset"}, "connection to OANDA broke"),
    "stalled": ({"kind": "stall"}, "did not answer M5 candles of GBP_USD (in time|within)"),
    "a minute's latency": ({"kind": "latency", "delay": 60}, "did not answer M5 candles of GBP_USD within"),
    "truncated": ({"kind": "truncated"}, "connection to OANDA broke"),
    "bad JSON": ({"kind": "bad_json"}, "JSON"),
}
"""Faults of every request, and what a scan says of them."""

LIMITS = {
    "stalled": replace(PATIENT, attempts=1, read=0.1),
    "a minute's latency": replace(PATIENT, budget=0.2),
    "reset": replace(PATIENT, attempts=1),
    "truncated": replace(PATIENT, attempts=1),
}
"""Less patience, only while nothing else is asked: two connections a second are opened, and these faults end them."""


@pytest.mark.parametrize("name", LASTING)
async def test_a_market_that_fails_is_named_and_waited_for(room: Room, name: str) -> None:
    fault, says = LASTING[name]
    await room.feed._poll()
    held, stored = room.desk.candles.series(GBP), await room.rows("trading_signals")
    assert len(stored) == 1, "the market's good candles make signals, so bad ones would show"
    await room.fault(**fault)
    room.limit(LIMITS.get(name, PATIENT))
    for closes in range(1, 4):
        await room.pass_time()
        (result,) = await room.strategy.scan()
        assert re.search(says, result.problem or ""), result.problem
        assert "<" not in result.problem
        assert (result.signal_id, result.evaluated) == (None, 0)
        assert result.decision
        assert (result.decision.reason is FilterName.STALE_DATA) == (closes > 1), "ten minutes are enough, five not yet"
    assert result.reason == FilterName.STALE_DATA
    told = await answers(room)
    assert told["generate"]["results"][0]["filter"] == "stale_data"
    assert re.search(says, told["generate"]["results"][0]["problem"])
    assert told["/health"]["status"] == "degraded"
    assert told["/health"]["oanda"] == told["/api/status"]["oanda"] == "disconnected"
    assert told["/health"]["market_problem"]
    assert told["/api/prices/live"]["prices"][GBP]["stale"], "an old price is shown as one"
    assert room.desk.candles.series(GBP) is held
    assert await room.rows("trading_signals") == stored
    await room.heal()
    room.limit(PATIENT)
    await room.pass_time()
    await assert_caught_up(room, 4)
    told = await answers(room)
    assert (told["/health"]["status"], told["/health"]["market_problem"]) == ("healthy", None)
    assert not told["/api/prices/live"]["prices"][GBP]["stale"], told["/api/prices/live"]


@pytest.mark.parametrize("name", ["429", "502 in HTML", "reset", "truncated", "bad JSON"])
async def test_a_fault_that_strikes_once_costs_nothing(room: Room, name: str) -> None:
    await room.pass_time()
    await room.fault(**LASTING[name][0], times=1)
    await assert_caught_up(room, 1)


async def test_an_empty_window_is_not_believed(room: Room) -> None:
    await room.fault("empty_window")
    for _ in range(3):
        await room.pass_time()
        (result,) = await room.strategy.scan()
        assert "no GBP_USD candles of a time of which it had some" in (result.problem or "")
    assert result.reason == FilterName.STALE_DATA
    await answers(room)
    await room.heal()
    await assert_caught_up(room, 3)


async def test_a_candle_completed_45_s_late_is_late_and_then_decided_once(room: Room) -> None:
    await room.fault("late_completion", delay=45)
    await room.pass_time()
    (result,) = await room.strategy.scan()
    assert (result.late, result.problem, result.evaluated, result.signal_id) == (True, None, 0, None)
    assert result.reason == "already_signalled"
    await answers(room)
    await room.pass_time(45)
    await assert_caught_up(room, 1)


async def test_candles_that_are_never_completed_make_the_data_stale(room: Room) -> None:
    await room.fault("late_completion", delay=3_600)
    for _ in range(3):
        await room.pass_time()
        (result,) = await room.strategy.scan()
        assert (result.late, result.evaluated, result.signal_id) == (True, 0, None)
    assert result.reason == FilterName.STALE_DATA
    assert (await answers(room))["generate"]["results"][0]["filter"] == "stale_data"
    await room.heal()
    await assert_caught_up(room, 3)


async def test_a_revised_candle_is_taken_over_and_taken_back_and_decided_once(room: Room) -> None:
    await room.fault("revised_candle", at=NEWEST, points=40)
    before = room.desk.candles.series(GBP)
    await room.pass_time()
    (result,) = await room.strategy.scan()
    revised = room.desk.candles.series(GBP)
    assert result.evaluated == 1
    assert revised.after(NEWEST).mid.close[0] == pytest.approx(before.mid.close[-1] + 0.0004, abs=1e-9)
    assert same(await room.kept(NEWEST), revised.after(NEWEST))
    assert await room.evaluated() == [NEWEST, NEWEST + M5], "a revision makes no second decision"
    assert result.decision
    assert result.decision.candle_hash == candle_hash(revised, room.desk.strategy.window)
    await answers(room)
    await room.heal()
    await room.pass_time()
    (result,) = await room.strategy.scan()
    assert result.evaluated == 1
    assert same(await room.kept(NEWEST), await room.truth(NEWEST))
    assert await room.evaluated() == [NEWEST, NEWEST + M5, NEWEST + 2 * M5]


@pytest.mark.parametrize("kind", ["nan_price", "empty_book"])
async def test_a_price_that_is_none_is_a_503_and_keeps_no_candle_from_being_decided(room: Room, kind: str) -> None:
    await room.fault(kind)
    await room.pass_time()
    (result,) = await room.strategy.scan()
    assert (result.problem, result.evaluated) == (None, 1)
    answer = await room.api.get("/api/prices/live")
    assert answer.status_code == 503
    assert "There is no price" in answer.json()["detail"]
    await answers(room)
    await room.heal()
    assert (await room.api.get("/api/prices/live")).status_code == 200


async def test_a_market_that_closed_for_the_weekend_is_closed_and_not_stale(sqlite_database: str) -> None:
    friday = BOUNDARY + 3 * 86_400 + 10 * 3_600 + 50 * 60  # ten to five in New York
    async with room_at(sqlite_database, friday + 5.0) as room:
        for seconds in (0, M5, 3_600, 86_400):
            await room.pass_time(seconds)
            (result,) = await room.strategy.scan()
            assert result.problem is None
        assert result.decision
        assert result.reason == FilterName.MARKET_CLOSED
        assert next(one for one in result.decision.filters if one.name is FilterName.STALE_DATA).passed
