"""Evaluations over HTTP: on demand, explained, counted, and refused."""

import csv
import io

import pytest

from alphaforge.core.errors import MarketUnavailable
from alphaforge.signals.model import FilterName, Regime
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from api_bench import NOW, SQLITE, Bench, FakeResult, decided

COLUMNS = [
    *(
        "date",
        "hour",
        "timestamp",
        "instrument",
        "regime",
        "reason",
        "strength",
        "agreement",
        "buy_votes",
        "sell_votes",
    ),
    *("confidence", "atr_pct", "adx", "volatility_ok", "strength_ok", "adx_ok", "last_price", "suggested_direction"),
    *("proposed_entry", "proposed_stop_loss", "proposed_take_profit"),
]


def results() -> list[FakeResult]:
    return [
        FakeResult("GBP_USD", decided(), 5),
        FakeResult("XAU_USD", decided(instrument="XAU_USD", reason=FilterName.TREND), None, "trend"),
        FakeResult("USD_JPY", None, None, "warming_up: 200 of 13000 candles"),
    ]


async def test_generating_says_for_each_instrument_what_came_of_it(bench: Bench) -> None:
    bench.desk.results = results()
    body = await bench.ask("POST", "/api/signals/generate")
    assert (body["status"], body["signals_generated"], body["message"]) == ("success", 1, "Generated 1 of 3 signals")
    assert [(one["instrument"], one["generated"]) for one in body["results"]] == [
        ("GBP_USD", True),
        ("XAU_USD", False),
        ("USD_JPY", False),
    ]
    assert {one["timestamp"] for one in body["results"]} == {"2026-03-03T10:02:30Z"}


@SQLITE
async def test_generating_nothing_says_so(bench: Bench) -> None:
    bench.desk.results = results()
    assert (await bench.ask("POST", "/api/signals/generate/XAU_USD"))["status"] == "no_signals"
    assert bench.desk.asked == [["XAU_USD"]]


async def test_a_refusal_carries_its_filter_its_sentence_and_what_was_nearest(bench: Bench) -> None:
    bench.desk.results = results()
    made, refused, cold = (await bench.ask("POST", "/api/signals/enhanced/generate"))["results"]
    assert (made["pair"], made["signal_id"], made["direction"], made["regime"]) == (
        "GBP_USD",
        5,
        "BUY",
        "trending_up_low_volatility",
    )
    assert "reason" not in made
    assert (refused["filter"], refused["nearest"]) == ("trend", "6.75 more")
    assert "trend" in refused["reason"]
    assert refused["summary"] == "No signal because the trend is too weak (6.75 more). Nearest to BUY."
    assert made["summary"] == "BUY at 1.25, stop 1.2485, target 1.253."
    assert [one["name"] for one in refused["failed_filters"]] == ["trend"]
    assert cold == {"pair": "USD_JPY", "generated": False, "reason": "warming_up: 200 of 13000 candles"}


@SQLITE
async def test_a_candle_that_has_made_a_signal_is_answered_and_explained_with_it(bench: Bench) -> None:
    again = FakeResult("GBP_USD", decided(), None, "already_signalled", earlier_id=5)
    bench.desk.results = [again]
    body = await bench.ask("POST", "/api/signals/enhanced/generate/GBP_USD")
    assert (body["signals_generated"], body["generated"], body["signal_id"]) == (0, False, 5)
    assert body["reason"].startswith("The newest candle has made signal 5 already. BUY GBP_USD at ")
    bench.strategy.last_results["GBP_USD"] = again
    told = await bench.ask("GET", "/api/instruments/GBP_USD/explain")
    assert (told["signal_id"], told["is_signal"]) == (5, True)


async def test_the_result_of_one_pair_lies_at_the_top_too(bench: Bench) -> None:
    bench.desk.results = results()
    body = await bench.ask("POST", "/api/signals/enhanced/generate/gbp-usd")
    assert (body["pair"], body["generated"], body["signal_id"]) == ("GBP_USD", True, 5)
    assert body["message"] == "Enhanced strategy generated 1/1 signals"


