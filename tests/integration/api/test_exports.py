"""Files of everything: the same rows as the lists, in constant memory, holding nothing between parts."""

import asyncio
import csv
import gc
import io
import json
import tracemalloc
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.api import exports
from alphaforge.core.cells import read_cell
from alphaforge.core.errors import DatabaseBusy
from alphaforge.signals.model import Direction, Status
from alphaforge.storage.engine import LONG_READERS, Database
from alphaforge.storage.exports import Export, Part, journal_export
from alphaforge.storage.journal import EntryCriteria, JournalRepository, NewEntry
from api_bench import NOW, SQLITE, Bench, decided


async def entry(bench: Bench, **changes: Any) -> int:
    fields: dict[str, Any] = {"open_time": NOW - 3600, "symbol": "GBPUSD", "trade_type": "BUY", "lots": 0.5}
    async with bench.services.database.write("journal_entries") as connection:
        return await JournalRepository(connection).create(NewEntry(**(fields | {"entry_price": 1.3} | changes)))


def journal_file(size: int) -> exports._File:
    export = journal_export(EntryCriteria(), size, pictures=False)
    return exports._File("journal", export, exports.entry_columns)


async def lines(bench: Bench, path: str, **params: Any) -> list[dict[str, Any]]:
    answer = await bench.client.get(path, params=params)
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"] == "application/x-ndjson"
    return [json.loads(line) for line in answer.content.splitlines()]


async def table(bench: Bench, path: str, **params: Any) -> list[dict[str, str]]:
    answer = await bench.client.get(path, params={"format": "csv", **params})
    assert answer.status_code == 200, answer.text
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


async def test_every_signal_is_a_line_in_the_shape_of_the_list(bench: Bench) -> None:
    await bench.store(decided())
    for number in range(7):
        await bench.signal(created_at=NOW - 1000 * number, confidence_score=number / 3, notes=None)
    listed = (await bench.get("/api/signals"))["signals"]
    assert await lines(bench, "/api/signals/export") == sorted(listed, key=lambda one: one["id"])


async def test_every_entry_is_a_line_in_the_shape_of_the_list_without_its_pictures(bench: Bench) -> None:
    for number in range(5):
        await entry(bench, open_time=NOW - 60 * number, pips=0.1 + 0.2, screenshot_exit="data:x")
    listed = sorted((await bench.get("/api/journal/entries"))["entries"], key=lambda one: one["id"])
    pictures = ("screenshot_entry", "screenshot_exit", "screenshot_analysis")
    bare = [{name: value for name, value in one.items() if name not in pictures} for one in listed]
    assert await lines(bench, "/api/journal/export") == bare
    full = await lines(bench, "/api/journal/export", include="screenshots")
    assert [one["screenshot_exit"] for one in full] == ["data:x"] * 5
    assert [{name: one[name] for name in bare[0]} for one in full] == bare


async def test_a_table_has_the_columns_of_the_lines_and_its_numbers_read_back(bench: Bench) -> None:
    await entry(bench, pips=-0.30000000000000004, notes='two\r\nlines, "quoted"', duration_minutes=5)
    (row,), (line,) = await table(bench, "/api/journal/export"), await lines(bench, "/api/journal/export")
    assert list(row) == list(line)
    assert {name: row[name] for name in ("pips", "notes", "pl")} == {
        "pips": "-0.30000000000000004",
        "notes": 'two\r\nlines, "quoted"',
        "pl": "",
    }
    await bench.signal(notes="=HYPERLINK(1)")
    (row,), (line,) = await table(bench, "/api/signals/export"), await lines(bench, "/api/signals/export")
    assert list(row) == list(line)
    assert (row["notes"], line["notes"], float(row["entry"])) == ("'=HYPERLINK(1)", "=HYPERLINK(1)", line["entry"])


@pytest.mark.parametrize("noun", ["signals", "journal"])
async def test_the_file_is_named_by_noun_and_day_and_is_never_kept(bench: Bench, noun: str) -> None:
    answer = await bench.client.get(f"/api/{noun}/export")
    assert answer.headers["content-disposition"] == f'attachment; filename="{noun}-2026-03-03.ndjson"'
    assert (answer.content, answer.headers["x-cache"]) == (b"", "bypass")
    answer = await bench.client.get(f"/api/{noun}/export?format=csv")
    assert answer.headers["content-disposition"] == f'attachment; filename="{noun}-2026-03-03.csv"'
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.startswith("id,")
    assert answer.text.endswith("\r\n")


