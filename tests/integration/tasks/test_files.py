"""Files that jobs write and take in, whatever breaks on the way: whole or not at all, and once."""

import asyncio
import gzip
import tracemalloc
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random
from typing import Any

import pytest

from alphaforge.core.errors import Conflict, InvalidInput, InvalidRows, MarketUnavailable
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.job_pieces import GIVEN, JobPieces, packed, prune_pieces
from alphaforge.storage.jobs import CANCELLED, DONE, FAILED, RUNNING, JobRepository
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.tasks import engine as engine_module
from alphaforge.tasks import files
from alphaforge.tasks.files import file_kinds
from alphaforge.tasks.job_board import JobBoard
from alphaforge.tasks.kinds import Running, TaskKind
from api_bench import NOW
from engines import SOON, begun, working

PARTS = [Random(number).randbytes(60_000) for number in range(8)]
"""What cannot be compressed, so that pieces are stored on the way."""
WHOLE = b"".join(PARTS)


async def nothing(_: int) -> None:
    """Nothing happens on the way."""


@dataclass
class FakeFile:
    """A file of eight parts. `on_the_way` is told the number of each before it comes."""

    on_the_way: Callable[[int], Awaitable[None]] = nothing
    name: str = "file.txt"
    media_type: str = "text/plain"

    async def parts(self) -> AsyncIterator[tuple[bytes, float]]:
        for number, part in enumerate(PARTS):
            await self.on_the_way(number)
            yield part, (number + 1) / len(PARTS)


@dataclass
class FakeRows:
    """As many entries as there are lines. `on_the_way` comes before they are stored, in the same transaction."""

    count: int
    on_the_way: Callable[[], Awaitable[None]]
    table: str = "journal_entries"

    async def store(self, connection: AsyncConnection) -> None:
        await self.on_the_way()
        entry = NewEntry(NOW, "GBPUSD", "BUY", 1.0, 1.3)
        await JournalRepository(connection).create_many([entry] * self.count)


@dataclass
class Desk:
    """How files are written and taken in here; what happens on the way is for each test to say."""

    database: Database
    on_the_way: Callable[[int], Awaitable[None]] = nothing
    checked: Callable[[], Awaitable[None]] = field(default=lambda: nothing(0))
    storing: Callable[[], Awaitable[None]] = field(default=lambda: nothing(0))

    @property
    def kinds(self) -> tuple[TaskKind, ...]:
        async def export_of(_: Mapping[str, Any]) -> FakeFile:
            return FakeFile(self.on_the_way)

        async def rows_of(_: Mapping[str, Any], content: bytes) -> FakeRows:
            if b"wrong" in content:
                raise InvalidRows("1 of 2 rows cannot be meant", [{"row": 1, "loc": ["lots"], "msg": "no number"}])
            if b"picture" in content:
                raise InvalidInput("The file is no table")
            await self.checked()
            return FakeRows(len(content.splitlines()), self.storing)

        return tuple(
            TaskKind(one.name, one.run, pauses=(0.01,)) for one in file_kinds(self.database, export_of, rows_of)
        )

    @property
    def importing(self) -> TaskKind:
        return self.kinds[1]

    async def ask_import(self, content: bytes = b"a\nb\nc") -> int:
        async with self.database.write("jobs") as connection:
            number = await JobRepository(connection).add("import", {})
            assert number is not None
            await JobPieces(connection, number).put(GIVEN, packed(content))
        return number

    async def pieces(self, job_id: int) -> list[bytes]:
        async with self.database.read() as connection:
            pieces = JobPieces(connection, job_id)
            return [await pieces.get(number) or b"" for number in range(await pieces.count())]

    async def entries(self) -> int:
        async with self.database.read() as connection:
            return len(await JournalRepository(connection).page())


@pytest.fixture
def desk(database: Database, monkeypatch: pytest.MonkeyPatch) -> Desk:
    monkeypatch.setattr(files, "PIECE", 100_000)
    return Desk(database)


async def written(desk: Desk, board: JobBoard) -> int:
    """A file that is written to its end; answers its job."""
    done = await board.ended((await board.ask("export", {})).id, SOON)
    assert (done.status, done.progress) == (DONE, 1.0)
    assert done.result == {"name": "file.txt", "media_type": "text/plain", "bytes": len(WHOLE)}
    pieces = await desk.pieces(done.id)
    assert len(pieces) > 3
    assert gzip.decompress(b"".join(pieces)) == WHOLE
    return done.id


async def test_a_file_is_kept_in_pieces(desk: Desk) -> None:
    async with working(desk.database, *desk.kinds) as board:
        await written(desk, board)


