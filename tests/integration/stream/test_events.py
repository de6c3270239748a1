"""What is committed reaches who listens, and nothing else does, over either database."""

import asyncio
from contextlib import suppress
from typing import Any

import httpx2
import numpy as np
import pytest
from sqlalchemy import update

from alphaforge.api.app import create_app
from alphaforge.signals.model import Direction, FilterName, Status
from alphaforge.storage.candle_keeping import CandleKeeping
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.storage.work_tables import events
from alphaforge.stream.log import KEPT_SECONDS
from api_bench import NOW, SQLITE, decided, m5
from doors import heard as connected
from ears import Ear, listening

from .conftest import Desk, open_desk

DURABLE = "?kinds=signal,outcome,rejection,candle"


class Broken(Exception):
    pass


async def new_signal(database: Database, name: str = "GBP_USD", reasoning: str | None = None) -> int:
    async with database.write("trading_signals") as connection:
        new = NewSignal(name, Direction.BUY, 1.31, 1.308, 1.314, NOW - 60, reasoning=reasoning, notes="mine")
        return await SignalRepository(connection).create(new)


async def said(ear: Ear, count: int) -> list[Any]:
    """The ids of the next signals."""
    return [(await ear.next("signal")).data["id"] for _ in range(count)]


async def test_a_signal_is_told_as_it_is_read_without_its_heavy_parts(desk: Desk, database: Database) -> None:
    async with listening(desk.port, DURABLE) as ear:
        number = await new_signal(database, reasoning="because " * 100)
        told = await ear.next()
    app = create_app(desk.services)
    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://localhost") as client:
        signal = (await client.get(f"/api/signals/{number}")).json()["signal"]
    assert told.kind == "signal"
    assert len(told.data["reasoning"]) == 200
    assert told.data["reasoning"][:199] == signal["reasoning"][:199]
    del signal["notes"], signal["reasoning"], told.data["reasoning"]
    assert told.data == signal


async def test_what_is_rolled_back_is_never_told(desk: Desk, database: Database) -> None:
    async with listening(desk.port, DURABLE) as ear:
        with suppress(Broken):
            async with database.write("trading_signals") as connection:
                new = NewSignal("GBP_USD", Direction.BUY, 1.31, 1.308, 1.314, NOW)
                await SignalRepository(connection).create(new)
                raise Broken
        await new_signal(database, "XAU_USD")
        assert (await ear.next()).data["instrument"] == "XAU_USD"


async def test_outcomes_rejections_and_candles_have_their_shapes(desk: Desk, database: Database) -> None:
    start = int(NOW) // 300 * 300 - 600
    await CandleKeeping(database).keep("sandbox", m5("GBP_USD", start - 600, 2))
    async with listening(desk.port, DURABLE) as ear:
        number = await new_signal(database)
        async with database.write("trading_signals") as connection:
            await SignalRepository(connection).set_status(number, Status.WON, exit_price=1.314, at=NOW)
        async with database.write("rejections") as connection:
            await RejectionRepository(connection).add(decided(reason=FilterName.COOLDOWN), source="s", simulated=True)
        series = m5("GBP_USD", start, 1)
        await CandleKeeping(database).keep("sandbox", series)
        outcome = await ear.next("outcome")
        rejection = await ear.next("rejection")
        candle = await ear.next("candle")
    assert (outcome.data["id"], outcome.data["status"], outcome.data["exit_price"]) == (number, "WON", 1.314)
    assert {"reason": "cooldown", "timestamp": "2026-03-03T10:02:30Z", "simulated": True}.items() <= (
        rejection.data.items()
    )
    assert candle.data["time"] == "2026-03-03T09:50:00Z"
    assert candle.data["end_time"] == "2026-03-03T09:55:00Z"
    assert candle.data["volume"] == 1
    for side in ("mid", "bid", "ask"):
        prices = [float(column[0]) for column in getattr(series, side).columns()]
        assert np.array_equal(list(candle.data[side].values()), prices)


async def test_candles_of_another_market_are_not_told(desk: Desk, database: Database) -> None:
    start = int(NOW) // 300 * 300 - 600
    for source in ("import", "sandbox"):
        await CandleKeeping(database).keep(source, m5("XAU_USD", start - 600, 1))
    async with listening(desk.port, DURABLE) as ear:
        await CandleKeeping(database).keep("import", m5("XAU_USD", start, 1))
        number = await new_signal(database)
        assert (await ear.next()).data["id"] == number


