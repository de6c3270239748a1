"""Many rows in one request: all of them or none, each error named."""

import asyncio
import signal
import sys
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event, func, select

from alphaforge.api.schemas.bulk import MOST_ROWS
from alphaforge.signals.model import Status
from alphaforge.storage.engine import Database
from alphaforge.storage.tables import idempotent_answers, journal, signals
from api_bench import NOW, SQLITE, Bench

SIGNAL = {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314}
ENTRY = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31}
SIGNALS, ENTRIES = "/api/signals/bulk", "/api/journal/entries/bulk"


async def counted(database: Database) -> tuple[int, int, int]:
    """Signals, entries, kept answers."""
    async with database.read() as connection:
        tables = (signals, journal, idempotent_answers)
        one, two, three = [await connection.scalar(select(func.count()).select_from(table)) for table in tables]
        return one, two, three


async def test_many_signals_are_stored_as_each_would_be_alone(bench: Bench) -> None:
    rows = [SIGNAL, SIGNAL | {"symbol": "gold", "notes": "x", "tp2": 1.4}, SIGNAL | {"confidence_score": 70}]
    created = await bench.ask("POST", SIGNALS, json={"signals": rows})
    assert (created["success"], created["created"], len(created["ids"])) == (True, 3, 3)
    for number, row in zip(created["ids"], rows, strict=True):
        alone = (await bench.ask("POST", "/api/signals", json=row))["signal"]
        assert (await bench.get(f"/api/signals/{number}"))["signal"] == alone | {"id": number}


async def test_many_entries_are_stored_as_each_would_be_alone(bench: Bench) -> None:
    rows = [ENTRY, ENTRY | {"exit": 1.3, "sl": 1.309}, ENTRY | {"pl": -4, "screenshots": {"exit": "data:x"}}]
    created = await bench.ask("POST", ENTRIES, json={"entries": rows})
    untold = ("id", "created_at", "updated_at")
    for number, row in zip(created["ids"], rows, strict=True):
        alone = (await bench.ask("POST", "/api/journal/entries", json=row))["journal_entry"]
        entry = await bench.get(f"/api/journal/entries/{number}")
        assert {key: entry[key] for key in entry if key not in untold} == {
            key: alone[key] for key in alone if key not in untold
        }


@pytest.mark.parametrize(
    ("path", "noun", "row", "wrong"),
    [
        (SIGNALS, "signals", SIGNAL, {"entry": -1}),
        (SIGNALS, "signals", SIGNAL, {"symbol": "?"}),
        (ENTRIES, "entries", ENTRY, {"lots": "many"}),
        (ENTRIES, "entries", ENTRY, {"openTime": "yesterday"}),
    ],
)
async def test_one_wrong_row_and_nothing_is_stored(
    bench: Bench, path: str, noun: str, row: dict[str, Any], wrong: dict[str, Any]
) -> None:
    problem = await bench.ask("POST", path, 422, json={noun: [row] * 700 + [row | wrong] + [row] * 9})
    assert problem["type"] == "urn:alphaforge:problem:invalid-rows"
    assert problem["detail"] == "1 of 710 rows cannot be meant; nothing was stored"
    (fault,) = problem["errors"]
    assert (fault["row"], fault["loc"]) == (700, list(wrong))
    assert fault["msg"]
    assert await counted(bench.services.database) == (0, 0, 0)


@SQLITE
async def test_every_wrong_row_is_named_and_no_more_than_a_thousand(bench: Bench) -> None:
    rows: list[Any] = [SIGNAL, 7, SIGNAL | {"entry": None, "tp1": "x"}, None, SIGNAL | {"stop_loss": 1.5}, [], {}]
    problem = await bench.ask("POST", SIGNALS, 422, json={"signals": rows})
    assert sorted({fault["row"] for fault in problem["errors"]}) == [1, 2, 3, 4, 5, 6]
    assert {tuple(fault["loc"]) for fault in problem["errors"] if fault["row"] == 2} == {("entry",), ("tp1",)}
    assert [fault["msg"] for fault in problem["errors"] if fault["row"] == 4] == [
        "stop_loss must lie below entry for a BUY"
    ]
    problem = await bench.ask("POST", SIGNALS, 422, json={"signals": [7] * 1_001})
    assert len(problem["errors"]) == 1_000
    assert problem["detail"].startswith("1001 of 1001 rows")
    assert "1000 of 1001" in problem["advice"]


