"""Backtests as clients see them: asked for, followed, fetched, compared, ended, in the predecessor's words too."""

import asyncio
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from alphaforge.api.app import serve
from alphaforge.api.services import ApiOptions
from alphaforge.storage.backtests import NEXT, TASKS, BacktestRepository
from alphaforge.storage.job_pieces import packed
from alphaforge.storage.jobs import JobRepository
from alphaforge.tasks.backtest_jobs import backtest_kinds
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.job_board import JobBoard
from api_bench import SQLITE, Bench
from backtests_at_hand import ASKED, SETTINGS, keep_candles, report
from builders import MONDAY
from engines import working

pytestmark = SQLITE
SOON = 60.0


@asynccontextmanager
async def at_work(bench: Bench) -> AsyncIterator[None]:
    database = bench.services.database
    async with working(database, *backtest_kinds(database)):
        yield


async def ended(bench: Bench, number: int) -> dict[str, Any]:
    """The backtest when it has ended."""
    async with asyncio.timeout(SOON):
        with bench.services.database.commits.heard("backtests", "jobs") as changed:
            while True:
                changed.clear()
                found: dict[str, Any] = await bench.get(f"/api/backtests/{number}")
                if found["status"] not in {"queued", "running"}:
                    return found
                await changed.wait()


async def begin(bench: Bench, **more: Any) -> dict[str, Any]:
    await keep_candles(bench.services.database)
    found: dict[str, Any] = await bench.ask("POST", "/api/backtests", 202, json=ASKED | more)
    return found


async def done(bench: Bench, document: dict[str, Any] | None = None) -> int:
    """A backtest that is done, its report as it was made or another."""
    return await finished(bench, int((await begin(bench))["id"]), document)


async def finished(bench: Bench, number: int, document: dict[str, Any] | None = None) -> int:
    async with bench.services.database.write("backtests", "jobs") as connection:
        content = packed(msgspec.json.encode(document or report()))
        await BacktestRepository(connection).finish(number, content, {"sentence": "No edge shown."})
    return number


async def test_a_backtest_is_queued_performed_elsewhere_and_says_what_its_evidence_supports(bench: Bench) -> None:
    await keep_candles(bench.services.database)
    answer = await bench.client.post("/api/backtests", json=ASKED)
    asked = answer.json()
    assert (answer.status_code, asked["status"], asked["simulated"]) == (202, "queued", True)
    assert asked["progress"] == {"done": 0, "total": 1, "fraction": 0.0}
    assert answer.headers["location"] == f"/api/backtests/{asked['id']}"
    async with at_work(bench):
        found = await ended(bench, asked["id"])
    assert (found["status"], found["error"]) == ("done", None)
    assert found["summary"]["sentence"]
    made = await bench.get(found["reports"]["json"])
    assert msgspec.json.decode(msgspec.json.encode(report())) == made, "a child process computes what this one does"
    assert found["summary"]["figures"]["trades"] == len(made["trades"]["r"]) > 5
    [job, part] = (await bench.get("/api/jobs", kind=f"{TASKS},{NEXT}"))["jobs"]
    assert (job["kind"], part["kind"], job["parameters"]) == (NEXT, TASKS, {"backtest": asked["id"]})


async def test_what_a_backtest_would_take_is_told_before_it_is_asked_for(bench: Bench) -> None:
    await keep_candles(bench.services.database)
    more = {"grid": {"stop": [1, 1.5], "ema_fast": [5, 9]}, "walk_forward": {"train": "4d", "test": "2d"}}
    found = await bench.ask("POST", "/api/backtests/estimate", 200, json=ASKED | more)
    assert (found["faults"], found["kind"], found["source"]) == ([], "walk_forward", "sandbox")
    assert (found["points"], found["impossible"], found["folds"]) == (2, 2, 5), "a fast average of 9 is not below 8"
    begun = await bench.ask("POST", "/api/backtests", 202, json=ASKED | more)
    assert begun["progress"]["total"] == found["parts"]
    assert begun["estimated_seconds"] == found["seconds"] > 0
    assert found["evaluations"] > 2 * 5 * 6 * 200, "candles of five folds of six days, twice"
    assert (await bench.get("/api/backtests"))["backtests"][0]["grid"] == {"stop_atr": [1.0, 1.5], "ema_fast": [5, 9]}


