"""Background work as clients see it: asked for, looked at, ended, its files fetched, files handed in."""

import asyncio
import gzip
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from alphaforge.api import job_files
from alphaforge.api.app import serve
from alphaforge.api.exports import export_file
from alphaforge.api.imports import rows_of
from alphaforge.api.services import ApiOptions
from alphaforge.signals.model import Status
from alphaforge.storage.job_pieces import JobPieces
from alphaforge.storage.jobs import FAILED, MARKET_LANE, JobRepository
from alphaforge.tasks import files
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.files import file_kinds
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import TaskKind
from api_bench import NOW, SQLITE, Bench, decided
from engines import SOON, working

EXPORT = {"kind": "export", "noun": "journal", "format": "csv"}
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31}
SIGNAL = {"symbol": "GBP_USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
CSV, NDJSON = {"Content-Type": "text/csv"}, {"Content-Type": "application/x-ndjson"}


def kinds_of(bench: Bench) -> tuple[TaskKind, ...]:
    """The jobs around files, as the wiring puts them together."""
    services = bench.services

    async def export(payload: Any) -> Any:
        return export_file(services.database, services.clock.now(), payload)

    async def rows(payload: Any, content: bytes) -> Any:
        known = services.instruments.known
        return await rows_of(payload, content, services.status.market(), services.clock.now(), known)

    return file_kinds(services.database, export, rows)


@asynccontextmanager
async def at_work(bench: Bench) -> AsyncIterator[Callable[[dict[str, Any]], Any]]:
    """Jobs are run; answers how to wait for one."""
    async with working(bench.services.database, *kinds_of(bench)) as board:

        async def ended(job: dict[str, Any]) -> dict[str, Any]:
            await board.ended(job["id"], SOON)
            return dict(await bench.get(f"/api/jobs/{job['id']}"))

        yield ended


def at_once(bench: Bench, *kinds: TaskKind) -> None:
    """Have the interface do the work itself, as with BACKGROUND_TASKS=false."""
    database = bench.services.database
    board = JobBoard(database, Engine(database, kinds or kinds_of(bench), 1, "me"), in_background=False)
    serve(bench.app, replace(bench.services, jobs=board), ApiOptions())


async def test_a_job_is_queued_and_looked_at_where_its_answer_says(bench: Bench) -> None:
    answer = await bench.client.post("/api/jobs", json=EXPORT)
    job = answer.json()
    assert (answer.status_code, answer.headers["location"]) == (202, f"/api/jobs/{job['id']}")
    assert await bench.get(answer.headers["location"]) == job
    assert {key: job[key] for key in ("kind", "status", "progress", "attempts", "cancelling", "error", "result")} == {
        "kind": "export",
        "status": "queued",
        "progress": None,
        "attempts": 0,
        "cancelling": False,
        "error": None,
        "result": None,
    }
    assert job["parameters"] == {"noun": "journal", "format": "csv"}
    assert job["created_at"][-1] == job["run_at"][-1] == "Z"
    assert (job["started_at"], job["finished_at"], job["file"]) == (None, None, None)


@SQLITE
@pytest.mark.parametrize(
    ("asked", "told"),
    [
        ({"kind": "scan", "instruments": ["gbp-usd", "GBPUSD", "gold"]}, {"instruments": ["GBP_USD", "XAU_USD"]}),
        ({"kind": "scan"}, {"instruments": ["GBP_USD", "XAU_USD", "USD_JPY"]}),
        ({"kind": "settle"}, {}),
        (
            {"kind": "download_candles", "instruments": ["gold"], "days": 2},
            {"instruments": ["XAU_USD"], "from": "2026-03-01T10:02:30Z", "to": "2026-03-03T10:02:30Z"},
        ),
        (
            {"kind": "download_candles", "from": "2026-01-01", "to": "2030-01-01"},
            {
                "instruments": ["GBP_USD", "XAU_USD", "USD_JPY"],
                "from": "2026-01-01T00:00:00Z",
                "to": "2026-03-03T10:02:30Z",
            },
        ),
        (
            {"kind": "export", "noun": "signals", "status": "won,LOST", "symbol": "GOLD", "from": "2026-01-01"},
            {
                "noun": "signals",
                "format": "ndjson",
                "status": "won,LOST",
                "symbol": "GOLD",
                "from": "2026-01-01T00:00:00Z",
            },
        ),
    ],
)
async def test_what_users_may_ask_for(bench: Bench, asked: dict[str, Any], told: dict[str, Any]) -> None:
    job = await bench.ask("POST", "/api/jobs", 202, json=asked)
    assert job["parameters"] == told
    stored = await bench.services.jobs.get(job["id"])
    assert stored.lane == (MARKET_LANE if asked["kind"] in {"scan", "settle"} else None), "one of the market at a time"


@SQLITE
@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"kind": "dance"}, ["'scan'", "'settle'", "'download_candles'", "'export'"]),
        ({}, ["kind"]),
        ({"kind": "scan", "pairs": []}, ["'pairs' is no parameter: scan takes instruments"]),
        ({"kind": "settle", "x": 1}, ["settle takes nothing"]),
        ({"kind": "scan", "instruments": ["EUR_USD"]}, ["GBP_USD, XAU_USD, USD_JPY"]),
        ({"kind": "scan", "instruments": []}, ["at least 1"]),
        ({"kind": "download_candles", "instruments": ["ABCDEF"]}, ["Must be one of"]),
        ({"kind": "download_candles", "days": 3, "from": "2026-01-01"}, ["give one of them"]),
        ({"kind": "download_candles", "from": "2027-01-01"}, ["no time between from and to"]),
        ({"kind": "download_candles", "from": "yesterday"}, ["is not a time"]),
        ({"kind": "export"}, ["noun"]),
        ({"kind": "export", "noun": "trades"}, ["'signals' or 'journal'"]),
        ({"kind": "export", "noun": "journal", "format": "xml"}, ["'ndjson' or 'csv'"]),
        ({"kind": "export", "noun": "signals", "status": "GONE"}, ["PENDING"]),
        ({"kind": "export", "noun": "journal", "status": "WON"}, ["status is no parameter of an export of journal"]),
        ({"kind": "export", "noun": "signals", "type": "BUY"}, ["type is no parameter of an export of signals"]),
        ({"kind": "export", "noun": "signals", "include": "screenshots"}, ["include is no parameter"]),
    ],
)
async def test_what_cannot_be_meant_is_refused_naming_what_there_is(
    bench: Bench, asked: dict[str, Any], words: list[str]
) -> None:
    problem = await bench.ask("POST", "/api/jobs", 422, json=asked)
    for word in words:
        assert word in json.dumps(problem["detail"])
    assert (await bench.get("/api/jobs"))["count"] == 0