@SQLITE
@pytest.mark.parametrize("method", ["POST", "PUT"])
@pytest.mark.parametrize(("path", "noun"), [(SIGNALS, "signals"), (ENTRIES, "entries")])
async def test_what_is_no_list_of_at_most_ten_thousand_is_refused(
    bench: Bench, method: str, path: str, noun: str
) -> None:
    for body in ({}, [], {noun: None}, {noun: []}, {noun: {}}, {noun: "x"}, {"rows": [1]}):
        assert (await bench.ask(method, path, 422, json=body))["detail"]
    problem = await bench.ask(method, path, 422, json={noun: [0] * (MOST_ROWS + 1)})
    assert str(MOST_ROWS) in problem["detail"][0]["msg"]


@SQLITE
@pytest.mark.parametrize("name", ["x" * 500, "\\ud800" + "x" * 500])
async def test_a_field_that_a_client_invented_is_named_in_short_and_safely(bench: Bench, name: str) -> None:
    body = f'{{"signals": [{{"id": 1, "{name}": 1}}]}}'
    headers = {"content-type": "application/json"}
    problem = await bench.ask("PUT", SIGNALS, 422, content=body.encode(), headers=headers)
    (fault,) = problem["errors"]
    assert fault["row"] == 0
    assert fault["msg"]
    assert [len(part) for part in fault["loc"]] in ([100], [])


@pytest.mark.parametrize("status", list(Status))
@pytest.mark.parametrize("before", [Status.PENDING, Status.WON])
async def test_a_status_of_many_is_the_status_of_one(bench: Bench, before: Status, status: Status) -> None:
    one, other = await bench.signal(), await bench.signal()
    for number in (one, other):
        await bench.ask("PUT", f"/api/signals/{number}/status", params={"status": before, "exit_price": 1.2})
    bench.clock.moment += 60
    alone = await bench.ask("PUT", f"/api/signals/{one}/status", params={"status": status})
    assert await bench.ask("PUT", SIGNALS, json={"signals": [{"id": other, "status": status.value.lower()}]}) == {
        "success": True,
        "updated": 1,
    }
    assert (await bench.get(f"/api/signals/{other}"))["signal"] == alone["signal"] | {"id": other}


async def test_what_is_not_given_of_a_signal_stays(bench: Bench) -> None:
    ids = [await bench.signal(notes="old", tags="a") for _ in range(3)]
    rows = [{"id": ids[0], "notes": "new"}, {"id": ids[1], "tags": None, "status": "WON", "exit_price": 1.5}]
    assert (await bench.ask("PUT", SIGNALS, json={"signals": [*rows, {"id": ids[2], "actual_pnl": -3}]}))[
        "updated"
    ] == 3
    found = [(await bench.get(f"/api/signals/{number}"))["signal"] for number in ids]
    assert [(one["notes"], one["tags"], one["status"], one["exit_price"], one["actual_pnl"]) for one in found] == [
        ("new", "a", "PENDING", None, None),
        ("old", None, "WON", 1.5, None),
        ("old", "a", "PENDING", None, -3.0),
    ]
    assert found[1]["exit_time"]
    assert found[0]["exit_time"] is None


