"""What signals were worth, over HTTP."""

from typing import Any

import pytest

from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.signals.model import Outcome, Regime, Status
from alphaforge.storage.signals import SignalRepository
from api_bench import NOW, SQLITE, Bench, decided

PATH = "/api/signals/track-record"
CANDLE = int(NOW) // 300 * 300
LEVELS = decided().levels
assert LEVELS is not None
ENTRY, RISK = LEVELS.entry, LEVELS.risk


async def settled(
    bench: Bench, ago: int, status: Status = Status.WON, r: float = 2.0, *, source: str = "sandbox", **how: Any
) -> int:
    """A signal of the strategy whose candle closed so many candles ago, settled an hour later."""
    closed = CANDLE - 300 * ago
    made = await bench.store(decided(candle_time=closed - 300, as_of=closed + 1.5, **how), source)
    assert made is not None
    outcome = Outcome(status, closed + 3_600, 1.31, r * RISK / 0.0001, r, 4.0, 41.0, 0.0002, ambiguous=r == -1.0)
    async with bench.services.database.write("trading_signals") as connection:
        assert await SignalRepository(connection).settle(made, outcome, NOW)
    return made


async def enter(bench: Bench, signal: int, price: float, at: float, **changes: Any) -> int:
    body = {"openTime": rfc3339(at), "symbol": "GBPUSD", "type": "BUY", "lots": 0.1, "entry": price}
    return int((await bench.ask("POST", "/api/journal/entries", json=body | {"signal_id": signal} | changes))["id"])


async def test_settled_signals_are_counted_and_valued_in_r(bench: Bench) -> None:
    await settled(bench, 500, confidence=61.5)
    await settled(bench, 400, Status.LOST, -1.0, confidence=69.9)
    await settled(bench, 300, Status.EXPIRED, 0.25, confidence=70.0, instrument="XAU_USD")
    await bench.store(decided())
    record = await bench.get(PATH)
    assert record["signals"] == {
        "settled": 3, "won": 1, "lost": 1, "expired": 1, "open": 1, "ambiguous": 1, "said_by_hand": 0,
    }  # fmt: skip
    assert (record["source"], record["strategy"], record["simulated"]) == ("sandbox", None, True)
    assert (record["since"], record["until"]) == (rfc3339(CANDLE - 150_000), rfc3339(CANDLE - 90_000))
    figures = record["statistics"]
    assert figures["money"]["net"] == figures["r"]["total"] == 1.25
    assert (figures["counts"]["wins"], figures["counts"]["losses"], figures["counts"]["expired"]) == (1, 1, 1)
    assert (figures["rates"]["win_rate"]["value"], figures["rates"]["win_rate"]["n"]) == (0.5, 2)
    assert figures["money"]["profit_factor"]["value"] == 2.25
    assert figures["daily"]["balance"] is None
    assert (record["left_out"], record["unit"]) == ([], "R")
    assert record["supports"] == (
        "On invented prices, which say nothing of a market: 3 settled signals: too few to say anything."
    )


async def test_what_signals_brought_is_added_up_by_day_and_counted_by_size(bench: Bench) -> None:
    for ago, status, r in ((900, Status.WON, 2.0), (600, Status.LOST, -1.0), (595, Status.EXPIRED, 0.25)):
        await settled(bench, ago, status, r)
    record = await bench.get(PATH)
    equity = record["equity"]
    assert equity["days"] == sorted(set(equity["days"]))
    assert (equity["r"][-1], equity["drawdown"][-1]) == (record["statistics"]["r"]["total"], -0.75)
    assert (equity["r"][0], equity["drawdown"][0]) == (2.0, 0.0)
    spread = {one["low"]: one["n"] for one in record["distribution"] if one["n"]}
    assert spread == {-1.0: 1, 0.25: 1, 2.0: 1}