async def test_a_job_asked_for_again_with_its_key_is_the_same_job(bench: Bench) -> None:
    headers = {"Idempotency-Key": "mine"}
    first, second = [await bench.client.post("/api/jobs", json=EXPORT, headers=headers) for _ in range(2)]
    assert first.json() == second.json()
    assert "idempotent-replayed" not in first.headers
    assert (second.headers["idempotent-replayed"], second.headers["location"]) == ("true", first.headers["location"])
    assert (await bench.get("/api/jobs"))["count"] == 1
    other = await bench.client.post("/api/jobs", json=EXPORT | {"noun": "signals"}, headers=headers)
    assert other.status_code == 422


async def test_an_unknown_job_is_named(bench: Bench) -> None:
    for method, path in (("GET", ""), ("GET", "/file"), ("POST", "/cancel")):
        problem = await bench.ask(method, f"/api/jobs/7{path}", 404)
        assert problem["detail"] == "There is no job 7"
        assert "GET /api/jobs" in problem["advice"]


async def test_jobs_are_listed_newest_first_page_by_page_and_filtered(bench: Bench) -> None:
    asked = [EXPORT, {"kind": "settle"}, {"kind": "scan"}, EXPORT, EXPORT]
    ids = [(await bench.ask("POST", "/api/jobs", 202, json=one))["id"] for one in asked]
    await bench.ask("POST", f"/api/jobs/{ids[3]}/cancel")

    async def listed(**query: object) -> list[int]:
        return [job["id"] for job in (await bench.get("/api/jobs", **query))["jobs"]]

    assert await listed() == ids[::-1]
    assert await listed(kind="export") == [ids[4], ids[3], ids[0]]
    assert await listed(kind="settle,scan") == [ids[2], ids[1]]
    assert await listed(status="cancelled") == [ids[3]]
    assert await listed(kind="export", status="queued,running") == [ids[4], ids[0]]
    assert await listed(kind="dance") == []
    found: list[int] = []
    target: str | None = "/api/jobs?kind=export&limit=2"
    while target:
        answer = await bench.client.get(target)
        found += [job["id"] for job in answer.json()["jobs"]]
        target = answer.links["next"]["url"] if "next" in answer.links else None
        assert (target is None) == (answer.json()["next"] is None)
    assert found == [ids[4], ids[3], ids[0]]
    problem = await bench.get("/api/jobs", 422, status="lost")
    assert problem["detail"] == "'lost' is no status of a job: they are queued, running, done, failed, cancelled"
    cursor = (await bench.get("/api/jobs", limit=1))["next"]
    await bench.get("/api/signals", 422, cursor=cursor)


