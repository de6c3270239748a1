"""What processes measured, as rows: replaced, folded once, forgotten after a day."""

import asyncio
import json
from collections.abc import Sequence

from sqlalchemy import literal_column, select, update

from alphaforge.storage.engine import Database
from alphaforge.storage.measurements import (
    AHEAD_SECONDS,
    FOLDED_SECONDS,
    KEPT_SECONDS,
    MOST_ROWS,
    RETIRED,
    SILENT_SECONDS,
    FigureRepository,
    MinuteRepository,
)
from alphaforge.storage.now import now
from alphaforge.storage.work_tables import process_figures

_WAITING = literal_column("(SELECT count(*) FROM pg_locks WHERE NOT granted)")
"""Transactions that wait for others."""


def joined(packed: Sequence[bytes]) -> bytes:
    """Stands for what the makers of the values do: a list of numbers, all of them."""
    return json.dumps(sorted(number for one in packed for number in json.loads(one))).encode()


async def put(database: Database, process: str, number: int, age: float = 0.0) -> None:
    async with database.write("process_figures") as connection:
        await FigureRepository(connection).put(process, json.dumps([number]).encode())
        own = process_figures.c.process == process
        await connection.execute(update(process_figures).where(own).values(at=now(connection) - age))


async def rows(database: Database) -> dict[str, list[int]]:
    async with database.read() as connection:
        found = await FigureRepository(connection).others("nobody")
    return {one.process: json.loads(one.packed) for one in found}


async def fold(database: Database, process: str = "me") -> int:
    async with database.write("process_figures") as connection:
        return await FigureRepository(connection).fold(process, joined)


async def test_a_process_says_what_replaces_what_it_said(database: Database) -> None:
    await put(database, "me", 1)
    await put(database, "other", 2, age=SILENT_SECONDS - 5)
    await put(database, "silent", 3, age=SILENT_SECONDS + 1)
    await put(database, "me", 4)
    assert await rows(database) == {"me": [4], "other": [2], "silent": [3]}
    async with database.write("process_figures") as connection:
        repository = FigureRepository(connection)
        others = await repository.others("me")
        assert await repository.replace("me", b"[5]")
        assert not await repository.replace("stranger", b"[6]")
    assert [(one.process, one.is_live) for one in others] == [("other", True), ("silent", False)]
    assert SILENT_SECONDS <= others[1].age < SILENT_SECONDS + 60
    assert await rows(database) == {"me": [5], "other": [2], "silent": [3]}


async def test_the_long_gone_are_folded_into_one_row_again_and_again(database: Database) -> None:
    await put(database, "me", 1, age=FOLDED_SECONDS + 1)
    await put(database, "silent", 2, age=FOLDED_SECONDS - 60)
    assert await fold(database) == 0
    assert RETIRED not in await rows(database)
    await put(database, "gone", 3, age=FOLDED_SECONDS + 1)
    assert await fold(database) == 1
    assert await rows(database) == {"me": [1], "silent": [2], RETIRED: [3]}
    async with database.read() as connection:
        retired = next(one for one in await FigureRepository(connection).others("me") if one.process == RETIRED)
    assert not retired.is_live
    await put(database, "gone later", 4, age=FOLDED_SECONDS + 1)
    assert await fold(database) == 1
    assert await rows(database) == {"me": [1], "silent": [2], RETIRED: [3, 4]}


async def test_beyond_so_many_rows_the_silent_are_folded_at_once_and_the_living_never(database: Database) -> None:
    for number in range(MOST_ROWS):
        await put(database, f"living {number}", number)
    await put(database, "living, the oldest", 98, age=SILENT_SECONDS - 10)
    assert await fold(database) == 0
    await put(database, "silent", 99, age=SILENT_SECONDS + 1)
    assert await fold(database) == 1
    found = await rows(database)
    assert (len(found), found[RETIRED]) == (MOST_ROWS + 2, [99])


async def test_of_several_who_fold_at_once_each_row_is_folded_by_one(postgres_database: str) -> None:
    workers = [await Database.open(postgres_database) for _ in range(4)]
    for turn in range(5):
        for number in range(6):
            await put(workers[0], f"gone {turn} {number}", 10 * turn + number, age=FOLDED_SECONDS + 1)
        done = await asyncio.gather(*(fold(worker, f"worker {at}") for at, worker in enumerate(workers)))
        assert sum(done) == 6
        assert await rows(workers[0]) == {RETIRED: [10 * of + number for of in range(turn + 1) for number in range(6)]}
    for worker in workers:
        await worker.close()


async def test_one_that_wakes_up_while_it_is_folded_stays(postgres_database: str) -> None:
    one, other = [await Database.open(postgres_database) for _ in range(2)]
    await put(one, "sleeper", 1, age=FOLDED_SECONDS + 1)
    await put(one, RETIRED, 2)
    async with other.write("process_figures") as connection:
        await FigureRepository(connection).put("sleeper", b"[3]")
        folding = asyncio.create_task(fold(one))
        async with other.read() as watching:
            while not await watching.scalar(select(_WAITING)):
                pass
    assert await folding == 0
    assert await rows(one) == {"sleeper": [3], RETIRED: [2]}
    await one.close()
    await other.close()


async def test_who_folds_waits_for_who_is_folding(postgres_database: str) -> None:
    one, other = [await Database.open(postgres_database) for _ in range(2)]
    await put(one, "gone", 1, age=FOLDED_SECONDS + 1)
    await put(one, RETIRED, 2)
    async with other.write("process_figures") as connection, other.read() as watching:
        held = select(process_figures).where(process_figures.c.process == "gone").with_for_update()
        await connection.execute(held)
        first = asyncio.create_task(fold(one))
        while await watching.scalar(select(_WAITING)) < 1:
            pass
        await put(one, "gone later", 3, age=FOLDED_SECONDS + 1)
        second = asyncio.create_task(fold(one))
        while await watching.scalar(select(_WAITING)) < 2:
            pass
    assert (await first, await second) == (1, 1)
    assert await rows(one) == {RETIRED: [1, 2, 3]}
    await one.close()
    await other.close()


# minutes


async def minutes(database: Database, since: float = -1) -> list[tuple[int, str, bytes]]:
    async with database.read() as connection:
        return await MinuteRepository(connection).since(since)


async def test_minutes_are_kept_by_their_start_and_process(database: Database) -> None:
    async with database.write("performance_minutes") as connection:
        repository = MinuteRepository(connection)
        for at, process, packed in ((120, "b", b"1"), (60, "a", b"2"), (120, "a", b"3"), (120, "b", b"4")):
            await repository.put(at, process, packed)
    assert await minutes(database) == [(60, "a", b"2"), (120, "a", b"3"), (120, "b", b"4")]
    assert await minutes(database, 61) == [(120, "a", b"3"), (120, "b", b"4")]


async def test_minutes_of_more_than_a_day_ago_are_forgotten_and_those_of_a_wrong_clock(database: Database) -> None:
    async with database.write("performance_minutes") as connection:
        present = int(await connection.scalar(select(now(connection))))
        kept = [present - KEPT_SECONDS + 60, present, present + AHEAD_SECONDS - 60]
        for at in (*kept, present - KEPT_SECONDS - 60, 0, present + AHEAD_SECONDS + 60, 2**40):
            await MinuteRepository(connection).put(at, "me", b"")
    async with database.write("performance_minutes") as connection:
        assert await MinuteRepository(connection).prune() == 4
    assert [at for at, _, _ in await minutes(database)] == kept