async def test_without_a_settled_signal_nothing_is_said(bench: Bench) -> None:
    record = await bench.get(PATH)
    assert record["supports"] == "No settled signal: nothing to judge."
    assert (record["since"], record["signals"]["settled"], record["simulated"]) == (None, 0, True)
    assert record["statistics"]["rates"]["win_rate"]["value"] is None
    assert record["breakdown"]["instrument"] == []
    assert (record["equity"], record["distribution"]) == ({"days": [], "r": [], "drawdown": []}, [])
    assert [bucket["win_rate"]["value"] for bucket in record["calibration"]["buckets"]] == [None] * 10
    assert (record["following"]["since"], record["following"]["followed"]) == (None, 0)


async def test_confidence_is_calibrated_by_buckets_empty_ones_with_null(bench: Bench) -> None:
    for ago, score, won in ((500, 60.0, True), (450, 69.99, False), (400, 70.0, True), (350, 100.0, True)):
        await settled(bench, ago, Status.WON if won else Status.LOST, 2.0 if won else -1.0, confidence=score)
    buckets = {bucket["low"]: bucket for bucket in (await bench.get(PATH))["calibration"]["buckets"]}
    rates = {low: (bucket["win_rate"]["value"], bucket["win_rate"]["n"]) for low, bucket in buckets.items()}
    assert rates == dict.fromkeys(range(0, 60, 10), (None, 0)) | {
        60: (0.5, 2),
        70: (1.0, 1),
        80: (None, 0),
        90: (1.0, 1),
    }
    sixty = buckets[60]["win_rate"]
    assert 0 < sixty["low"] < 0.5 < sixty["high"] < 1
    assert buckets[0]["win_rate"]["low"] is None