async def test_a_job_is_cancelled_and_one_that_has_ended_stays_as_it_is(bench: Bench) -> None:
    job = await bench.ask("POST", "/api/jobs", 202, json=EXPORT)
    path = f"/api/jobs/{job['id']}/cancel"
    answer = await bench.ask("POST", path)
    assert (answer["message"], answer["job"]["status"]) == (f"Job {job['id']} is cancelled", "cancelled")
    answer = await bench.ask("POST", path)
    assert answer["message"] == f"Job {job['id']} had ended before: it is cancelled"
    problem = await bench.get(f"/api/jobs/{job['id']}/file", 404)
    assert problem["detail"] == f"Job {job['id']} is cancelled and made no file"

    running = await bench.ask("POST", "/api/jobs", 202, json=EXPORT)
    async with bench.services.database.write("jobs") as connection:
        assert await JobRepository(connection).claim(("export",), "me", 60.0)
    answer = await bench.ask("POST", f"/api/jobs/{running['id']}/cancel")
    assert answer["message"] == f"Job {running['id']} is asked to end"
    assert (answer["job"]["status"], answer["job"]["cancelling"]) == ("running", True)
    problem = await bench.get(f"/api/jobs/{running['id']}/file", 409)
    assert problem["detail"] == f"Job {running['id']} is running: its file is not whole yet"