@pytest.mark.parametrize(
    ("more", "loc", "words"),
    [
        ({"settings": {"min_vots": 2}}, ["settings", "min_vots"], "no setting"),
        ({"settings": {"ema_fast": 9}}, ["settings"], "averages go from fast to slow"),
        ({"grid": {"stop": "2:1:1"}}, ["grid", "stop"], "goes nowhere"),
        ({"grid": {"stop": "1:3:0.001", "target": [3, 4]}}, ["grid"], "more than the 2,000 allowed"),
        ({"walk_forward": {"train": "3m", "test": "2d"}}, ["walk_forward", "train"], "no length"),
        ({"walk_forward": {"train": "2d", "test": "2h"}}, ["walk_forward", "test"], "no length"),
        ({"walk_forward": {"train": "900d", "test": "2d"}}, [], "no room"),
        ({"instruments": ["USD_JPY"]}, ["instruments"], "no candles of USD_JPY"),
        ({"from": "2001-01-01", "to": "2001-02-01"}, ["instruments"], "there are some from"),
        ({"instruments": ["nonsense"]}, [], "Invalid pair"),
    ],
)
async def test_an_estimate_says_at_which_field_what_is_wrong(
    bench: Bench, more: dict[str, Any], loc: list[str], words: str
) -> None:
    await keep_candles(bench.services.database)
    found = await bench.ask("POST", "/api/backtests/estimate", 200, json=ASKED | {"settings": {}} | more)
    [fault] = found["faults"]
    assert fault["loc"] == loc
    assert words in fault["msg"]
    assert found["points"] is None


async def test_every_setting_is_told_with_what_it_is_and_its_default(bench: Bench) -> None:
    found = await bench.get("/api/backtests/settings")
    settings = {one["name"]: one for one in found["settings"]}
    assert settings["stop_atr"] == {
        "name": "stop_atr",
        "short": "stop",
        "group": "Stop, target and lifetime",
        "what": "stop, in ATR",
        "unit": "ATR",
        "default": 1.5,
    }
    assert found["count"] == len(settings) > 50


async def test_without_background_work_the_request_does_it_all(bench: Bench) -> None:
    database = bench.services.database
    board = JobBoard(database, Engine(database, backtest_kinds(database), 1, "me"), in_background=False)
    serve(bench.app, replace(bench.services, jobs=board), ApiOptions())
    await keep_candles(database)
    found = await bench.ask("POST", "/api/backtests", 200, json=ASKED | {"controls": False})
    assert (found["status"], found["kind"], found["progress"]["total"]) == ("done", "single", 1)
    assert (await bench.get(found["reports"]["json"]))["controls"] is None


async def test_a_report_comes_as_a_page_that_may_load_nothing_and_as_tables(bench: Bench) -> None:
    number = await done(bench)
    page = await bench.client.get(f"/api/backtests/{number}/report", params={"format": "html"})
    assert page.headers["content-type"] == "text/html; charset=utf-8"
    policy = page.headers["content-security-policy"]
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; img-src data:;")
    assert "<script" not in page.text
    assert page.headers["content-disposition"] == f'inline; filename="backtest-{number}.html"'
    table = await bench.client.get(f"/api/backtests/{number}/report", params={"format": "csv"})
    assert table.headers["content-disposition"] == f'attachment; filename="backtest-{number}-trades.csv"'
    assert len(table.text.splitlines()) == 1 + len(report()["trades"]["r"])
    parquet = pytest.importorskip("pyarrow.parquet", reason="Parquet is an extra")
    content = await bench.client.get(f"/api/backtests/{number}/report", params={"format": "parquet"})
    assert parquet.read_table(io.BytesIO(content.content))["r"].to_pylist() == report()["trades"]["r"]


async def test_hostile_words_in_a_report_stay_words(bench: Bench) -> None:
    document = msgspec.json.decode(msgspec.json.encode(report()))
    evil = "<script>alert(1)</script>\"'><img src=x onerror=alert(1)>"
    document["sentence"] = document["asked"]["source"] = document["asked"]["version"] = evil
    number = await done(bench, document)
    page = (await bench.client.get(f"/api/backtests/{number}/report", params={"format": "html"})).text
    assert "<script" not in page
    assert "<img" not in page
    assert "&lt;script&gt;" in page


async def test_two_backtests_are_held_against_each_other(bench: Bench) -> None:
    a, b = await done(bench), await done(bench)
    found = await bench.get("/api/backtests/compare", a=a, b=b)
    assert found["names"] == [str(a), str(b)]
    assert found["sentence"]
    problem = await bench.ask("GET", "/api/backtests/compare", 404, params={"a": a, "b": 999})
    assert problem["detail"] == "There is no backtest 999"