async def test_parts_are_those_of_the_signals_moment(bench: Bench) -> None:
    tokyo, overlap = parse_rfc3339("2026-01-12T01:00:00Z"), parse_rfc3339("2026-02-10T15:00:00Z")
    for at, instrument, regime in ((tokyo, "USD_JPY", Regime.RANGING_LOW), (overlap, "GBP_USD", Regime.TRANSITIONAL)):
        await settled(bench, int(CANDLE - at) // 300, instrument=instrument, regime=regime)
    parts = (await bench.get(PATH))["breakdown"]
    keys = {kind: [part["key"] for part in some] for kind, some in parts.items()}
    assert keys["instrument"] == ["GBP_USD", "USD_JPY"]
    assert keys["session"] == ["ASIAN", "OVERLAP"]
    assert keys["weekday"] == ["Monday", "Tuesday"]
    assert keys["hour"] == ["01:00", "15:00"]
    assert keys["month"] == ["2026-01", "2026-02"]
    assert keys["regime"] == ["ranging_low_volatility", "transitional"]
    assert sum(part["trades"] for part in parts["side"]) == 2


async def test_sessions_follow_the_clocks_of_their_places(bench: Bench) -> None:
    winter, summer = parse_rfc3339("2026-01-15T13:30:00Z"), parse_rfc3339("2025-07-15T12:30:00Z")
    for at in (winter, summer):  # 08:30 in New York both times
        await settled(bench, int(CANDLE - at) // 300)
    assert [part["key"] for part in (await bench.get(PATH))["breakdown"]["session"]] == ["OVERLAP"]


async def test_a_sandboxs_signals_never_mix_with_a_brokers_and_what_is_left_out_is_said(bench: Bench) -> None:
    await settled(bench, 500)
    await settled(bench, 500, Status.LOST, -1.0, source="oanda-live")
    by_hand = await bench.signal(source="sandbox", simulated=True)
    await bench.ask("PUT", f"/api/signals/{by_hand}/status?status=WON&exit_price=1.314")
    said = await bench.store(decided())
    await bench.ask("PUT", f"/api/signals/{said}/status?status=WON&exit_price=1.4")
    withdrawn = await bench.store(decided(candle_time=CANDLE - 9_000, as_of=CANDLE - 8_700.0))
    await bench.ask("PUT", f"/api/signals/{withdrawn}/status?status=CANCELLED")
    record = await bench.get(PATH)
    assert (record["signals"]["settled"], record["signals"]["won"], record["signals"]["open"]) == (1, 1, 0)
    left = {one["reason"]: (one["signals"], one["source"]) for one in record["left_out"]}
    assert left == {
        "other_market": (1, "oanda-live"),
        "made_by_hand": (1, "sandbox"),
        "said_by_hand": (1, "sandbox"),
        "withdrawn": (1, "sandbox"),
    }
    live = await bench.get(PATH, source="oanda-live")
    assert (live["signals"]["lost"], live["signals"]["won"]) == (1, 0)
    hand = await bench.get(PATH, strategy="manual")
    assert (hand["signals"]["settled"], hand["signals"]["said_by_hand"], hand["strategy"]) == (1, 1, "manual")
    assert hand["statistics"]["r"]["total"] == pytest.approx(2.0)


async def test_filters_choose_and_refuse(bench: Bench) -> None:
    await settled(bench, 500)
    await settled(bench, 100, instrument="XAU_USD")

    async def count(**params: Any) -> int:
        return int((await bench.get(PATH, **params))["signals"]["settled"])

    assert await count(instrument="gold") == 1
    assert await count(instrument="EUR_USD") == 0
    assert await count(strategy=decided().strategy) == 2
    assert await count(strategy="another") == 0
    assert await count(simulated="true") == 2
    assert await count(simulated="false") == 0
    middle = rfc3339(CANDLE - 300 * 300)
    assert (await count(**{"from": middle}), await count(to=middle)) == (1, 1)
    assert "lie before" in (await bench.get(PATH, 422, to=middle, **{"from": middle}))["detail"]
    refused = await bench.get(PATH, 422, source="predecessor", strategy="x")
    assert refused["detail"] == "The predecessor's signals name no strategy"


@SQLITE
async def test_what_cannot_be_meant_is_refused(bench: Bench) -> None:
    for params in (
        *({"instrument": "\0"}, {"strategy": "a\0"}, {"source": "x" * 41}, {"simulated": "perhaps"}),
        *({"from": "yesterday"}, {"to": "9999-01-01"}, {"instrument": "'; DROP TABLE trading_signals; --"}),
    ):
        await bench.get(PATH, 422, **params)


async def test_followers_are_held_against_what_was_signalled(bench: Bench) -> None:
    first, _, third = [await settled(bench, ago, r=r) for ago, r in ((500, 2.0), (450, -1.0), (400, 2.0))]
    closed = CANDLE - 300 * 500
    await enter(bench, first, ENTRY + 0.0003, closed + 60, r=1.5)
    await enter(bench, third, ENTRY - 0.0001, CANDLE - 300 * 400 + 361, r=2.1)
    found = (await bench.get(PATH))["following"]
    assert (found["signals"], found["followed"], found["skipped"], found["against"]) == (3, 2, 1, 0)
    assert found["since"] == rfc3339(closed)
    assert (found["lateness"]["late"], found["lateness"]["worst"]) == (1, 361.0)
    assert found["slippage_pips"]["worst"] == pytest.approx(3)
    assert found["slippage_r"]["worst"] == pytest.approx(0.0003 / RISK)
    assert (found["edge"]["first"]["value"], found["edge"]["second"]["value"]) == (2.0, -1.0)
    assert found["edge"]["difference"]["value"] is None
    assert found["minimum"] == 10
    assert found["execution"]["first"]["value"] == pytest.approx(1.8)
    assert found["execution"]["second"]["value"] == 2.0


async def test_a_followers_change_is_seen_at_once(bench: Bench) -> None:
    signal = await settled(bench, 500)
    assert (await bench.get(PATH))["following"]["followed"] == 0
    entry = await enter(bench, signal, 1.31, NOW)
    assert (await bench.get(PATH))["following"]["followed"] == 1
    await bench.ask("PUT", f"/api/journal/entries/{entry}", json={"signal_id": None})
    assert (await bench.get(PATH))["following"]["followed"] == 0


async def test_the_price_of_a_symbol_that_is_no_instrument_is_no_slippage(bench: Bench) -> None:
    signal = await settled(bench, 500)
    await enter(bench, signal, 45_000.0, NOW, symbol="US30")
    found = (await bench.get(PATH))["following"]
    assert (found["followed"], found["slippage_r"]["n"], found["slippage_pips"]["n"]) == (1, 0, 0)
