"""Alerts queued from events: once each, whoever dies or races."""

import asyncio
from collections.abc import Sequence

import pytest
from sqlalchemy import update

from alert_builders import HOOK, PHONE, channel, dispatch, messages, new_signal, signal, titles
from alphaforge.alerts.model import Alert, Kind
from alphaforge.core.instruments import Instrument
from alphaforge.signals.model import Status
from alphaforge.storage.alerts import AlertRepository
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import JobRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.storage.work_tables import alert_channels, events
from alphaforge.tasks.alert_dispatch import BATCH, AlertDispatch
from alphaforge.tasks.alerts import Alerts


class Undone(Exception):
    pass


async def test_a_signal_and_its_outcome_are_queued_for_those_that_want_them(database: Database) -> None:
    telling = dispatch(database, HOOK, PHONE)
    await telling.dispatch()
    made = await signal(database)
    await telling.dispatch()
    async with database.write("trading_signals") as connection:
        await SignalRepository(connection).set_status(made, Status.WON, exit_price=1.314, at=1.7e9)
    await telling.dispatch()
    assert await titles(database) == [
        ("hook", "BUY GBP/USD"),
        ("hook", "WON: BUY GBP/USD"),
        ("phone", "WON: BUY GBP/USD"),
    ]
    first = (await messages(database))[0]
    assert (first.lane, first.key) == (HOOK.lane, f"alert:{HOOK.key}:event:1")
    assert (first.payload["signal_id"], first.payload["instrument"]) == (made, "GBP_USD")


async def test_a_signal_that_is_rolled_back_is_told_to_nobody(database: Database) -> None:
    telling = dispatch(database, HOOK)
    await telling.dispatch()

    async def give_up() -> None:
        async with database.write("trading_signals") as connection:
            await SignalRepository(connection).create(new_signal())
            raise Undone

    with pytest.raises(Undone):
        await give_up()
    await telling.dispatch()
    assert await messages(database) == []


class Dying(Alerts):
    """Queues, and dies before the cursor is moved."""

    async def tell(self, connection: AsyncConnection, alerts: Sequence[Alert], *, but: str | None = None) -> None:
        await Alerts.tell(self, connection, alerts, but=but)
        raise Undone


async def test_who_dies_between_queueing_and_noting_it_has_queued_nothing(database: Database) -> None:
    telling = dispatch(database, HOOK)
    await telling.dispatch()
    await signal(database)
    with pytest.raises(Undone):
        await AlertDispatch(database, Dying((HOOK,)), Instrument).dispatch()
    assert await messages(database) == []
    await telling.dispatch()
    assert len(await messages(database)) == 1


async def test_processes_that_tell_at_once_tell_each_signal_once(database: Database) -> None:
    await dispatch(database, HOOK).dispatch()
    made = [await signal(database) for _ in range(12)]
    await asyncio.gather(*(dispatch(database, HOOK).dispatch() for _ in range(6)))
    assert sorted(job.payload["signal_id"] for job in await messages(database)) == made


async def test_processes_that_gather_at_once_count_each_signal_once(database: Database) -> None:
    narrow = channel("af_name=narrow&af_per_minute=1")
    await dispatch(database, narrow).dispatch()
    for _ in range(12):
        await signal(database)
    await asyncio.gather(*(dispatch(database, narrow).dispatch() for _ in range(6)))
    assert sum(job.payload["count"] for job in await messages(database)) == 12


async def test_a_desk_that_gets_its_first_channel_is_not_flooded(database: Database) -> None:
    for _ in range(3):
        await signal(database)
    await dispatch(database, HOOK).dispatch()
    assert await messages(database) == []
    await dispatch(database).run()  # a start without channels
    await signal(database)
    await dispatch(database, HOOK).dispatch()
    assert await messages(database) == []
    await signal(database)
    await dispatch(database, HOOK).dispatch()
    assert len(await messages(database)) == 1


async def test_what_is_a_day_old_is_told_no_more(database: Database) -> None:
    telling = dispatch(database, HOOK)
    await telling.dispatch()
    await signal(database)
    async with database.write("events") as connection:
        await connection.execute(update(events).values(at=events.c.at - 86_500))
    await telling.dispatch()
    assert await messages(database) == []


async def test_signals_taken_in_with_their_end_are_no_news(database: Database) -> None:
    telling = dispatch(database, HOOK)
    await telling.dispatch()
    await signal(database, status=Status.WON)
    await telling.dispatch()
    assert await messages(database) == []