@SQLITE
@pytest.mark.parametrize(
    "path", ["generate/BTC_USD", "enhanced/generate/BTC_USD", "enhanced/generate/%00", "generate/x"]
)
async def test_an_unknown_pair_is_refused_naming_the_known_ones(bench: Bench, path: str) -> None:
    problem = await bench.ask("POST", f"/api/signals/{path}", 404)
    assert problem["detail"] == "Invalid pair. Must be one of: GBP_USD, XAU_USD, USD_JPY"
    assert bench.desk.asked == []


@SQLITE
async def test_a_market_that_does_not_answer_is_a_503(bench: Bench) -> None:
    bench.desk.fails = MarketUnavailable("OANDA does not answer", advice="Check the network.")
    problem = await bench.ask("POST", "/api/signals/enhanced/generate", 503)
    assert (problem["detail"], problem["advice"]) == ("OANDA does not answer", "Check the network.")


async def test_statistics_count_what_is_stored(bench: Bench) -> None:
    assert await bench.store(decided()) == 1
    for i, reason in enumerate(
        [FilterName.REGIME, FilterName.STRENGTH, FilterName.AGREEMENT, FilterName.AGREEMENT, FilterName.TREND]
    ):
        at = int(NOW) // 300 * 300 - 300 * (i + 2)
        await bench.store(decided(reason=reason, candle_time=at, as_of=at + 301.0, regime=Regime.RANGING_HIGH))
    statistics = (await bench.get("/api/signals/enhanced/statistics"))["statistics"]
    strategy = statistics["strategy"]
    assert (strategy["total_signals"], strategy["tradeable_signals"], strategy["filter_efficiency"]) == (6, 1, "16.7%")
    assert [strategy[f"{name}_filtered"] for name in ("regime", "confidence", "agreement")] == [1, 1, 2]
    assert statistics["regime_detection"]["regime_distribution"] == {
        "trending_up_low_volatility": 1,
        "ranging_high_volatility": 5,
    }


async def test_a_traders_result_is_recorded_and_counts(bench: Bench) -> None:
    params = {"pair": "GBP/USD", "profit_loss": -12.5, "risk": 60}
    body = await bench.ask("POST", "/api/signals/enhanced/trade-result", params=params)
    assert bench.desk.recorded == [("GBP_USD", -12.5, 60.0)]
    assert (body["pair"], body["kelly_stats"]["trade_count"]) == ("GBP_USD", 1)
    statistics = await bench.get("/api/signals/enhanced/statistics")
    assert statistics["statistics"]["kelly_criterion"]["trade_count"] == 1


@SQLITE
@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"risk": 0}, 422),
        ({"risk": -1}, 422),
        ({"risk": "nan"}, 422),
        ({"profit_loss": "inf"}, 422),
        ({"pair": "BTC_USD"}, 404),
    ],
)
async def test_a_result_that_cannot_be_is_not_recorded(bench: Bench, changes: dict[str, object], status: int) -> None:
    params = {"pair": "GBP_USD", "profit_loss": 1, "risk": 1} | changes
    await bench.ask("POST", "/api/signals/enhanced/trade-result", status, params=params)
    assert bench.desk.recorded == []


async def test_a_days_rejections_come_with_their_metrics(bench: Bench) -> None:
    await bench.store(decided(reason=FilterName.TREND))
    body = await bench.get("/api/rejections", date="2026-03-03")
    assert body["date"] == "2026-03-03"
    (one,) = body["rejections"]
    assert (one["hour"], one["timestamp"], one["instrument"], one["reason"]) == (
        10,
        "2026-03-03T10:02:30Z",
        "GBP_USD",
        "trend",
    )
    assert list(one["metrics"]) == COLUMNS[6:]
    assert one["metrics"]["atr_pct"] == pytest.approx(100 * 0.001 / 1.24995)
    assert (one["metrics"]["adx_ok"], one["metrics"]["strength_ok"]) == (False, True)
    assert (one["metrics"]["suggested_direction"], one["metrics"]["proposed_stop_loss"]) == ("BUY", 1.2485)