async def test_filters_are_those_of_the_lists(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    for number in range(12):
        await bench.signal(
            instrument=("GBP_USD", "XAU_USD")[number % 2],
            status=(Status.WON, Status.LOST, Status.PENDING)[number % 3],
            created_at=NOW - 600 * number,
            direction=(Direction.BUY, Direction.SELL)[number // 6],
            confidence_score=(None, 50.0, 80.0)[number % 3],
        )
    for filters in (
        {"status": "WON"},
        {"status": "WON,LOST"},
        {"symbol": "gold"},
        {"direction": "sell"},
        {"min_confidence": "80", "direction": "BUY"},
        {"from": "2026-03-03T09:00:00Z"},
        {"to": "2026-03-03T09:00:00Z", "symbol": "GBPUSD", "status": "PENDING"},
    ):
        listed = (await bench.get("/api/signals", **filters))["signals"]
        assert 0 < len(listed) < 12
        assert await lines(bench, "/api/signals/export", **filters) == sorted(listed, key=lambda one: one["id"])


async def test_the_journals_filters_are_those_of_its_list(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    followed = await bench.signal(instrument="GBP_USD")
    for number in range(12):
        await entry(
            bench,
            open_time=NOW - 600 * number,
            trade_type=("BUY", "SELL")[number % 2],
            outcome=("WIN", "LOSS", None)[number % 3],
            session=("LONDON", None)[number % 2],
            trade_setup=("Pullback", "breakout")[number % 2],
            tags=("late, news", "newsroom", "50%")[number % 3],
            signal_id=followed if number < 3 else None,
        )
    for filters in (
        {"type": "SELL"},
        {"direction": "buy", "outcome": "win"},
        {"session": "London"},
        {"setup": "PULLBACK"},
        {"tag": "News"},
        {"tag": "50%"},
        {"signal_id": str(followed)},
        {"from": "2026-03-03T09:00:00Z", "tag": "news", "symbol": "gbp/usd"},
    ):
        listed = (await bench.get("/api/journal/entries", exclude="screenshots", **filters))["entries"]
        assert 0 < len(listed) < 12, filters
        assert await lines(bench, "/api/journal/export", **filters) == sorted(listed, key=lambda one: one["id"])
    refused = await bench.client.get("/api/journal/export", params={"type": "BUY", "direction": "SELL"})
    assert refused.status_code == 422


async def test_the_journals_symbol_is_found_in_every_spelling_that_it_was_written_in(bench: Bench) -> None:
    wanted = [await entry(bench, symbol=symbol) for symbol in ("XAUUSD", "GOLD", "XAU/USD")]
    other = await entry(bench, symbol="EURUSD", open_time=NOW - 86_400)
    free = await entry(bench, symbol="DAX 40")
    for spelling in ("gold", "XAU_USD", "xau/usd"):
        assert [one["id"] for one in await lines(bench, "/api/journal/export", symbol=spelling)] == wanted
    assert [one["id"] for one in await lines(bench, "/api/journal/export", symbol="dax 40")] == [free]
    assert [one["id"] for one in await lines(bench, "/api/journal/export", to="2026-03-03")] == [other]


@SQLITE
@pytest.mark.parametrize(
    "query", ["format=xml", "status=GONE", "symbol=%00", "from=never", "include=everything", "format="]
)
async def test_what_cannot_be_meant_is_refused_before_a_line_is_sent(bench: Bench, query: str) -> None:
    answer = await bench.client.get(
        f"/api/signals/export?{query}" if "inc" not in query else f"/api/journal/export?{query}"
    )
    assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json")


async def test_no_more_than_a_part_is_held_and_nothing_between_parts(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 10)
    for number in range(95):
        await entry(bench, lots=1.0 + number)
    reads, parts = _watched(bench.services.database, monkeypatch)
    bodies = []
    async with bench.client.stream("GET", "/api/journal/export") as answer:
        bodies = [body async for body in answer.aiter_bytes()]
    assert [len(part.rows) for part in parts] == [10] * 9 + [5]
    assert reads == [1] * (1 + len(parts) + 1), "a transaction a part, one at a time: the bounds, the parts, the end"
    assert len(b"".join(bodies).splitlines()) == 95


async def test_many_exports_at_once_leave_connections_to_short_answers(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 3)
    for _ in range(10):
        await entry(bench)
    reads, _ = _watched(bench.services.database, monkeypatch)
    files = await asyncio.gather(*(lines(bench, "/api/journal/export") for _ in range(6)))
    assert [len(file) for file in files] == [10] * 6
    assert max(reads) == LONG_READERS


def _watched(database: Database, monkeypatch: pytest.MonkeyPatch) -> tuple[list[int], list[Part]]:
    """How many transactions are open whenever one begins, and the parts that were read."""
    open_now: set[object] = set()
    reads: list[int] = []
    parts: list[Part] = []
    usual_read, usual_part = Database.read, exports.read_part

    @asynccontextmanager
    async def read(self: Database) -> AsyncIterator[Any]:
        async with usual_read(self) as connection:
            open_now.add(connection)
            reads.append(len(open_now))
            yield connection
            open_now.discard(connection)

    async def read_part(connection: Any, export: Export, after: int, until: int) -> Part | None:
        part = await usual_part(connection, export, after, until)
        if part is not None:
            parts.append(part)
        return part

    monkeypatch.setattr(Database, "read", read)
    monkeypatch.setattr(exports, "read_part", read_part)
    return reads, parts


async def test_what_is_written_meanwhile_neither_doubles_nor_hides_a_row(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 2)
    ids = [await entry(bench, open_time=NOW - 60 * number) for number in range(8)]
    database = bench.services.database
    seen: list[int] = []
    async for written, _ in exports._parts(database, journal_file(2), exports.Form.NDJSON):
        seen += [json.loads(line)["id"] for line in written.splitlines()]
        async with database.write("journal_entries") as connection:
            journal = JournalRepository(connection)
            await journal.update(ids[0], {"open_time": NOW + 1000 + len(seen)})
            await journal.update(ids[-1], {"open_time": NOW - 1_000_000})
            if len(seen) == 4:
                await journal.delete(ids[4])
        await entry(bench)
    assert seen == [*ids[:4], *ids[5:]]


@SQLITE
async def test_a_busy_database_is_asked_again_rather_than_half_a_file_sent(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exports, "PAGE", 1)
    monkeypatch.setattr(exports, "_PAUSES", (0.0, 0.0))
    for _ in range(3):
        await entry(bench)
    failures = _failing(bench.services.database, monkeypatch, at=[2, 3, 5])
    assert len(await lines(bench, "/api/journal/export")) == 3
    assert next(failures, None) is None
    _failing(bench.services.database, monkeypatch, at=[1])
    assert (await bench.client.get("/api/journal/export")).status_code == 503, "nothing was sent yet"


def _failing(database: Database, monkeypatch: pytest.MonkeyPatch, at: list[int]) -> Iterator[int]:
    """Reading fails at these attempts, counted from 1; what is left of them when it is over."""
    usual, left, attempts = Database.read, iter(at), [0]
    due = [next(left)]

    @asynccontextmanager
    async def read(self: Database) -> AsyncIterator[Any]:
        attempts[0] += 1
        if attempts[0] == due[0]:
            due[0] = next(left, 0)
            raise DatabaseBusy("not now")
        async with usual(self) as connection:
            yield connection

    monkeypatch.setattr(Database, "read", read)
    return left


_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
_numbers = st.none() | st.floats(-1e11, 1e11)


@SQLITE
@given(
    rows=st.lists(
        st.fixed_dictionaries({"notes": st.none() | _texts, "trade_setup": st.none() | _texts, "pips": _numbers}),
        max_size=7,
    )
)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_lines_and_cells_read_back_as_what_was_stored(bench: Bench, rows: list[dict[str, Any]]) -> None:
    async with bench.services.database.write("journal_entries") as connection:
        journal = JournalRepository(connection)
        for old in await journal.page():
            await journal.delete(old["id"])
        await journal.create_many([NewEntry(NOW, "GBPUSD", "BUY", 1.0, 1.3, **row) for row in rows])
    names = {"notes": "notes", "setup": "trade_setup", "pips": "pips"}
    written = await lines(bench, "/api/journal/export")
    assert [{name: one[short] for short, name in names.items()} for one in written] == rows
    for cells, row in zip(await table(bench, "/api/journal/export"), rows, strict=True):
        assert (float(cells["pips"]) if cells["pips"] else None) == row["pips"]
        for short in ("notes", "setup"):
            text, stored = cells[short], row[names[short]] or ""
            assert text in (stored, f"'{stored}")
            assert text == stored or stored
            assert read_cell(text) == stored


@SQLITE
async def test_a_reader_who_takes_his_time_costs_no_more_than_the_bytes_that_wait_for_him(bench: Bench) -> None:
    for number in range(300):
        await entry(bench, open_time=NOW - 60 * number)
    read = partial(exports._parts, bench.services.database, journal_file(500), exports.Form.NDJSON)
    assert [part.count(b"\n") async for part, _ in read()] == [300]  # what is made once is there after this
    parts = read()
    tracemalloc.start()
    try:
        written, _ = await anext(parts)
        await asyncio.sleep(0)  # what woke this test is let go
        gc.collect()
        held = sum(one.size for one in tracemalloc.take_snapshot().statistics("filename"))
    finally:
        tracemalloc.stop()
    assert written.count(b"\n") == 300
    assert held < 2 * len(written), "as much as the encoder takes for them; with the rows it were three times"
    await parts.aclose()  # type: ignore[attr-defined] - a generator