async def some_entries(bench: Bench, count: int = 40) -> None:
    notes = [f"=no formula {Random(number).randbytes(1_000).hex()}" for number in range(count)]  # hardly compressed
    rows = [ENTRY | {"lots": 1 + number, "notes": note} for number, note in enumerate(notes)]
    await bench.ask("POST", "/api/journal/entries/bulk", json={"entries": rows})


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_the_file_of_an_export_is_what_the_export_streams(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, form: str
) -> None:
    monkeypatch.setattr(files, "PIECE", 200)
    monkeypatch.setattr(job_files, "_AT_ONCE", 500)
    await some_entries(bench)
    asked_for: list[tuple[str, dict[str, str]]] = [
        ("journal", {"symbol": "GBPUSD"}),
        ("journal", {"type": "buy", "from": "2026-03-01T00:00:00Z"}),
        ("signals", {"status": "WON"}),
    ]
    for noun, query in [("journal", {}), ("signals", {}), *asked_for]:
        asked = {"kind": "export", "noun": noun, "format": form, **query}
        async with at_work(bench) as ended:
            job = await ended(await bench.ask("POST", "/api/jobs", 202, json=asked))
        assert job["status"] == "done", job
        streamed = await bench.client.get(f"/api/{noun}/export", params={"format": form, **query})
        for coding in ("gzip", "identity", "br", "gzip;q=0"):
            sent = await bench.client.get(job["file"]["url"], headers={"Accept-Encoding": coding})
            assert sent.status_code == 200
            assert sent.content == streamed.content
            assert sent.headers["content-disposition"] == streamed.headers["content-disposition"]
            assert sent.headers["content-type"] == streamed.headers["content-type"]
            assert (sent.headers.get("content-encoding") == "gzip") == (coding == "gzip"), coding
            assert "accept-encoding" in sent.headers["vary"].lower()
        assert job["file"]["bytes"] == len(streamed.content)
        if noun == "journal":
            async with bench.services.database.read() as connection:
                assert await JobPieces(connection, job["id"]).count() > 2
        assert job["file"]["name"] == f"{noun}-2026-03-03.{form}"


@SQLITE
async def test_a_file_that_has_been_forgotten_is_gone_and_other_jobs_have_none(bench: Bench) -> None:
    async with at_work(bench) as ended:
        job = await ended(await bench.ask("POST", "/api/jobs", 202, json=EXPORT))
    async with bench.services.database.write("job_chunks") as connection:
        await connection.exec_driver_sql("DELETE FROM job_chunks")
    assert (await bench.get(job["file"]["url"], 404))["detail"] == f"The file of job {job['id']} is gone"
    other = await bench.ask("POST", "/api/jobs", 202, json={"kind": "settle"})
    problem = await bench.get(f"/api/jobs/{other['id']}/file", 404)
    assert problem["detail"] == f"Job {other['id']} is of kind settle, which makes no file"


async def test_without_background_work_the_answer_is_the_job_that_has_ended(bench: Bench) -> None:
    await some_entries(bench, 3)
    at_once(bench)
    answer = await bench.client.post("/api/jobs", json=EXPORT, headers={"Idempotency-Key": "mine"})
    assert (answer.status_code, answer.json()["status"]) == (200, "done")
    assert (await bench.client.get(answer.json()["file"]["url"])).text.count("\r\n") == 4
    again = await bench.client.post("/api/jobs", json=EXPORT, headers={"Idempotency-Key": "mine"})
    assert (again.status_code, again.json()) == (200, answer.json())
    taken = await bench.ask("POST", "/api/journal/import", content=json.dumps(ENTRY), headers=NDJSON)
    assert (taken["status"], taken["result"]) == ("done", {"created": 1})


async def test_without_background_work_what_fails_is_not_tried_again_behind_the_clients_back(bench: Bench) -> None:
    async def down(_: object) -> object:
        raise OSError("down")

    at_once(bench, TaskKind("export", down))
    job = await bench.ask("POST", "/api/jobs", 200, json=EXPORT)
    assert (job["status"], job["error"], job["attempts"]) == (FAILED, "Unexpected: OSError", 1)


async def exported(bench: Bench, noun: str, form: str) -> bytes:
    query = {"format": form} | ({"include": "screenshots"} if noun == "journal" else {})
    return bytes((await bench.client.get(f"/api/{noun}/export", params=query)).content)