async def test_a_listener_hears_only_what_he_chose(desk: Desk, database: Database) -> None:
    async with (
        listening(desk.port, "?kinds=signal,price&instruments=gold") as gold,
        listening(desk.port, "?kinds=outcome") as outcomes,
        listening(desk.port, "?instruments=GBPUSD,usd/jpy") as two,
    ):
        await two.next("status")
        for name in ("GBP_USD", "XAU_USD", "USD_JPY"):
            number = await new_signal(database, name)
            desk.feed.quote(1.0, name)
            async with database.write("trading_signals") as connection:
                await SignalRepository(connection).set_status(number, Status.WON, exit_price=1.314, at=NOW)
        for _ in range(3):
            await outcomes.next()
        for _ in range(2):
            await gold.next()
        for _ in range(6):
            await two.next("signal", "outcome", "price")
        await new_signal(database, "XAU_USD")
        await gold.next()
    assert sorted(one.kind for one in gold.events) == ["price", "signal", "signal"]
    assert {one.data["instrument"] for one in gold.events} == {"XAU_USD"}
    assert [one.kind for one in outcomes.events] == ["outcome"] * 3
    assert {one.data["instrument"] for one in two.events if one.kind != "status"} == {"GBP_USD", "USD_JPY"}


async def test_after_a_restart_who_comes_back_misses_nothing(database: Database) -> None:
    async with open_desk(database) as desk, listening(desk.port, DURABLE) as ear:
        first = await new_signal(database)
        assert await said(ear, 1) == [first]
    meanwhile = [await new_signal(database) for _ in range(3)]
    async with open_desk(database) as desk:
        later = await new_signal(database)
        async with listening(desk.port, DURABLE, ear.last_id) as again:
            assert await said(again, 4) == [*meanwhile, later]
        async with listening(desk.port, f"{DURABLE}&last_event_id={ear.last_id}", again.last_id) as header:
            last = await new_signal(database)
            assert await said(header, 1) == [last], "the header wins: a browser keeps the address of its first question"
        async with listening(desk.port, f"{DURABLE}&last_event_id={ear.last_id}") as query:
            assert await said(query, 5) == [*meanwhile, later, last]


async def aged(database: Database, seconds: float) -> None:
    async with database.write("app_settings") as connection:
        await connection.execute(update(events).values(at=events.c.at - seconds))


async def test_what_is_too_old_or_of_another_database_is_reset(database: Database) -> None:
    async with open_desk(database) as desk, listening(desk.port, DURABLE) as ear:
        await new_signal(database)
        await ear.next()
        old = ear.last_id
        await new_signal(database)
        await ear.next()
        await new_signal(database)
    await aged(database, KEPT_SECONDS + 10)
    async with open_desk(database) as desk:
        async with listening(desk.port, DURABLE, old) as again:
            reset = await again.next()
            assert (reset.kind, reset.data["reason"]) == ("reset", "too_old")
            number = await new_signal(database)
            assert (await again.next()).data["id"] == number
        moment = old.partition(".")[2]
        async with listening(desk.port, DURABLE, f"999999.{moment}") as foreign:
            assert (await foreign.next()).data["reason"] == "unknown"
        async with listening(desk.port, "?kinds=price", old) as prices:
            desk.feed.quote(1.0)
            assert (await prices.next()).kind == "price", "who does not want what is gone has lost nothing"


@pytest.fixture
async def other(database: Database, database_url: str) -> Any:
    opened = await Database.open(database_url)
    yield opened
    await opened.close()


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_what_one_process_writes_reaches_the_listeners_of_another(database: Database, other: Database) -> None:
    async with open_desk(database) as here, open_desk(other, app=create_app) as there:
        await connected(other)
        async with listening(there.port, DURABLE) as far, listening(here.port, DURABLE) as near:
            numbers = [await new_signal((database, other)[turn % 2]) for turn in range(6)]
            assert await said(far, 6) == numbers
            assert await said(near, 6) == numbers
        async with listening(there.port, DURABLE, near.events[2].id) as moved:
            assert await said(moved, 3) == numbers[3:], "numbers mean the same everywhere"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
async def test_who_comes_from_a_process_that_knows_more_is_not_taken_for_a_stranger(
    database: Database, other: Database
) -> None:
    async with open_desk(database) as here, open_desk(other, app=create_app) as there:
        await connected(other)
        followers, other.commits._followers = other.commits._followers, []  # as if its announcements were late
        async with listening(here.port, DURABLE) as near:
            await new_signal(database)
            await near.next()
        async with listening(there.port, DURABLE, near.last_id) as moved:
            assert there.services.stream.log.number == here.services.stream.log.number > 0
            other.commits._followers = followers
            number = await new_signal(database)
            told = await moved.next()
    assert (told.kind, told.data["id"]) == ("signal", number)


@SQLITE
async def test_a_commit_costs_one_read_however_many_listen_and_a_listener_none(
    desk: Desk, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = 0
    reading = database.read

    def counted() -> Any:
        nonlocal reads
        reads += 1
        return reading()

    monkeypatch.setattr(database, "read", counted)
    await new_signal(database)
    async with listening(desk.port, DURABLE) as one:
        second = await new_signal(database)
        while await said(one, 1) != [second]:
            pass
    before, cursor = reads, f"{desk.services.stream.log.number - 1}.{one.last_id.partition('.')[2]}"

    async def ask() -> None:
        async with listening(desk.port, DURABLE, cursor) as ear:
            assert await said(ear, 2) == [second, third]

    async with listening(desk.port, DURABLE) as one:
        third = await new_signal(database)
        await said(one, 1)
    await asyncio.gather(*(ask() for _ in range(50)))
    assert reads == before + 1