async def test_many_entries_change_as_each_would_alone(bench: Bench) -> None:
    rows = [ENTRY | {"notes": "n", "screenshots": {"exit": "data:x"}}] * 3
    many = (await bench.ask("POST", ENTRIES, json={"entries": rows}))["ids"]
    alone = (await bench.ask("POST", ENTRIES, json={"entries": rows}))["ids"]
    changes = [
        {"exit": 1.3125, "sl": 1.309},
        {"notes": None, "screenshot_entry": "data:y"},
        {"closeTime": "2026-03-02 09:00"},
    ]
    body = {"entries": [{"id": number} | change for number, change in zip(many, changes, strict=True)]}
    assert (await bench.ask("PUT", ENTRIES, json=body))["updated"] == 3
    for number, other, change in zip(many, alone, changes, strict=True):
        changed = (await bench.ask("PUT", f"/api/journal/entries/{other}", json=change))["journal_entry"]
        entry = await bench.get(f"/api/journal/entries/{number}")
        assert entry == changed | {name: entry[name] for name in ("id", "created_at", "updated_at")}
        assert entry["updated_at"] > entry["created_at"]


async def test_changes_of_what_is_not_there_or_twice_or_backwards_are_all_named_and_none_is_made(bench: Bench) -> None:
    one, two = (await bench.ask("POST", ENTRIES, json={"entries": [ENTRY, ENTRY]}))["ids"]
    rows = [{"id": one, "notes": "x"}, {"id": 999, "notes": "x"}, {"id": two, "closeTime": "2026-03-01"}, {"id": one}]
    problem = await bench.ask("PUT", ENTRIES, 422, json={"entries": rows})
    assert [(fault["row"], fault["loc"], fault["msg"]) for fault in problem["errors"]] == [
        (1, ["id"], "There is no entry 999"),
        (2, ["closeTime"], "closeTime lies before openTime"),
        (3, ["id"], "Row 0 changes this entry already"),
    ]
    assert (await bench.get(f"/api/journal/entries/{one}"))["notes"] is None
    signal_id = await bench.signal()
    problem = await bench.ask("PUT", SIGNALS, 422, json={"signals": [{"id": signal_id, "notes": "x"}, {"id": 999}]})
    assert [fault["row"] for fault in problem["errors"]] == [1]
    for wrong in ({"id": signal_id, "status": None}, {"id": signal_id, "entry": 1.0}, {"id": "1"}, {"notes": "x"}):
        assert (await bench.ask("PUT", SIGNALS, 422, json={"signals": [wrong]}))["errors"][0]["row"] == 0
    assert (await bench.get(f"/api/signals/{signal_id}"))["signal"]["notes"] is None


_money = st.none() | st.integers(-500, 500).map(float)
_trade = st.fixed_dictionaries({"pl": _money, "pips": _money, "r": _money})


@given(new=st.lists(_trade, min_size=1, max_size=6), changes=st.lists(st.tuples(st.integers(0, 5), _trade), max_size=6))
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_the_journals_figures_follow_bulk_writes(
    bench: Bench, new: list[dict[str, Any]], changes: list[tuple[int, dict[str, Any]]]
) -> None:
    for row in (await bench.get("/api/journal/entries"))["entries"]:
        await bench.ask("DELETE", f"/api/journal/entries/{row['id']}")
    ids = (await bench.ask("POST", ENTRIES, json={"entries": [ENTRY | row for row in new]}))["ids"]
    rows = list({number: {"id": ids[number % len(ids)]} | row for number, row in changes if number < len(ids)}.values())
    if rows:
        await bench.ask("PUT", ENTRIES, json={"entries": rows})
    entries = (await bench.get("/api/journal/entries"))["entries"]
    figures = await bench.get("/api/journal/statistics")
    assert figures["total_trades"] == len(entries) == len(ids)
    assert figures["wins"] == sum(one["outcome"] == "WIN" for one in entries)
    assert figures["losses"] == sum(one["outcome"] == "LOSS" for one in entries)
    assert figures["total_pnl"] == sum(one["pl"] or 0 for one in entries)
    assert figures["total_pips"] == sum(one["pips"] or 0 for one in entries)
    ratios = [one["r"] for one in entries if one["r"]]
    assert figures["avg_r"] == (round(sum(ratios) / len(ratios), 2) if ratios else 0)