def without(rows: list[dict[str, Any]], *names: str) -> list[dict[str, Any]]:
    return [{name: value for name, value in row.items() if name not in names} for row in rows]


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_a_journal_comes_back_as_it_was_exported(bench: Bench, form: str) -> None:
    rows = [
        ENTRY | {"openTime": "2026-03-02T08:15:42.5Z", "notes": "=SUM(1)\r\n'-x", "tags": "plan,news", "setup": "'=1"},
        ENTRY | {"exit": 1.3125, "sl": 1.309, "closeTime": "2026-03-02 11:40", "pl": -12.5, "session": "LONDON"},
        ENTRY | {"symbol": "DAX 40", "type": "SELL", "screenshots": {"exit": "data:" + "x" * 200_000}},
    ]
    await bench.ask("POST", "/api/journal/entries/bulk", json={"entries": rows})
    listed = (await bench.get("/api/journal/entries"))["entries"]
    file = await exported(bench, "journal", form)
    async with at_work(bench) as ended:
        headers = CSV if form == "csv" else NDJSON
        job = await ended(await bench.ask("POST", "/api/journal/import", 202, content=file, headers=headers))
    assert (job["status"], job["result"], job["error"]) == ("done", {"created": 3}, None)
    untold = ("id", "created_at", "updated_at")
    again = [one for one in (await bench.get("/api/journal/entries"))["entries"] if one["id"] > 3]
    assert without(again, *untold) == without(listed, *untold)


@pytest.mark.parametrize("form", ["csv", "ndjson"])
async def test_signals_come_back_with_their_time_status_end_and_source(bench: Bench, form: str) -> None:
    await bench.store(decided(), source="oanda-live")
    await bench.signal(status=Status.LOST, notes="-1", source="oanda-live", simulated=False)
    changes = [{"id": 1, "status": "WON", "exit_price": 1.2725, "actual_pnl": 41.5}]
    await bench.ask("PUT", "/api/signals/bulk", json={"signals": changes})
    await bench.signal(confidence_score=12.5, tags="a,b")
    listed = {one["id"]: one for one in (await bench.get("/api/signals"))["signals"]}
    file = await exported(bench, "signals", form)
    bench.clock.moment = NOW + 86_400
    async with at_work(bench) as ended:
        headers = CSV if form == "csv" else NDJSON
        job = await ended(await bench.ask("POST", "/api/signals/import", 202, content=file, headers=headers))
    assert (job["status"], job["result"]) == ("done", {"created": 3}), job
    kept = (
        *("timestamp", "symbol", "instrument", "direction", "entry", "stop_loss", "tp1", "confidence_score", "status"),
        *("exit_price", "outcome", "actual_pnl", "exit_time", "reasoning", "notes", "tags", "source", "simulated"),
    )
    again = {one["id"]: one for one in (await bench.get("/api/signals"))["signals"]}
    for number in (1, 2, 3):
        old, new = listed[number], again[number + 3]
        if number == 2:  # it said no end: it had it when it was made
            old["exit_time"], old["outcome"] = old["timestamp"], "LOSS"
        if old["source"] is None:
            old["source"], old["simulated"] = "sandbox", True
        assert {name: new[name] for name in kept} == {name: old[name] for name in kept}
        assert new["origin"] == "manual"


async def test_every_wrong_row_of_a_file_is_named_and_none_is_stored(bench: Bench) -> None:
    lines = [ENTRY, ENTRY | {"lots": "many"}, ENTRY | {"openTime": "never", "entry": -1}]
    text = "\n".join([*map(json.dumps, lines), "", "{not json", "[" * 40 + "]" * 40, "7"])
    async with at_work(bench) as ended:
        job = await ended(await bench.ask("POST", "/api/journal/import", 202, content=text, headers=NDJSON))
        assert (job["status"], job["error"]) == ("failed", "5 of 6 rows cannot be meant; nothing was stored")
        named = [(fault["row"], fault["loc"]) for fault in job["result"]["errors"]]
        assert named == [(1, ["lots"]), (2, ["openTime"]), (2, ["entry"]), (3, []), (4, []), (5, [])]
        assert job["result"]["created"] == 0
        table = (
            "symbol,direction,entry,stop_loss,tp1\r\nGBP_USD,BUY,1.31,1.308,1.314\r\n\r\nGBP_USD,BUY\r\nx,BUY,1,2,3\r\n"
        )
        job = await ended(await bench.ask("POST", "/api/signals/import", 202, content=table, headers=CSV))
    assert job["error"] == "2 of 3 rows cannot be meant; nothing was stored"
    assert {fault["row"] for fault in job["result"]["errors"]} == {1, 2}
    assert job["result"]["errors"][0]["msg"] == "It has 2 cells, and the head 5"
    assert (await bench.get("/api/journal/entries"))["total"] == 0
    assert (await bench.get("/api/signals"))["total"] == 0