async def test_a_channels_filters_hold(database: Database) -> None:
    picky = channel("af_name=picky&af_instruments=XAU_USD&af_min_confidence=70")
    telling = dispatch(database, picky)
    await telling.dispatch()
    await signal(database, "GBP_USD", confidence=90)
    await signal(database, "XAU_USD", confidence=60)
    await signal(database, "XAU_USD", confidence=None)
    wanted = await signal(database, "XAU_USD", confidence=70)
    await telling.dispatch()
    assert [job.payload["signal_id"] for job in await messages(database)] == [wanted]


async def test_more_than_a_channel_takes_in_a_minute_is_told_as_one(database: Database) -> None:
    narrow = channel("af_name=narrow&af_per_minute=2")
    telling = dispatch(database, narrow)
    await telling.dispatch()
    for _ in range(3):
        await signal(database)
    await telling.dispatch()
    for _ in range(2):
        await signal(database)
        await telling.dispatch()
    first, second, *rest = await messages(database)
    assert (first.payload["why"], second.payload["why"]) == (None, None)
    assert {job.payload["why"] for job in rest} == {"many"}
    assert sum(job.payload["count"] for job in rest) == 3
    assert all(job.run_at > job.created_at for job in rest)


async def test_quiet_hours_hold_alerts_back_and_end_as_one_message(database: Database) -> None:
    async with database.read() as connection:
        now = await AlertRepository(connection).now()
    minute = int(now // 60) % 1_440
    start, end = (minute - 60) % 1_440, (minute + 60) % 1_440
    quiet = channel(f"af_quiet={start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}")
    telling = dispatch(database, quiet)
    await telling.dispatch()
    for _ in range(3):
        await signal(database)
        await telling.dispatch()
    (held,) = await messages(database)
    assert (held.payload["count"], held.payload["title"]) == (3, "3 alerts in quiet hours")
    assert 58 * 60 <= held.run_at - now <= 61 * 60
    assert (held.run_at / 60) % 1 == pytest.approx(0, abs=1e-3)


async def test_a_gathered_message_that_is_under_way_takes_in_nothing_more(database: Database) -> None:
    narrow = channel("af_name=narrow&af_per_minute=1")
    alerts = [Alert(f"x:{n}", Kind.TASK, 1.7e9, f"t{n}", "") for n in range(3)]

    async def tell(one: Alert) -> None:
        async with database.write("jobs") as connection:
            await Alerts((narrow,)).tell(connection, [one])

    await tell(alerts[0])
    await tell(alerts[1])
    async with database.write("jobs") as connection:
        taken = await JobRepository(connection).claim(("alert",), "me", 60)
        assert taken is not None
        await JobRepository(connection).finish(taken, "me", "done")
        gathered = (await messages(database))[-1]
        await connection.exec_driver_sql("UPDATE jobs SET run_at = 0")
        assert await JobRepository(connection).claim(("alert",), "me", 60, job_id=gathered.id) is not None
    await tell(alerts[2])
    counts = [job.payload["count"] for job in await messages(database)]
    assert counts == [1, 1, 1]


async def test_a_disabled_channel_is_told_nothing(database: Database) -> None:
    telling = dispatch(database, HOOK, channel("af_name=other&x=1"))
    await telling.dispatch()
    async with database.write("jobs") as connection:
        await connection.execute(alert_channels.insert().values(key=HOOK.key, failures=10, disabled_at=1.7e9))
    await signal(database)
    await telling.dispatch()
    assert [name for name, _ in await titles(database)] == ["other"]


async def test_a_long_outage_is_told_batch_by_batch(database: Database) -> None:
    wide = channel("af_name=wide&af_per_minute=600")
    telling = dispatch(database, wide)
    await telling.dispatch()
    async with database.write("trading_signals") as connection:
        await SignalRepository(connection).create_many([new_signal() for _ in range(BATCH + 5)])
    assert [await telling.dispatch(), await telling.dispatch(), await telling.dispatch()] == [BATCH, 5, 0]
    told = [job.payload["signal_id"] for job in await messages(database)]
    assert told == sorted(set(told))
    assert len(told) == BATCH + 5


async def test_it_is_woken_by_commits(database: Database) -> None:
    telling = dispatch(database, HOOK)
    await telling.dispatch()
    running = asyncio.create_task(telling.run())
    try:
        with database.commits.heard("jobs") as changed:
            await signal(database)
            async with asyncio.timeout(20):
                while not await messages(database):
                    await changed.wait()
                    changed.clear()
    finally:
        running.cancel()