async def test_what_goes_on_has_no_report_yet_and_can_be_ended_and_removed(bench: Bench) -> None:
    number = (await begin(bench))["id"]
    problem = await bench.ask("GET", f"/api/backtests/{number}/report", 409)
    assert problem["detail"] == f"Backtest {number} is queued: it has no report yet"
    assert (await bench.ask("POST", f"/api/backtests/{number}/cancel"))["message"] == f"Backtest {number} is cancelled"
    again = (await bench.ask("POST", f"/api/backtests/{number}/cancel"))["message"]
    assert again == f"Backtest {number} had ended before: it is cancelled"
    assert (await bench.get(f"/api/backtests/{number}"))["status"] == "cancelled"
    assert (await bench.get("/api/jobs", kind=TASKS))["jobs"][0]["status"] == "cancelled"
    await bench.ask("GET", f"/api/backtests/{number}/report", 404)
    await bench.ask("DELETE", f"/api/backtests/{number}")
    await bench.ask("GET", f"/api/backtests/{number}", 404)
    await bench.ask("DELETE", f"/api/backtests/{number}", 404)


async def test_a_backtest_whose_job_was_cancelled_or_is_gone_says_so(bench: Bench) -> None:
    number = (await begin(bench))["id"]
    [job] = (await bench.get("/api/jobs", kind=TASKS))["jobs"]
    await bench.ask("POST", f"/api/jobs/{job['id']}/cancel")
    found = await bench.get(f"/api/backtests/{number}")
    assert (found["status"], found["error"]) == ("cancelled", "One of its jobs was cancelled")
    async with bench.services.database.write("jobs") as connection:
        await connection.exec_driver_sql("DELETE FROM jobs")
    assert "kept for a week" in (await bench.get("/api/backtests"))["backtests"][0]["error"]


async def test_the_list_goes_on_by_cursor(bench: Bench) -> None:
    numbers = [(await begin(bench))["id"] for _ in range(3)]
    first = await bench.get("/api/backtests", limit=2)
    assert [one["id"] for one in first["backtests"]] == numbers[:0:-1]
    rest = await bench.get("/api/backtests", limit=2, cursor=first["next"])
    assert ([one["id"] for one in rest["backtests"]], rest["next"]) == (numbers[:1], None)


async def test_the_same_key_is_the_same_backtest(bench: Bench) -> None:
    await keep_candles(bench.services.database)
    ones, others = [
        await bench.client.post("/api/backtests", json=ASKED, headers={"Idempotency-Key": "k"}) for _ in range(2)
    ]
    assert ones.json()["id"] == others.json()["id"]
    assert others.headers["idempotent-replayed"] == "true"
    assert (await bench.get("/api/backtests"))["count"] == 1


@pytest.mark.parametrize(
    ("more", "status", "says"),
    [
        ({"from": ASKED["to"], "to": ASKED["from"]}, 422, "The period ends on"),
        ({"instruments": ["EUR_USD"]}, 422, "Invalid pair"),
        ({"instruments": ["USD_JPY"]}, 409, "There are no candles of USD_JPY"),
        ({"source": "oanda-live"}, 409, "no candles of GBP_USD of oanda-live; sandbox has some"),
        ({"settings": {"minvotes": 2}}, 422, "no setting of the strategy"),
        ({"settings": {"min_votes": -1}}, 422, "minimum_votes = -1.0 is impossible"),
        ({"grid": {"min_votes": "1:3:0.001", "stop": "1:3:0.001"}}, 422, "A grid of 4,004,001 points"),
        ({"walk_forward": {"train": "900d", "test": "30d"}}, 422, "has no room for"),
        ({"walk_forward": {"train": "a while", "test": "30d"}}, 422, "'a while' is no length"),
        ({"financing": {"GBP_USD": [-3, 0]}}, 422, "financing of"),
        ({"risk": 2}, 422, "less than 1"),
    ],
)
async def test_what_cannot_be_meant_is_refused_before_anything_is_queued(
    bench: Bench, more: dict[str, Any], status: int, says: str
) -> None:
    await keep_candles(bench.services.database)
    problem = await bench.ask("POST", "/api/backtests", status, json=ASKED | more)
    assert says in str(problem["detail"])
    assert (await bench.get("/api/backtests"))["count"] == 0


async def test_a_period_without_candles_ends_with_the_reason_in_words(bench: Bench) -> None:
    number = (await begin(bench, **{"from": "2030-01-01", "to": "2030-02-01"}))["id"]
    async with at_work(bench):
        found = await ended(bench, number)
    assert found["status"] == "failed"
    assert "There are no candles of GBP_USD by sandbox from 2030-01-01" in found["error"]
    assert "alphaforge candles download GBP_USD --from 2030-01-01" in found["error"]


OLD = {
    "pair": "GBP/USD",
    "timeframe": "5m",
    "startDate": ASKED["from"],
    "end_date": ASKED["to"],
    "initialCapital": "5000",
    "riskPerTrade": 2,
    "strategy": "voting-v3",
    "parameters": SETTINGS,
    "commission": 7,
}