async def test_the_newest_day_is_found_and_ends_at_midnight_utc(bench: Bench) -> None:
    for hours in (0, 10, 11, 30):
        at = int(NOW) // 300 * 300 - 300 - 3600 * hours
        await bench.store(decided(reason=FilterName.TREND, candle_time=at, as_of=at + 301.0))
    for path in ("/api/rejections", "/api/rejections/latest"):
        body = await bench.get(path)
        assert (body["date"], [one["hour"] for one in body["rejections"]]) == ("2026-03-03", [0, 10])
    assert [one["hour"] for one in (await bench.get("/api/rejections/latest", date="2026-03-02"))["rejections"]] == [
        4,
        23,
    ]


async def test_a_day_without_a_record_is_not_found(bench: Bench) -> None:
    assert "record" in (await bench.get("/api/rejections", 404))["detail"]
    assert "2026-03-01" in (await bench.get("/api/rejections", 404, date="2026-03-01"))["detail"]


@SQLITE
@pytest.mark.parametrize(
    "day", ["2026-02-30", "2026-3-1", "20260301", "1969-01-01", "9999-12-31", "x", "", "2026-03-01\0"]
)
async def test_a_date_that_is_none_is_refused(bench: Bench, day: str) -> None:
    await bench.get("/api/rejections", 422, date=day)


