"""The journal in the database, SQLite and PostgreSQL alike."""

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import JournalRepository, NewEntry
from alphaforge.storage.rows import Position

START = 1_750_000_000.0


def entry(number: int = 0, **changes: Any) -> NewEntry:
    values: dict[str, Any] = {
        "open_time": START + 60 * number,
        "symbol": "GBPUSD",
        "trade_type": "BUY",
        "lots": 0.25,
        "entry_price": 1.25,
    }
    return NewEntry(**(values | changes))


async def test_an_entry_comes_back_whole(database: Database) -> None:
    written = entry(
        close_time=START + 14_580,
        exit_price=1.2531,
        stop_loss=1.24,
        take_profit=1.27,
        pips=31.0,
        profit_loss=77.5,
        mae=1.5,
        mfe=33.25,
        r_value=0.31,
        trade_setup="London open",
        session="LONDON",
        duration_minutes=243,
        notes="Followed the plan. Ünïcode 📈",
        tags="news,late",
        screenshot_entry="data:image/png;base64,AAAA",
        outcome="WIN",
        created_at=START + 1.5,
    )
    async with database.write() as connection:
        identity = await JournalRepository(connection).create(written)
    async with database.read() as connection:
        row = await JournalRepository(connection).get(identity)
    assert row == written.row() | {"id": 1}


async def test_the_list_is_newest_first_with_or_without_pictures(database: Database) -> None:
    async with database.write() as connection:
        repository = JournalRepository(connection)
        assert await repository.create_many([entry(0), entry(2), entry(1)]) == [1, 2, 3]
        assert [row["id"] for row in await repository.page()] == [2, 3, 1]
        assert [row["id"] for row in await repository.page(1, 1)] == [3]
        behind = Position(START + 120, 2)
        slim = await repository.page(behind=behind, pictures=False)
    assert [row["id"] for row in slim] == [3, 1]
    assert "screenshot_entry" not in slim[0]
    assert "notes" in slim[0]


async def test_changes_touch_what_they_name(database: Database) -> None:
    async with database.write() as connection:
        repository = JournalRepository(connection)
        await repository.create(entry(created_at=START))
        assert await repository.update(1, {"notes": "later", "outcome": "LOSS"})
        assert not await repository.update(2, {"notes": "later"})
        row = await repository.get(1) or {}
        assert (row["notes"], row["outcome"], row["lots"], row["created_at"]) == ("later", "LOSS", 0.25, START)
        assert row["updated_at"] > START
        with pytest.raises(InvalidInput, match="symbol cannot be empty"):
            await repository.update(1, {"symbol": None})
        with pytest.raises(InvalidInput, match="id cannot be changed"):
            await repository.update(1, {"id": 5})


async def test_a_removed_entry_is_gone(database: Database) -> None:
    async with database.write() as connection:
        repository = JournalRepository(connection)
        await repository.create(entry())
        assert await repository.delete(1)
        assert not await repository.delete(1)
        assert await repository.get(1) is None
        assert await repository.count() == 0


async def test_many_are_changed_or_none(database: Database) -> None:
    async with database.write() as connection:
        await JournalRepository(connection).create_many([entry(n) for n in range(3)])
    with pytest.raises(NotFound, match="7"):
        async with database.write() as connection:
            await JournalRepository(connection).update_many([{"id": 1, "notes": "x"}, {"id": 7, "notes": "y"}])
    async with database.write() as connection:
        repository = JournalRepository(connection)
        assert await repository.update_many([{"id": 1, "notes": "x"}, {"id": 3, "pips": 2.5}]) == 2
        assert [(row["notes"], row["pips"]) for row in await repository.page()] == [
            (None, 2.5),
            (None, None),
            ("x", None),
        ]


@pytest.mark.parametrize(
    "words", [{"trade_type": "HOLD"}, {"session": "LUNCH"}, {"outcome": "MAYBE"}], ids=lambda words: next(iter(words))
)
async def test_words_that_the_predecessor_cannot_read_are_refused(database: Database, words: dict[str, str]) -> None:
    with pytest.raises(InvalidInput, match=next(iter(words.values()))):
        entry(**words)
    async with database.write() as connection:
        repository = JournalRepository(connection)
        await repository.create(entry())
        with pytest.raises(InvalidInput):
            await repository.update(1, dict(words))


def by_hand(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The statistics as one would count them."""
    r_values = [row["r_value"] for row in rows if row["r_value"]]  # zero counts as not known, as the predecessor has it
    return {
        "total_trades": len(rows),
        "wins": sum(row["outcome"] == "WIN" for row in rows),
        "losses": sum(row["outcome"] == "LOSS" for row in rows),
        "total_pnl": sum(row["profit_loss"] or 0.0 for row in rows),
        "total_pips": sum(row["pips"] or 0.0 for row in rows),
        "avg_r": sum(r_values) / len(r_values) if r_values else None,
    }


_money = st.none() | st.integers(-10_000_000, 10_000_000).map(lambda cents: cents / 100)
_figures = st.fixed_dictionaries(
    {"profit_loss": _money, "pips": _money, "r_value": _money, "outcome": st.sampled_from([None, "WIN", "LOSS"])}
)
_steps = st.lists(st.tuples(st.sampled_from(["add", "change", "remove"]), st.integers(0, 9), _figures), max_size=12)


@given(_steps)
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_statistics_equal_a_count_by_hand_whatever_happened(database: Database, steps: list[Any]) -> None:
    async with database.write() as connection:
        repository = JournalRepository(connection)
        for row in await repository.page():
            await repository.delete(row["id"])
        for verb, number, figures in steps:
            ids = [row["id"] for row in await repository.page()]
            if verb == "add":
                await repository.create(entry(**figures))
            elif ids and verb == "change":
                await repository.update(ids[number % len(ids)], figures)
            elif ids:
                await repository.delete(ids[number % len(ids)])
        assert await repository.statistics() == pytest.approx(by_hand(await repository.page()), abs=1e-6)


async def test_a_figure_that_no_trade_has_does_not_spoil_the_totals(database: Database) -> None:
    async with database.write() as connection:
        repository = JournalRepository(connection)
        await repository.create_many([entry(profit_loss=1e300, pips=float("inf")), entry(profit_loss=2.5, pips=1.0)])
        figures = await repository.statistics()
        assert (figures["total_pnl"], figures["total_pips"]) == (2.5, 1.0)
        await repository.delete(1)
        assert await repository.statistics() == figures | {"total_trades": 1}


async def test_what_the_database_cannot_keep_is_bad_input(database: Database) -> None:
    if database.dialect == "sqlite":
        pytest.skip("SQLite keeps any text")
    for text in ("x" * 501, "a\x00b"):
        with pytest.raises(InvalidInput):
            async with database.write() as connection:
                await JournalRepository(connection).create(entry(tags=text))
