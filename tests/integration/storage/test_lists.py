"""Lists against a list in memory: every filter with every other, page by page, while rows come and go."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete

from alphaforge.signals.model import Direction, Status
from alphaforge.storage.engine import Database
from alphaforge.storage.journal import EntryCriteria, JournalRepository, NewEntry
from alphaforge.storage.listing import Page
from alphaforge.storage.rows import Position
from alphaforge.storage.signals import NewSignal, SignalCriteria, SignalRepository
from alphaforge.storage.tables import journal, signals
from builders import MONDAY

ROWS = 60
Row = dict[str, Any]
MOMENTS = [MONDAY + at for at in (0.0, 0.5, 60.0, 61.0)]
"""Few, so that many rows share one."""

_moments = st.none() | st.sampled_from(MOMENTS)


@dataclass(frozen=True)
class Filter:
    """What is asked of a list, and what a row must be to answer it."""

    criteria: Any
    accepts: Callable[[Row], bool]


def _within(row: Row, time: str, start: float | None, end: float | None) -> bool:
    return (start is None or row[time] >= start) and (end is None or row[time] < end)


@st.composite
def signal_filters(draw: st.DrawFn) -> Filter:
    statuses = tuple(draw(st.lists(st.sampled_from(Status), max_size=3)))
    instrument = draw(st.sampled_from([None, "GBP_USD", "XAU_USD", "USD_JPY"]))
    direction = draw(st.none() | st.sampled_from(Direction))
    start, end, least = draw(_moments), draw(_moments), draw(st.sampled_from([None, 50.0, 99.0]))

    def accepts(row: Row) -> bool:
        return (
            (not statuses or row["status"] in statuses)
            and instrument in (None, row["instrument"])
            and direction in (None, row["direction"])
            and (least is None or (row["confidence_score"] or -1) >= least)
            and _within(row, "timestamp", start, end)
        )

    return Filter(
        {
            "statuses": statuses,
            "instrument": instrument,
            "direction": direction,
            "start": start,
            "end": end,
            "min_confidence": least,
        },
        accepts,
    )


@st.composite
def entry_filters(draw: st.DrawFn) -> Filter:
    symbols = draw(st.sampled_from([(), ("GBPUSD",), ("GBPUSD", "GBP_USD"), ("EURUSD",)]))
    words = {
        "trade_type": draw(st.sampled_from([None, "BUY", "SELL"])),
        "outcome": draw(st.sampled_from([None, "WIN", "BREAKEVEN"])),
        "session": draw(st.sampled_from([None, "LONDON", "ASIAN"])),
    }
    setup, tag = draw(st.sampled_from([None, "break_out", "none"])), draw(st.sampled_from([None, "News", "b%", "a"]))
    start, end = draw(_moments), draw(_moments)

    def accepts(row: Row) -> bool:
        tags = [one.strip().lower() for one in (row["tags"] or "").split(",")]
        return (
            (not symbols or row["symbol"] in symbols)
            and all(word in (None, row[name]) for name, word in words.items())
            and (setup is None or (row["trade_setup"] or "").lower() == setup)
            and (tag is None or tag.lower() in tags)
            and _within(row, "open_time", start, end)
        )

    return Filter({"symbols": symbols, **words, "setup": setup, "tag": tag, "start": start, "end": end}, accepts)


def _new_signal(dice: Random) -> NewSignal:
    return NewSignal(
        dice.choice(["GBP_USD", "GBP_USD", "XAU_USD"]),
        dice.choice(list(Direction)),
        *(1.31, 1.30, 1.33, dice.choice(MOMENTS)),
        confidence_score=dice.choice([None, 40.0, 50.0, 99.0]),
        status=dice.choice(list(Status)),
    )


def _new_entry(dice: Random) -> NewEntry:
    return NewEntry(
        *(dice.choice(MOMENTS), dice.choice(["GBPUSD", "GBP_USD", "XAUUSD"]), dice.choice(["BUY", "SELL"]), 1.0, 1.31),
        outcome=dice.choice([None, "WIN", "LOSS", "BREAKEVEN"]),
        session=dice.choice([None, "LONDON", "ASIAN"]),
        trade_setup=dice.choice([None, "Break_Out", "breakXout"]),
        tags=dice.choice([None, "news", "a, NEWS", "newsy,b%", "b"]),
    )


@dataclass(frozen=True)
class Kind:
    """One of the lists: its rows, their filters, and how to get at them."""

    time: str
    table: Any
    repository: Any
    criteria: Any
    filters: st.SearchStrategy[Filter]
    new: Callable[[Random], Any]

    async def add(self, database: Database, *new: Any) -> list[int]:
        async with database.write() as connection:
            ids: list[int] = await self.repository(connection).create_many(new)
            return ids

    async def remove(self, database: Database, identity: int) -> None:
        async with database.write() as connection:
            await connection.execute(delete(self.table).where(self.table.c.id == identity))

    async def listed(self, database: Database, asked: Filter, behind: Position | None, **part: Any) -> Page:
        async with database.read() as connection:
            page: Page = await self.repository(connection).listed(
                self.criteria(**asked.criteria, behind=behind), columns=("id", self.time), **part
            )
            return page


KINDS = {
    "signals": Kind("timestamp", signals, SignalRepository, SignalCriteria, signal_filters(), _new_signal),
    "entries": Kind("open_time", journal, JournalRepository, EntryCriteria, entry_filters(), _new_entry),
}


@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
async def test_pages_of_any_filters_are_the_rows_that_match_in_order(database: Database, name: str, data: Any) -> None:
    kind = KINDS[name]
    asked, size, skip = data.draw(kind.filters), data.draw(st.integers(1, 25)), data.draw(st.integers(0, 5))
    dice = Random(data.draw(st.integers(0, 2**32)))
    stored = await _stored(kind, database, dice)
    matching = [row for row in stored if asked.accepts(row)]
    expected = [row["id"] for row in sorted(matching, key=lambda row: (row[kind.time], row["id"]), reverse=True)]
    assert list((await kind.listed(database, asked, None, limit=size, skip=skip))["id"]) == expected[skip : skip + size]
    seen: list[int] = []
    gone: set[int] = set()
    behind = None
    while True:
        page = await kind.listed(database, asked, behind, limit=size)
        seen += page["id"]
        if (behind := page.behind) is None:
            break
        gone |= await _meanwhile(kind, database, dice, seen)
    assert len(seen) == len(set(seen)), "no row twice"
    assert [one for one in expected if one not in gone] == [one for one in seen if one in expected and one not in gone]


async def _stored(kind: Kind, database: Database, dice: Random) -> list[Row]:
    """New rows, and none from the example before: with those the same choices would not have the same outcome.

    For the same reason what happens between two pages is thrown, not drawn: how many pages there are is for the
    database to say, and whoever asks hypothesis for a choice because of that has asked for one more than before.
    """
    async with database.write() as connection:
        await connection.execute(delete(kind.table))
    await kind.add(database, *(kind.new(dice) for _ in range(ROWS)))
    async with database.read() as connection:
        rows: list[Row] = await kind.repository(connection).page(
            *(() if kind.table is journal else (_ALL,)), limit=None
        )
    return rows


_ALL = SignalCriteria()


async def _meanwhile(kind: Kind, database: Database, dice: Random, seen: list[int]) -> set[int]:
    """A row is added, or one goes that was seen already: the one that the next page begins behind; answers its id."""
    event = dice.choice(["add", "remove", "nothing"])
    if event == "add":
        await kind.add(database, kind.new(dice))
    elif event == "remove":
        await kind.remove(database, seen[-1])
        return {seen[-1]}
    return set()


async def test_the_longest_tags_and_setup_fit_into_their_index(database: Database) -> None:
    wide = "".join(chr(0x1F300 + Random(number).randrange(1_500)) for number in range(500))
    entry = NewEntry(MONDAY, wide[:20], "SELL", 1.0, 1.31, tags=wide, trade_setup=wide[:100], outcome="BREAKEVEN")
    async with database.write("journal_entries") as connection:
        await JournalRepository(connection).create(entry)
