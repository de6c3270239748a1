"""The journal's days in memory: what is maintained equals what is read anew, whoever wrote what."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.statistics.days import Days, summarised
from alphaforge.statistics.trades import ResultClass, Trades
from alphaforge.storage import bulk
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.health import contradictions
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.journal_changes import recount_statements
from alphaforge.storage.journal_days import JournalDays, Known
from alphaforge.storage.journal_results import read_closed
from alphaforge.storage.types import epochs_of_texts
from api_bench import SQLITE

MONDAY, HOUR, DAY = 1_751_846_400.0, 3_600.0, 86_400.0  # 2025-07-07
WORDS = {"WIN": ResultClass.WIN, "LOSS": ResultClass.LOSS, "BREAKEVEN": ResultClass.BREAKEVEN}


def entry(closed: float | None = MONDAY + HOUR, **changes: Any) -> NewEntry:
    opened = MONDAY if closed is None else closed - HOUR
    return NewEntry(opened, "GBPUSD", "BUY", 0.25, 1.25, **({"close_time": closed, "profit_loss": 10.0} | changes))


async def stored(database: Database, *entries: NewEntry) -> list[int]:
    async with database.write("journal_entries") as connection:
        return await JournalRepository(connection).create_many(entries)


async def sql(database: Database, statement: str) -> None:
    async with database.write("journal_entries") as connection:
        await connection.exec_driver_sql(statement)


def plain_insert(closed: str) -> str:
    names = "open_time, close_time, symbol, trade_type, lots, entry_price, pips"
    values = f"'2025-07-06 00:00:00', '{closed}', 'X', 'BUY', 1, 1, 7.5"
    return f"INSERT INTO journal_entries ({names}) VALUES ({values})"  # noqa: S608 - texts of this module only


def same(one: Days, other: Days) -> bool:
    return one.day.tobytes() == other.day.tobytes() and one.values.tobytes() == other.values.tobytes()


def known(value: float | None, least: float = -1e12) -> float:
    return value if value is not None and abs(value) < 1e12 and value >= least else float("nan")


async def by_hand(database: Database) -> Days:
    """The days as one would count them from the rows themselves."""
    async with database.read() as connection:
        rows = [row for row in await JournalRepository(connection).page() if row["close_time"] is not None]
    rows.sort(key=lambda row: (row["close_time"], row["id"]))
    columns = {
        "opened": [row["open_time"] for row in rows],
        "closed": [row["close_time"] for row in rows],
        "amount": [known(row["profit_loss"]) for row in rows],
        "cost": [float("nan") for _ in rows],
        "r": [known(row["r_value"]) for row in rows],
        "pips": [known(row["pips"]) for row in rows],
        "mae": [known(row["mae"], 0.0) for row in rows],
        "mfe": [known(row["mfe"], 0.0) for row in rows],
    }
    signs = [np.sign(amount) for amount in columns["amount"]]
    result = [
        WORDS.get(row["outcome"], ResultClass.UNKNOWN if np.isnan(sign) else int(sign))
        for row, sign in zip(rows, signs, strict=True)
    ]
    return summarised(Trades(*(np.array(column) for column in columns.values()), np.array(result, np.int8)))


async def agreed(kept: JournalDays) -> Days:
    """What is kept, held against what a new process reads, and against a count by hand."""
    days = (await kept.now()).days
    assert same(days, (await JournalDays(kept.database).now()).days)
    assert same(days, await by_hand(kept.database))
    return days


_closed = st.none() | st.integers(0, 40).map(lambda quarters: MONDAY + quarters * 6 * HOUR + 0.25)
_figure = st.none() | st.sampled_from([0.0, 1e300, -1e12]) | st.integers(-99_999, 99_999).map(lambda cents: cents / 100)
_figures = st.fixed_dictionaries(
    {
        **dict.fromkeys(("profit_loss", "r_value", "pips", "mae", "mfe"), _figure),
        "outcome": st.sampled_from([None, "WIN", "LOSS", "BREAKEVEN"]),
        "close_time": _closed,
    }
)
_VERBS = (
    "add",
    "add_many",
    "change",
    "change_many",
    "change_one_figure",
    "remove",
    "add_plainly",
    "move_plainly",
    "empty",
)
_steps = st.lists(st.tuples(st.sampled_from(_VERBS), st.integers(0, 9), _figures), max_size=8)


async def edit(connection: AsyncConnection, verb: str, number: int, figures: dict[str, Any]) -> None:
    repository = JournalRepository(connection)
    ids = [row["id"] for row in await repository.page(pictures=False)]
    some = sorted({ids[(number + step) % len(ids)] for step in range(3)}) if ids else []
    fields = {name: value for name, value in figures.items() if name != "close_time"}
    if verb == "add_many":
        await bulk.create_entries(connection, [entry(figures["close_time"], **fields) for _ in range(number)])
    elif verb == "add_plainly":  # as the predecessor does: its own columns, no word to us
        await connection.exec_driver_sql(plain_insert(f"2025-07-{7 + number:02d} 20:59:59.5"))
    elif verb == "move_plainly":
        moved = f"UPDATE journal_entries SET close_time = '2025-07-{7 + number:02d} 21:00:00'"  # noqa: S608 - a number
        await connection.exec_driver_sql(moved)
    elif verb == "empty":
        word = "TRUNCATE" if connection.dialect.name == "postgresql" else "DELETE FROM"
        await connection.exec_driver_sql(f"{word} journal_entries")
    elif verb == "add" or not ids:
        await repository.create(entry(figures["close_time"], **fields))
    elif verb == "change":
        await repository.update(some[0], figures)
    elif verb == "change_many":
        await bulk.change_entries(connection, [{"id": one, **figures} for one in some])
    elif verb == "change_one_figure":
        await repository.update(some[0], {"mfe": figures["mfe"]})
    else:
        await repository.delete(some[0])


@given(_steps)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_what_is_maintained_equals_what_is_read_anew_bit_for_bit(database: Database, steps: list[Any]) -> None:
    kept = JournalDays(database)
    await sql(database, "DELETE FROM journal_entries")
    for verb, number, figures in steps:
        async with database.write("journal_entries") as connection:
            await edit(connection, verb, number, figures)
        await agreed(kept)
    await agreed(kept)
    assert not await contradictions(database)


async def test_a_trade_belongs_to_the_day_that_ends_at_17_in_new_york(database: Database) -> None:
    kept = JournalDays(database)
    evening = MONDAY + 21 * HOUR  # in summer
    await stored(database, entry(evening - 1), entry(evening))
    days = await agreed(kept)
    assert days.day.tolist() == [MONDAY // DAY, MONDAY // DAY + 1]
    await stored(database, entry(evening + DAY - 1), entry(evening + 1))
    assert (await agreed(kept)).of("trades").tolist() == [1.0, 3.0]


async def test_a_day_that_comes_back_after_the_journal_was_emptied_is_read_again(database: Database) -> None:
    kept = JournalDays(database)
    await stored(database, entry())
    before = await agreed(kept)
    await sql(database, "DELETE FROM journal_entries" if database.dialect == "sqlite" else "TRUNCATE journal_entries")
    await stored(database, entry(profit_loss=-3.0))
    after = await agreed(kept)
    assert (before.of("amount").tolist(), after.of("amount").tolist()) == ([10.0], [-3.0])


async def test_what_is_open_or_only_noted_costs_nothing(database: Database) -> None:
    kept = JournalDays(database)
    ids = await stored(database, entry(), entry(None))
    await agreed(kept)
    known_before = kept._known
    async with database.write("journal_entries") as connection:
        await JournalRepository(connection).update(ids[0], {"notes": "later", "tags": "plan"})
        await JournalRepository(connection).update(ids[1], {"profit_loss": 4.0})
    journal = await kept.now()
    assert kept._known is known_before
    assert journal.totals["total_trades"] == 2


async def test_an_older_transaction_sees_its_own_journal_and_a_newer_one_goes_on(database: Database) -> None:
    kept = JournalDays(database)
    await stored(database, entry())
    async with database.read() as old:
        await old.exec_driver_sql("SELECT count(*) FROM journal_entries")
        await stored(database, entry(MONDAY + 9 * DAY), entry(profit_loss=1.0))
        assert (await kept.now()).days.of("trades").tolist() == [2.0, 1.0]
        assert (await kept.within(old)).days.of("trades").tolist() == [1.0]
    assert (await agreed(kept)).of("trades").tolist() == [2.0, 1.0]


async def test_versions_that_were_counted_anew_are_none_that_were_known(database: Database) -> None:
    kept = JournalDays(database)
    await stored(database, entry(), entry(MONDAY + DAY))
    await kept.now()
    known_before = kept._known
    async with database.write() as connection:
        for statement in ("DELETE FROM journal_changes", "UPDATE journal_entries SET profit_loss = 5.0"):
            await connection.exec_driver_sql(statement)
        for statement in recount_statements(database.dialect):
            await connection.exec_driver_sql(statement)
    assert (await agreed(kept)).of("amount").tolist() == [5.0, 5.0]
    assert not set(kept._known.versions.tolist()) & set(known_before.versions.tolist())


async def test_many_who_ask_at_once_read_once(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await stored(database, *(entry(MONDAY + number * HOUR) for number in range(60)))
    asked = []
    fetch = AsyncConnection.fetch

    async def counted(self: AsyncConnection, *queries: tuple[str, tuple[Any, ...]]) -> Any:
        asked.extend(query for query in queries if "journal_changes" not in query[0])
        return await fetch(self, *queries)

    monkeypatch.setattr(AsyncConnection, "fetch", counted)
    kept = JournalDays(database)
    found = await asyncio.gather(*(kept.now() for _ in range(5)))
    assert len(asked) == 2, "three days: the first alone, since nobody knew how many trades a day has, then two"
    assert all(same(one.days, found[0].days) for one in found)


async def test_what_was_read_before_a_failure_is_kept(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    await stored(database, entry(), entry(MONDAY + 9 * DAY))
    kept, read = JournalDays(database), JournalDays._read

    async def failing(self: JournalDays, connection: AsyncConnection, days: Any) -> int:
        if days[0] > MONDAY // DAY:
            raise ConnectionError
        return await read(self, connection, days)

    monkeypatch.setattr(JournalDays, "_read", failing)
    with pytest.raises(ConnectionError):
        await kept.now()
    assert kept._known.days.tolist() == [MONDAY // DAY]
    monkeypatch.undo()
    await agreed(kept)


@pytest.mark.parametrize("known_first", [(), (3, 5, 9)])
def test_known_days_take_over_what_others_say(known_first: tuple[int, ...]) -> None:
    known = Known().with_days(np.array(known_first, np.int64), np.array(known_first, np.int64) * 10)
    changed = known.with_days(np.array([4, 5, 9]), np.array([1, 2, -1]))
    expected = {day: day * 10 for day in known_first} | {4: 1, 5: 2}
    expected.pop(9, None)
    assert dict(zip(changed.days.tolist(), changed.versions.tolist(), strict=True)) == expected
    assert changed.days.tolist() == sorted(expected)
    assert changed.of(np.array([4, 8])).tolist() == [1, -1]


# what is peculiar to either database


@asynccontextmanager
async def psql(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


async def test_writers_of_several_days_in_any_order_wait_and_do_not_deadlock(
    database_url: str, database: Database
) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite has one writer")
    ids = await stored(database, *(entry(MONDAY + number * DAY, profit_loss=None) for number in range(6)))
    move = "UPDATE journal_entries SET close_time = close_time + interval '1 minute' WHERE id = $1"

    async def edit_all(order: list[int]) -> None:
        async with psql(database_url) as connection:
            for number in order:
                async with connection.transaction():
                    await connection.execute("SET LOCAL deadlock_timeout = '50ms'")
                    for one in (number, number + 1):
                        await connection.execute(move, ids[one])

    await asyncio.gather(edit_all([0, 2, 4]), edit_all([4, 2, 0]), edit_all([2, 4, 0]))
    await agreed(JournalDays(database))


async def test_a_transaction_notes_a_day_once(database_url: str, database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite changes the row in its place")
    ids = await stored(database, entry())
    async with psql(database_url) as connection, connection.transaction():
        for number in range(50):
            await connection.execute("UPDATE journal_entries SET pips = $1 WHERE id = $2", float(number), ids[0])
        versions = await connection.fetchval("SELECT count(*) FROM pg_class WHERE relname = 'journal_changes'")
        assert versions == 1
        (ctid,) = await connection.fetchrow("SELECT (ctid::text::point)[1] FROM journal_changes")
    assert ctid == 2, "the version that was there, and the one of this transaction"


@SQLITE
@pytest.mark.parametrize(
    ("written", "day"),
    [
        ("2025-07-07T12:00:00", 0),
        ("2025-07-07 12:00", 0),
        ("2025-07-07T23:30:00+05:00", 0),
        ("2025-07-08 01:00:00+04:00", 1),
        ("2025-07-07T20:00:00.123456-05:00", 1),
    ],
)
async def test_times_in_other_forms_count_on_their_own_day(database: Database, written: str, day: int) -> None:
    await stored(database, entry(MONDAY - 3 * DAY), entry(MONDAY + 4 * DAY))
    kept = JournalDays(database)
    await agreed(kept)
    await sql(database, plain_insert(written))
    assert (await agreed(kept)).day.tolist() == [MONDAY // DAY - 3, MONDAY // DAY + day, MONDAY // DAY + 4]


@SQLITE
async def test_a_close_that_is_no_time_is_not_known(database: Database) -> None:
    await stored(database, entry())
    for written in ("soon", "2025-13-45 12:00:00.000000", "2025-02-30 12:00:00.000000", "3025-01-01 00:00:00.000000"):
        await sql(database, plain_insert(written))
    journal = await JournalDays(database).now()
    assert journal.days.of("trades").tolist() == [1.0]
    assert journal.totals["total_trades"] == 5


def test_texts_become_moments_whatever_their_form() -> None:
    usual = ["2025-07-07 06:00:00.000001", "1999-12-31 23:59:59.999999"]
    assert epochs_of_texts(usual).tolist() == [1_751_868_000.000001, 946_684_799.999999]
    mixed = epochs_of_texts([*usual, "2025-07-07T06:00:00Z", "2025-07-07 06:00:00+02:00 ", "no"])
    assert mixed[:3].tolist() == [1_751_868_000.000001, 946_684_799.999999, 1_751_868_000.0]
    assert np.isnan(mixed[3:]).all()
    assert epochs_of_texts([]).shape == (0,)


async def test_trades_beyond_all_calendars_are_left_out(database: Database) -> None:
    await stored(database, entry())
    far = ["9999-12-31 23:00:00.000000", "1969-12-31 20:00:00.000000", "2100-01-01 00:00:00.000000"]
    for written in far if database.dialect == "sqlite" else [*far, "20000-01-01", "infinity", "0044-03-15 BC"]:
        await sql(database, plain_insert(written))
    days = (await JournalDays(database).now()).days
    assert (days.day.tolist(), days.of("trades").tolist()) == ([MONDAY // DAY], [1.0])


async def test_words_stand_beside_their_trades(database: Database) -> None:
    await stored(
        database,
        entry(MONDAY + 2 * HOUR, tags="late", trade_setup=None),
        entry(MONDAY + HOUR, tags="plan", trade_setup="Breakout"),
        entry(MONDAY + 50 * HOUR, tags="never"),
    )
    async with database.read() as connection:
        found = await read_closed(connection, int(MONDAY), int(MONDAY + DAY), ("tags", "trade_setup"))
    assert found.words == {"tags": ["plan", "late"], "trade_setup": ["Breakout", None]}
    assert found.trades.closed.tolist() == [MONDAY + HOUR, MONDAY + 2 * HOUR]
    chosen = found.where(np.array([False, True]))
    assert (chosen.words["tags"], len(chosen.trades)) == (["late"], 1)
