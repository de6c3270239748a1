"""A PostgreSQL database becomes ours, or is left alone; the predecessor can go on using its tables."""

import asyncio

import asyncpg
import pytest
from alembic import command

import predecessor
from alphaforge.core.errors import DatabaseForeign, DatabaseNewer, DatabaseUnwritable, StorageError
from alphaforge.signals.model import Outcome, Status
from alphaforge.storage import adoption
from alphaforge.storage.engine import Database, over_database
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.signal_results import Maker, Whose, read_results
from alphaforge.storage.signals import NewSignal, SignalCriteria, SignalRepository
from builders import decision

FOR_BOTH = pytest.mark.parametrize("enums", [False, True], ids=["words", "enums"])


async def ask(url: str, statement: str) -> list[tuple[object, ...]]:
    connection = await asyncpg.connect(url)
    try:
        return [tuple(row) for row in await connection.fetch(statement)]
    finally:
        await connection.close()


async def columns(url: str) -> list[tuple[object, ...]]:
    """Every column of the predecessor's tables, and every index on them."""
    return [
        *await ask(
            url,
            "SELECT table_name, column_name, udt_name, is_nullable FROM information_schema.columns"
            " WHERE table_schema = 'public' AND table_name ~ '^(trad|journal_e)' AND table_name <> 'trade_results'"
            " ORDER BY 1, 2",
        ),
        *await ask(
            url,
            "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public'"
            " AND tablename ~ '^(trad|journal_e)' AND tablename <> 'trade_results' ORDER BY 1, 2",
        ),
    ]


async def opened_and_closed(url: str) -> None:
    await (await Database.open(url)).close()


@FOR_BOTH
async def test_the_predecessors_rows_are_ours_after_adoption(postgres_database: str, *, enums: bool) -> None:
    await predecessor.build_postgresql(postgres_database, enums=enums)
    before = {table: await predecessor.read_postgresql(postgres_database, table) for table in predecessor.COLUMNS}
    database = await Database.open(postgres_database)
    async with database.read() as connection:
        shown = await SignalRepository(connection).page(SignalCriteria(), limit=None)
        figures = await JournalRepository(connection).statistics()
    await database.close()
    for mine, theirs in zip(shown, predecessor.signal_rows(), strict=True):
        for name, value in theirs.items():
            assert mine[name] == (predecessor.epoch(value) if hasattr(value, "year") else value), name
    entries = predecessor.journal_rows()
    assert figures["wins"] == sum(entry["outcome"] == "WIN" for entry in entries)
    assert figures["total_pnl"] == pytest.approx(sum(entry["profit_loss"] or 0 for entry in entries))
    assert {
        table: await predecessor.read_postgresql(postgres_database, table) for table in predecessor.COLUMNS
    } == before


@FOR_BOTH
async def test_everything_can_be_written_and_asked_whatever_the_types(postgres_database: str, *, enums: bool) -> None:
    await predecessor.build_postgresql(postgres_database, enums=enums)
    database = await Database.open(postgres_database)
    async with database.write() as connection:
        signals, journal = SignalRepository(connection), JournalRepository(connection)
        made = await signals.add(decision(), symbol="GBP/USD", source="sandbox", simulated=True, expires_at=2**31)
        assert made == 41
        by_hand = NewSignal("GBP_USD", decision().levels.direction, 1.25, 1.2485, 1.253, 1_736_200_000.5)  # type: ignore[union-attr]  # the builder's decision has levels
        assert await signals.create_many([by_hand, by_hand]) == [42, 43]
        assert await signals.create(by_hand) == 44
        assert await signals.update_many([{"id": 42, "status": Status.ACTIVE.value}, {"id": 43, "notes": "x"}]) == 2
        outcome = Outcome(Status.WON, 1_736_200_300, 1.253, 30.0, 2.0, 1.0, 30.0, 0.0001, ambiguous=False)
        assert await signals.settle(41, outcome, 1_736_200_400)
        assert await signals.set_status(42, Status.LOST, exit_price=1.2, at=1_736_200_400)
        assert await signals.expire_unseen(43, 1_736_200_400)
        entry = NewEntry(1_736_200_000, "GBPUSD", "BUY", 1.0, 1.25, session="LONDON", outcome="WIN", profit_loss=5.0)
        (first, second) = await journal.create_many([entry, entry])
        assert await journal.update(first, {"session": "OVERLAP", "outcome": "LOSS", "signal_id": 41})
        assert await journal.delete(second)
    async with database.read() as connection:
        signals = SignalRepository(connection)
        both = SignalCriteria(statuses=(Status.WON, Status.LOST), end=1_740_000_000)
        assert [row["id"] for row in await signals.page(both, limit=5)] == [42, 41]
        assert await signals.count(SignalCriteria(statuses=(Status.EXPIRED,), end=1_740_000_000)) == 1
        assert [one.id for one in await signals.open_signals(own_only=True)] == [44]
        assert (await signals.counts_by_status())["EXPIRED"] > 1
        found = await read_results(connection, Whose(Maker.STRATEGY, "sandbox"))
        settled, others, followers = found.columns()
        assert (settled.id.tolist(), settled.side.tolist()) == ([41], [1])
        assert sum(one.count for one in others) == 43
        assert (followers.signal.tolist(), followers.side.tolist()) == ([41], [1])
    await database.close()