async def test_a_file_that_broke_off_is_written_from_its_beginning(desk: Desk) -> None:
    breaks = iter([3, 7])

    async def on_the_way(number: int) -> None:
        nonlocal at
        if number == at:
            at = next(breaks, None)
            raise MarketUnavailable("the database went away")

    at: int | None = next(breaks)
    desk.on_the_way = on_the_way
    async with working(desk.database, *desk.kinds) as board:
        number = await written(desk, board)
        assert (await board.get(number)).attempts == 3


async def test_a_file_that_is_cancelled_leaves_nothing_behind(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.01)
    reached = asyncio.Event()

    async def on_the_way(number: int) -> None:
        if number == 5:
            reached.set()
            await asyncio.Event().wait()

    desk.on_the_way = on_the_way
    async with working(desk.database, *desk.kinds) as board:
        job = await board.ask("export", {})
        await reached.wait()
        assert await desk.pieces(job.id)
        await board.cancel(job.id)
        done = await board.ended(job.id, SOON)
    assert (done.status, done.result) == (CANCELLED, None)
    assert 0 < (done.progress or 0) < 1
    assert await desk.pieces(job.id) == []


async def test_a_file_of_a_process_that_was_killed_is_written_anew_and_by_nobody_else(desk: Desk) -> None:
    (exporting, _), database = desk.kinds, desk.database
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def on_the_way(number: int) -> None:
        if number == 5 and not reached.is_set():
            reached.set()
            await go_on.wait()

    desk.on_the_way = on_the_way
    async with database.write("jobs") as connection:
        number = await JobRepository(connection).add("export", {})
    assert number is not None
    frozen = asyncio.create_task(exporting.run(Running(await begun(database, exporting, number))))
    await reached.wait()
    async with database.write("job_chunks") as connection:
        await JobPieces(connection, number).put(20, b"of a longer file")
    async with working(database, *desk.kinds) as board:
        done = await board.ended(number, SOON)
        assert (done.status, done.attempts) == (DONE, 2)
        go_on.set()
        with pytest.raises(Conflict):  # it was only slow, and its job is another's
            await frozen
    pieces = await desk.pieces(number)
    assert all(pieces), "nothing is left of the first attempt"
    assert gzip.decompress(b"".join(pieces)) == WHOLE


async def test_rows_are_stored_once_and_their_file_is_let_go(desk: Desk) -> None:
    number = await desk.ask_import()
    async with working(desk.database, *desk.kinds) as board:
        done = await board.ended(number, SOON)
    assert (done.status, done.result) == (DONE, {"created": 3})
    assert await desk.entries() == 3
    async with desk.database.read() as connection:
        assert await JobPieces(connection, number).get(GIVEN) is None


async def test_wrong_rows_are_named_and_none_is_stored(desk: Desk) -> None:
    wrong, no_table = await desk.ask_import(b"right\nwrong"), await desk.ask_import(b"picture")
    async with working(desk.database, *desk.kinds) as board:
        first, second = await board.ended(wrong, SOON), await board.ended(no_table, SOON)
    assert (first.status, first.error, first.attempts) == (FAILED, "1 of 2 rows cannot be meant", 1)
    assert first.result["created"] == 0
    assert first.result["errors"] == [{"row": 1, "loc": ["lots"], "msg": "no number"}]
    assert (second.status, second.error, second.result) == (FAILED, "The file is no table", None)
    assert await desk.entries() == 0


async def test_rows_whose_storing_broke_off_are_stored_by_the_next_attempt(desk: Desk) -> None:
    breaks = [True]

    async def storing() -> None:
        if breaks:
            breaks.pop()
            raise MarketUnavailable("the database went away")

    desk.storing = storing
    number = await desk.ask_import()
    async with working(desk.database, *desk.kinds) as board:
        done = await board.ended(number, SOON)
    assert (done.status, done.result, done.attempts) == (DONE, {"created": 3}, 2)
    assert await desk.entries() == 3


async def test_rows_that_a_killed_process_had_stored_are_not_stored_again(desk: Desk) -> None:
    number, database, looks = await desk.ask_import(), desk.database, []

    async def checked() -> None:
        looks.append(1)

    desk.checked = checked
    await desk.importing.run(Running(await begun(database, desk.importing, number)))  # and dies before it says so
    assert (await stored(database, number)).status == RUNNING
    async with working(database, *desk.kinds) as board:
        done = await board.ended(number, SOON)
    assert (done.status, done.result, done.attempts) == (DONE, {"created": 3}, 2)
    assert await desk.entries() == 3
    assert looks == [1]