@SQLITE
@pytest.mark.parametrize(
    ("content", "headers", "error"),
    [
        (b"\n".join([json.dumps(SIGNAL).encode()] * 10_001), NDJSON, "The file has more than 10,000 rows; split it"),
        (b"symbol,entry\r\n", CSV, "The file has no rows"),
        (b'symbol\r\n"x', CSV, "The file is no CSV: unexpected end of data, in line 2"),
        (b"symbol\r\n\xff\r\n", CSV, "The file is no UTF-8: invalid start byte at byte 8"),
    ],
)
async def test_what_is_no_such_file_fails_with_a_reason(
    bench: Bench, content: bytes, headers: dict[str, str], error: str
) -> None:
    async with at_work(bench) as ended:
        job = await ended(await bench.ask("POST", "/api/signals/import", 202, content=content, headers=headers))
    assert (job["status"], job["error"], job["attempts"]) == ("failed", error, 1)


@SQLITE
async def test_a_file_that_does_not_say_what_it_is_or_has_nothing_is_refused(bench: Bench) -> None:
    for headers in ({}, {"Content-Type": "application/json"}, {"Content-Type": "text/plain"}):
        problem = await bench.ask("POST", "/api/signals/import", 415, content=b"x", headers=headers)
        assert "text/csv or application/x-ndjson" in problem["detail"]
    assert (await bench.ask("POST", "/api/journal/import", 422, content=b" \n", headers=CSV))["detail"] == (
        "The file is empty"
    )
    long = await bench.client.post("/api/journal/import", content=b"x" * 11_000_000, headers=CSV)
    assert long.status_code == 413


@SQLITE
async def test_brackets_in_a_table_are_no_depth(bench: Bench) -> None:
    table = "openTime,symbol,type,lots,entry,notes\r\n" + "2026-03-02 08:15,GBPUSD,BUY,1,1.3,[open\r\n" * 50
    async with at_work(bench) as ended:
        job = await ended(await bench.ask("POST", "/api/journal/import", 202, content=table, headers=CSV))
    assert job["result"] == {"created": 50}


async def test_a_file_handed_in_again_with_its_key_is_taken_in_once(bench: Bench) -> None:
    headers = NDJSON | {"Idempotency-Key": "file"}
    async with at_work(bench) as ended:
        asked = [
            await bench.client.post("/api/journal/import", content=json.dumps(ENTRY), headers=headers) for _ in range(3)
        ]
        assert len({answer.json()["id"] for answer in asked}) == 1
        await ended(asked[0].json())
    assert (await bench.get("/api/journal/entries"))["total"] == 1


@SQLITE
async def test_a_reader_who_goes_away_in_the_middle_of_a_file_costs_nobody(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "PIECE", 100)
    await some_entries(bench, 400)
    async with at_work(bench) as ended:
        job = await ended(await bench.ask("POST", "/api/jobs", 202, json=EXPORT))
    async with bench.client.stream("GET", job["file"]["url"], headers={"Accept-Encoding": "gzip"}) as answer:
        body = b"".join([part async for part in answer.aiter_raw()])
    assert gzip.decompress(body).count(b"\r\n") == 401
    parts = job_files._pieces(bench.services.database, job["id"], 2)
    assert await anext(parts)
    await asyncio.gather(*(bench.get("/api/journal/entries?limit=1") for _ in range(20)))  # no connection is held
    await parts.aclose()  # type: ignore[attr-defined] - a generator