@FOR_BOTH
async def test_the_predecessor_reads_and_writes_on(postgres_database: str, *, enums: bool) -> None:
    await predecessor.build_postgresql(postgres_database, enums=enums)
    database = await Database.open(postgres_database)
    connection = await asyncpg.connect(postgres_database)
    late = {name: value for name, value in predecessor.signal_rows(1)[0].items() if name != "id"}
    await predecessor.write_postgresql(connection, "trading_signals", late)
    trade = {name: value for name, value in predecessor.journal_rows(1)[0].items() if name != "id"}
    await predecessor.write_postgresql(connection, "journal_entries", trade)
    await connection.execute("UPDATE journal_entries SET outcome = 'LOSS', profit_loss = -1 WHERE id = 31")
    await connection.close()
    async with database.read() as reading:
        assert (await SignalRepository(reading).get(41) or {})["instrument"] is None
        figures = await JournalRepository(reading).statistics()
    await database.close()
    entries = predecessor.journal_rows()
    assert figures["total_trades"] == 31
    assert figures["total_pnl"] == pytest.approx(sum(entry["profit_loss"] or 0 for entry in entries) - 1)
    reopened = await Database.open(postgres_database)
    async with reopened.read() as reading:
        assert (await SignalRepository(reading).get(41) or {})["instrument"] == "GBP_USD"
    await reopened.close()


async def test_emptying_the_journal_empties_its_totals(postgres_database: str) -> None:
    await predecessor.build_postgresql(postgres_database, enums=False)
    database = await Database.open(postgres_database)
    await ask(postgres_database, "TRUNCATE journal_entries")
    async with database.read() as connection:
        figures = await JournalRepository(connection).statistics()
    await database.close()
    assert (figures["total_trades"], figures["total_pnl"], figures["avg_r"]) == (0, 0.0, None)


async def test_the_backup_is_a_schema_of_its_own(postgres_database: str) -> None:
    await predecessor.build_postgresql(postgres_database, enums=True)
    before = await predecessor.read_postgresql(postgres_database, "journal_entries")
    await opened_and_closed(postgres_database)
    ((schema,),) = await ask(
        postgres_database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'alphaforge_backup_%'"
    )
    assert await predecessor.read_postgresql(postgres_database, "journal_entries", str(schema)) == before


@FOR_BOTH
async def test_going_back_leaves_the_predecessors_schema_and_all_its_rows(
    postgres_database: str, *, enums: bool
) -> None:
    await predecessor.build_postgresql(postgres_database, enums=enums)
    original = await columns(postgres_database)
    rows = await predecessor.read_postgresql(postgres_database, "trading_signals")
    await opened_and_closed(postgres_database)
    await over_database(postgres_database, adoption.take_back)
    assert await columns(postgres_database) == original
    assert await predecessor.read_postgresql(postgres_database, "trading_signals") == rows
    ((functions,),) = await ask(postgres_database, "SELECT count(*) FROM pg_proc WHERE proname LIKE 'journal_%'")
    assert functions == 0
    await opened_and_closed(postgres_database)