async def test_rejections_open_in_a_spreadsheet(bench: Bench) -> None:
    await bench.store(decided(reason=FilterName.TREND, adx=None, direction=None, levels=None))
    answer = await bench.client.get("/api/rejections", params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    assert "rejections-2026-03-03.csv" in answer.headers["content-disposition"]
    header, row = list(csv.reader(io.StringIO(answer.text)))
    assert header == COLUMNS
    cells = dict(zip(header, row, strict=True))
    assert (cells["date"], cells["hour"], cells["adx"], cells["adx_ok"]) == ("2026-03-03", "10", "", "false")
    assert (cells["proposed_entry"], cells["buy_votes"]) == ("", "2.5")


async def test_a_signal_is_explained_by_the_evaluation_that_made_it(bench: Bench) -> None:
    sid = await bench.store(decided())
    body = await bench.get(f"/api/signals/{sid}/explain")
    assert body["sentence"].startswith("BUY GBP_USD at 1.25, stop 1.2485, target 1.253")
    assert (body["is_signal"], body["failed_filters"], body["candle_hash"]) == (True, [], decided().candle_hash)
    assert body["decision"]["timeframes"][0]["values"] == {"rsi": 55.25, "stochastic_k": None}
    assert (body["source"], body["simulated"], body["candle_time"]) == ("sandbox", True, "2026-03-03T09:55:00Z")
    assert body["weights"] is None, "it was decided by other settings than the desk's"


@SQLITE
async def test_a_signal_whose_candles_are_gone_cannot_be_what_they_say(bench: Bench) -> None:
    bench.desk.settings = StrategySettings(window=600)
    sid = await bench.store(decided(settings_hash=bench.desk.settings.fingerprint()))
    body = await bench.get(f"/api/signals/{sid}/verify")
    assert (body["signal_id"], body["same"]) == (sid, False)
    assert body["sentence"].startswith("It differs")
    assert body["differences"] == ["candles: 0 of the 13000 that it saw are stored"]
    bench.desk.settings = DEFAULT_SETTINGS
    by_others = await bench.store(decided(candle_time=int(NOW) // 300 * 300 - 600))
    assert "other settings" in (await bench.get(f"/api/signals/{by_others}/verify"))["differences"][0]


@SQLITE
async def test_a_signal_by_hand_cannot_be_computed_again(bench: Bench) -> None:
    sid = await bench.signal()
    assert "not made by the strategy" in (await bench.get(f"/api/signals/{sid}/verify", 404))["detail"]
    await bench.get("/api/signals/77/verify", 404)


@SQLITE
async def test_an_evaluation_by_the_desks_settings_says_what_a_vote_counts(bench: Bench) -> None:
    sid = await bench.store(decided(settings_hash=DEFAULT_SETTINGS.fingerprint()))
    assert (await bench.get(f"/api/signals/{sid}/explain"))["weights"] == {"M5": 0.2, "M15": 0.3, "H1": 0.5}


async def test_a_signal_by_hand_has_no_evaluation_to_explain(bench: Bench) -> None:
    sid = await bench.signal()
    assert "not made by the desk" in (await bench.get(f"/api/signals/{sid}/explain", 404))["detail"]
    assert (await bench.get("/api/signals/77/explain", 404))["detail"] == "Signal not found"


async def test_an_instrument_is_explained_by_its_last_scan(bench: Bench) -> None:
    bench.strategy.last_results = {one.instrument: one for one in results()}
    body = await bench.get("/api/instruments/GOLD/explain")
    assert (body["instrument"], body["symbol"], body["is_signal"], body["nearest"]) == (
        "XAU_USD",
        "GOLD",
        False,
        "6.75 more",
    )
    assert [one["name"] for one in body["failed_filters"]] == ["trend"]
    assert "warming_up" in (await bench.get("/api/instruments/USD_JPY/explain", 503))["detail"]


async def test_after_a_restart_an_instrument_is_explained_from_the_database(bench: Bench) -> None:
    assert "no scan" in (await bench.get("/api/instruments/GBP_USD/explain", 503))["detail"]
    older = int(NOW) // 300 * 300 - 600
    sid = await bench.store(decided(candle_time=older, as_of=older + 301.0))
    assert (await bench.get("/api/instruments/GBP_USD/explain"))["signal_id"] == sid
    await bench.store(decided(reason=FilterName.COOLDOWN))
    body = await bench.get("/api/instruments/GBP_USD/explain")
    assert (body["signal_id"], body["is_signal"], body["source"]) == (None, False, "sandbox")


@SQLITE
async def test_an_unwatched_instrument_is_not_explained(bench: Bench) -> None:
    await bench.get("/api/instruments/EUR_USD/explain", 404)


@SQLITE
async def test_the_state_of_the_scans_is_read_from_them(bench: Bench) -> None:
    async def state() -> tuple[str, str | None, bool]:
        body = await bench.get("/api/analysis/status")
        return body["status"], body["last_analysis"], body["is_running"]

    assert await state() == ("idle", None, False)
    bench.strategy.is_running = True
    bench.strategy.last_scan_at = NOW
    assert await state() == ("waiting", "2026-03-03T10:02:30Z", True)
    bench.strategy.is_scanning = True
    assert (await state())[0] == "analysing"


async def test_the_latest_analysis_is_the_last_scan(bench: Bench) -> None:
    assert await bench.get("/api/analysis/latest") == {"analysis": None, "timestamp": None}
    bench.strategy.last_results = {one.instrument: one for one in results()}
    bench.strategy.last_scan_at = NOW
    body = await bench.get("/api/analysis/latest")
    assert body["timestamp"] == "2026-03-03T10:02:30Z"
    assert list(body["analysis"]) == ["GBP_USD", "XAU_USD", "USD_JPY"]
    assert body["analysis"]["XAU_USD"]["votes"][2] == {"granularity": "H1", "buy": 2.5, "sell": 0.0}


async def test_history_has_signals_and_rejections_newest_first(bench: Bench) -> None:
    newest = int(NOW) // 300 * 300 - 300
    await bench.store(decided(reason=FilterName.TREND, candle_time=newest - 600, as_of=newest - 299.0))
    sid = await bench.store(decided(candle_time=newest - 300, as_of=newest + 1.0))
    await bench.store(decided(reason=FilterName.COOLDOWN))
    body = await bench.get("/api/analysis/history")
    assert [(one["generated"], one["reason"]) for one in body["history"]] == [
        (False, "cooldown"),
        (True, None),
        (False, "trend"),
    ]
    assert (body["history"][1]["signal_id"], body["count"]) == (sid, 3)
    assert (await bench.get("/api/analysis/history", limit=1))["count"] == 1