async def stored(database: Database, number: int) -> Any:
    async with database.read() as connection:
        return await JobRepository(connection).get(number)


async def test_a_process_that_was_only_slow_stores_no_row_of_what_was_taken_over(desk: Desk) -> None:
    number, database = await desk.ask_import(), desk.database
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def checked() -> None:
        if not reached.is_set():
            reached.set()
            await go_on.wait()

    desk.checked = checked
    frozen = asyncio.create_task(desk.importing.run(Running(await begun(database, desk.importing, number))))
    await reached.wait()
    async with working(database, *desk.kinds) as board:
        assert (await board.ended(number, SOON)).status == DONE
    go_on.set()
    with pytest.raises(Conflict):
        await frozen
    assert await desk.entries() == 3


async def test_an_import_is_cancelled_before_it_has_stored_and_done_afterwards(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = desk.database

    async def cancel() -> None:
        async with database.write("jobs") as connection:
            await JobRepository(connection).cancel(number)

    desk.checked = cancel
    number = await desk.ask_import()
    async with working(database, *desk.kinds) as board:
        before = await board.ended(number, SOON)
    assert (before.status, before.result, before.attempts) == (CANCELLED, None, 1)
    assert await desk.entries() == 0

    desk.checked = lambda: nothing(0)
    usual = files._taken_in

    async def taken_in(*given: Any) -> object:
        result = await usual(*given)
        await cancel()
        monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.01)
        await asyncio.Event().wait()  # until the engine ends it, as it was asked to
        return result

    monkeypatch.setattr(files, "_taken_in", taken_in)
    number = await desk.ask_import()
    monkeypatch.setattr(engine_module, "BEAT_SECONDS", 0.01)
    async with working(database, *desk.kinds) as board:
        after = await board.ended(number, SOON)
    assert (after.status, after.result, after.error) == (DONE, {"created": 3}, None)
    assert await desk.entries() == 3


async def test_two_engines_take_in_each_file_once_and_write_each_whole(desk: Desk) -> None:
    database = desk.database
    if not database.is_shared:
        pytest.skip("SQLite has one process")
    imports = [await desk.ask_import() for _ in range(10)]
    async with (
        working(database, *desk.kinds, holder="a", places=2) as board,
        working(database, *desk.kinds, holder="b", places=2),
    ):
        exports = [await board.ask("export", {}) for _ in range(6)]
        for number in [*imports, *(job.id for job in exports)]:
            assert (await board.ended(number, SOON)).status == DONE
    assert await desk.entries() == 30
    for job in exports:
        assert gzip.decompress(b"".join(await desk.pieces(job.id))) == WHOLE


async def test_a_file_of_any_length_takes_the_same_memory(database: Database) -> None:
    line = bytes(range(256)) * 200

    def lines_of(count: int) -> Any:
        async def parts() -> AsyncIterator[tuple[bytes, float]]:
            for number in range(count):
                yield line.replace(b"\x05", str(number).encode()), number / count

        return parts

    async def peak(count: int) -> int:
        async def export_of(_: Mapping[str, Any]) -> Any:
            file = FakeFile()
            file.parts = lines_of(count)  # type: ignore[method-assign] - longer than the usual one
            return file

        async def rows_of(_: Mapping[str, Any], __: bytes) -> Any:
            raise AssertionError

        (exporting, _) = file_kinds(database, export_of, rows_of)
        async with database.write("jobs") as connection:
            number = await JobRepository(connection).add("export", {})
        job = await begun(database, exporting, number or 0, seconds=60.0)
        tracemalloc.start()
        try:
            await exporting.run(Running(job))
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    await peak(10)  # what is made once is there after this
    few, many = await peak(20), await peak(400)
    assert many < few + 2 * len(line) + files.PIECE


async def test_pieces_of_old_jobs_are_forgotten_some_at_a_time(desk: Desk) -> None:
    async with working(desk.database, *desk.kinds) as board:
        old, new = await written(desk, board), await written(desk, board)
    count = len(await desk.pieces(old))
    async with desk.database.write("jobs", "job_chunks") as connection:
        assert await prune_pieces(connection, at_most=100) == 0
        await connection.exec_driver_sql("UPDATE jobs SET finished_at = 0")
        assert await prune_pieces(connection, at_most=1) == 1
        assert await prune_pieces(connection, at_most=100) == count - 1
    assert await desk.pieces(old) == []
    assert len(await desk.pieces(new)) == count, "the newest job is never forgotten"