async def test_what_is_created_equals_what_is_migrated(postgres_url: str, postgres_database: str) -> None:
    await opened_and_closed(postgres_database)
    created = await everything(postgres_database)
    await ask(postgres_database, "DROP SCHEMA public CASCADE")
    await ask(postgres_database, "CREATE SCHEMA public")

    def step_by_step(connection: object) -> None:
        command.upgrade(adoption._config(connection), "head")  # type: ignore[arg-type]  # what run_sync hands over

    await over_database(postgres_database, step_by_step)
    assert await everything(postgres_database) == created


async def everything(url: str) -> list[tuple[object, ...]]:
    """Columns, indexes, triggers and functions."""
    return [
        *await ask(
            url,
            "SELECT table_name, column_name, udt_name, is_nullable, coalesce(character_maximum_length, 0)"
            " FROM information_schema.columns WHERE table_schema = 'public' ORDER BY 1, 2",
        ),
        *await ask(url, "SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1"),
        *await ask(url, "SELECT tgname, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2"),
        *await ask(url, "SELECT proname, prosrc FROM pg_proc WHERE proname LIKE 'journal_%' ORDER BY 1"),
    ]


async def test_processes_that_start_at_once_adopt_once(postgres_database: str) -> None:
    await predecessor.build_postgresql(postgres_database, enums=True)
    opened = await asyncio.gather(*(Database.open(postgres_database) for _ in range(4)))
    for database in opened:
        await database.close()
    schemas = await ask(postgres_database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'alphaforge_backup_%'")
    assert len(schemas) == 1
    assert await ask(postgres_database, "SELECT version_num FROM alembic_version") == [(adoption.HEAD,)]


async def test_other_peoples_tables_are_left_alone(postgres_database: str) -> None:
    await ask(postgres_database, "CREATE TABLE recipes (name text)")
    with pytest.raises(DatabaseForeign, match="recipes"):
        await Database.open(postgres_database)
    assert await ask(postgres_database, "SELECT tablename FROM pg_tables WHERE schemaname = 'public'") == [("recipes",)]


async def test_a_newer_database_is_refused(postgres_database: str) -> None:
    await opened_and_closed(postgres_database)
    await ask(postgres_database, "UPDATE alembic_version SET version_num = '0099_from_the_future'")
    with pytest.raises(DatabaseNewer, match="0099_from_the_future"):
        await Database.open(postgres_database)
    with pytest.raises(DatabaseNewer):
        await Database.open(postgres_database, read_only=True)


async def test_a_reader_adopts_nothing(postgres_database: str) -> None:
    await predecessor.build_postgresql(postgres_database, enums=True)
    with pytest.raises(StorageError, match="not up to date"):
        await Database.open(postgres_database, read_only=True)
    assert await ask(postgres_database, "SELECT to_regclass('alembic_version')::text") == [(None,)]


async def test_a_failed_adoption_leaves_no_trace(postgres_database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    await predecessor.build_postgresql(postgres_database, enums=True)
    before = await columns(postgres_database)
    monkeypatch.setattr("alphaforge.storage.totals.create_statements", lambda _: ["SELECT 1 / 0"])
    with pytest.raises(Exception, match="division by zero"):
        await Database.open(postgres_database)
    assert await columns(postgres_database) == before
    assert (
        await ask(postgres_database, "SELECT nspname FROM pg_namespace WHERE nspname LIKE 'alphaforge_backup_%'") == []
    )


async def test_a_user_without_rights_is_told_so(postgres_database: str) -> None:
    name = postgres_database.rpartition("/")[2]
    await ask(postgres_database, f"CREATE ROLE {name}_guest LOGIN")
    try:
        with pytest.raises(DatabaseUnwritable, match="may not do that"):
            await Database.open(postgres_database.replace("//postgres@", f"//{name}_guest@"))
    finally:
        await ask(postgres_database, f"DROP ROLE {name}_guest")


@pytest.mark.parametrize(
    ("wrong", "said"), [("/no_such_database", "no such PostgreSQL database"), (":1/x", "cannot be reached")]
)
async def test_a_wrong_address_is_named_in_plain_words(postgres_url: str, wrong: str, said: str) -> None:
    head = postgres_url.rpartition("/")[0]
    url = head + wrong if wrong.startswith("/") else head.rpartition(":")[0] + wrong
    with pytest.raises(StorageError, match=said):
        await Database.open(url)