async def test_the_journals_figures_stay_right_while_others_write(bench: Bench) -> None:
    ids = (await bench.ask("POST", ENTRIES, json={"entries": [ENTRY | {"pl": 1}] * 700}))["ids"]
    changes = {"entries": [{"id": number, "pl": -2} for number in ids[:600]]}
    work = [
        bench.ask("POST", ENTRIES, json={"entries": [ENTRY | {"pl": 10}] * 600}),
        *(bench.ask("POST", "/api/journal/entries", json=ENTRY | {"pl": 5}) for _ in range(5)),
        bench.ask("PUT", ENTRIES, json=changes),
        *(bench.ask("PUT", f"/api/journal/entries/{number}", json={"pl": 3}) for number in ids[650:655]),
        *(bench.ask("DELETE", f"/api/journal/entries/{number}") for number in ids[660:665]),
        bench.ask("POST", ENTRIES, json={"entries": [ENTRY | {"pl": 20}] * 600}),
    ]
    await asyncio.gather(*work)
    figures = await bench.get("/api/journal/statistics")
    assert figures["total_trades"] == 700 + 600 + 5 - 5 + 600
    assert figures["total_pnl"] == -2 * 600 + 90 + 5 * 3 + 600 * 10 + 5 * 5 + 600 * 20
    assert (figures["wins"], figures["losses"]) == (90 + 5 + 600 + 5 + 600, 600)


async def test_the_number_of_statements_does_not_grow_with_the_rows(bench: Bench) -> None:
    statements = await _statements(bench, 450)
    assert await _statements(bench, 20) == statements
    assert statements <= 15


async def _statements(bench: Bench, rows: int) -> int:
    """How many statements it takes to make and to change so many entries, each change of other fields."""
    made: list[str] = []
    writer = bench.services.database._writer
    assert writer

    def note(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        made.append(statement)

    fields = ("pl", "pips", "mae", "mfe", "r")
    event.listen(writer, "before_cursor_execute", note)
    try:
        ids = (await bench.ask("POST", ENTRIES, json={"entries": [ENTRY] * rows}))["ids"]
        changes = [{"id": one} | {name: 1 for bit, name in enumerate(fields) if one >> bit & 1} for one in ids]
        await bench.ask("PUT", ENTRIES, json={"entries": changes})
    finally:
        event.remove(writer, "before_cursor_execute", note)
    return len(made)


_DYING = """
import asyncio, os, signal, sys
from alphaforge.api.encoding import json_answer
from alphaforge.api.idempotency import Once
from alphaforge.signals.model import Direction
from alphaforge.storage import bulk
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.signals import NewSignal
bulk.BATCH = 100
usual, calls = JournalRepository.create_many, []
async def create_many(self, entries):
    calls.append(len(entries))
    ids = await usual(self, entries)
    if len(calls) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)
    return ids
JournalRepository.create_many = create_many
async def main():
    database = await Database.open(sys.argv[1])
    async def work(connection):
        await bulk.create_signals(connection, [NewSignal("GBP_USD", Direction.BUY, 1.31, 1.3, 1.32, 0.0)] * 1_000)
        return json_answer(await bulk.create_entries(connection, [NewEntry(0.0, "GBPUSD", "BUY", 1.0, 1.0)] * 1_000))
    await Once(database, "key", "digest").write("journal_entries", work)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_killed_in_the_middle_none_of_it_is_there_and_killed_after_it_all_of_it(database_url: str) -> None:
    for dies_at, rows in ((7, 0), (11, 1_000)):
        process = await asyncio.create_subprocess_exec(sys.executable, "-c", _DYING, database_url, str(dies_at))
        assert await process.wait() == -signal.SIGKILL
        database = await Database.open(database_url)
        assert await counted(database) == (rows, rows, 1 if rows else 0)
        await database.close()


async def test_an_empty_change_is_made_and_changes_only_when(bench: Bench) -> None:
    number = await bench.signal()
    before = (await bench.get(f"/api/signals/{number}"))["signal"]
    await bench.ask("PUT", SIGNALS, json={"signals": [{"id": number}]})
    after = (await bench.get(f"/api/signals/{number}"))["signal"]
    assert after == before | {"updated_at": after["updated_at"]}
    assert after["updated_at"] == "2026-03-03T10:02:30Z", NOW