async def test_the_predecessors_request_is_answered_with_its_results(bench: Bench) -> None:
    await keep_candles(bench.services.database)
    request = asyncio.create_task(bench.ask("POST", "/api/backtest/run", json=OLD))
    with bench.services.database.commits.heard("jobs") as changed:
        while not (asked := (await bench.get("/api/backtests"))["backtests"]):
            await changed.wait()
            changed.clear()
    await finished(bench, asked[0]["id"])
    found = await request
    results, plan = found["results"], (await bench.get(f"/api/backtests/{asked[0]['id']}"))["asked"]["plan"]
    assert (plan["options"]["risk"], plan["options"]["balance"], plan["settings"]) == (0.02, 5_000, SETTINGS)
    assert (found["success"], found["status"], found["ignored"]) == (True, "completed", ["commission"])
    assert results["total_trades"] == len(found["trades"]) == len(report()["trades"]["r"]) > 5
    assert results["total_pnl"] == pytest.approx(results["final_balance"] - results["initial_balance"])
    assert results["win_rate"] == pytest.approx(report()["figures"]["rates"]["win_rate"]["value"] * 100)
    assert results["max_drawdown"] > 0
    assert found["equity_curve"][-1]["equity"] == pytest.approx(results["final_balance"])
    assert {"instrument", "side", "opened", "entry", "exit", "r"} <= set(found["trades"][0])
    assert (await bench.client.get(found["report"])).status_code == 200


async def test_what_takes_longer_is_fetched_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("alphaforge.api.backtest._PATIENCE", 0.0)
    await keep_candles(bench.services.database)
    found = await bench.ask("POST", "/api/backtest/run", 202, json=OLD)
    assert (found["success"], found["status"], found["results"]) == (True, "queued", None)
    assert (await bench.get(f"/api/backtests/{found['backtest_id']}"))["status"] == "queued"


@pytest.mark.parametrize(
    ("more", "says"),
    [
        ({"strategy_code": "def decide(): ..."}, "no code of users runs on this server"),
        ({"strategyCode": "x"}, "'strategyCode' holds strategy source code"),
        ({"script": "x"}, "no code of users runs"),
        ({"strategy": "class Mine(Strategy):\n    pass"}, "no code of users runs"),
        ({"strategy": "sma-cross"}, "There is no strategy 'sma-cross'"),
        ({"timeframe": "1h"}, "A timeframe of '1h' is not offered"),
        ({"riskPerTrade": 0.5}, "may mean 0.5 % or 50% of the equity"),
        ({"riskPerTrade": "much"}, "A risk of 'much' is no number"),
        ({"symbol": "USD_JPY"}, "says symbol a second time, and otherwise"),
        ({"startDate": "soon"}, "from: "),
        ({"parameters": {"rsi": 3}}, "no setting of the strategy"),
    ],
)
async def test_the_predecessors_code_and_riddles_are_refused(bench: Bench, more: dict[str, Any], says: str) -> None:
    await keep_candles(bench.services.database)
    problem = await bench.ask("POST", "/api/backtest/run", 422, json=OLD | more)
    assert says in str(problem["detail"])
    assert (await bench.get("/api/backtests"))["count"] == 0


async def test_symbols_are_those_that_have_candles(bench: Bench) -> None:
    assert await bench.get("/api/backtest/symbols") == {"symbols": [], "count": 0, "available": []}
    await keep_candles(bench.services.database)
    await keep_candles(bench.services.database, "oanda-practice")
    found = await bench.get("/api/backtest/symbols")
    assert (found["symbols"], found["count"]) == (["GBPUSD"], 1)
    assert [(one["source"], one["simulated"]) for one in found["available"]] == [
        ("oanda-practice", False),
        ("sandbox", True),
    ]
    assert (found["available"][0]["first"], found["available"][0]["candles"]) == ("2025-01-06T00:00:00Z", 4_000)
    assert MONDAY == 1_736_121_600


async def test_the_work_belongs_to_whoever_still_holds_it(bench: Bench) -> None:
    """A job of a backtest that was removed meanwhile does nothing, and fails nobody."""
    number = (await begin(bench))["id"]
    async with bench.services.database.write("backtests", "jobs") as connection:
        await connection.exec_driver_sql("DELETE FROM backtests")
    async with working(bench.services.database, *backtest_kinds(bench.services.database)) as board:
        async with bench.services.database.read() as connection:
            [job] = await JobRepository(connection).page((TASKS,), limit=9)
        assert (await board.ended(job.id, SOON)).result == {"performed": 0}
    await bench.ask("GET", f"/api/backtests/{number}", 404)
