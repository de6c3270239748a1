"""Messages brought to channels by an engine, and channels that fail."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field

import pytest

from alert_builders import HOOK, PHONE, FakeNotifier, channel, dispatch, messages, signal, titles
from alphaforge.alerts.channel import Channel
from alphaforge.alerts.notifier import Message
from alphaforge.core.errors import NotDelivered, NotFound
from alphaforge.storage.alert_channels import ChannelRepository, ChannelState
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import DONE, FAILED, QUEUED, JobRepository
from alphaforge.tasks.alert_delivery import MOST_FAILURES, PAUSES, AlertDelivery
from alphaforge.tasks.alerts import Alerts
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.kinds import GiveUp, Running

OTHER = channel("af_name=other&x=1")
SOON = 20.0


@asynccontextmanager
async def delivering(database: Database, delivery: AlertDelivery) -> AsyncIterator[None]:
    """An engine that delivers within the block."""
    task = asyncio.create_task(Engine(database, [delivery.kind], 1, "me").run())
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def until_ended(database: Database, count: int) -> None:
    """Until so many messages are done or failed."""
    async with asyncio.timeout(SOON):
        with database.commits.heard("jobs") as changed:
            while sum(job.status in (DONE, FAILED) for job in await messages(database)) < count:
                await changed.wait()
                changed.clear()


async def state(database: Database, one: Channel) -> ChannelState:
    async with database.read() as connection:
        return await ChannelRepository(connection).state(one.key)


async def attempt(database: Database, delivery: AlertDelivery) -> None:
    """Take the next message of all that wait, due or not, try it once, and put it back as an engine would."""
    async with database.write("jobs") as connection:
        await connection.exec_driver_sql("UPDATE jobs SET run_at = 0 WHERE status = 'queued'")
        job = await JobRepository(connection).claim(("alert",), "me", 60)
    assert job is not None
    status, error = DONE, None
    try:
        await delivery.run(Running(job))
    except GiveUp as given_up:
        status, error = FAILED, given_up.message
    except NotDelivered as failure:
        async with database.write("jobs") as connection:
            await JobRepository(connection).put_back(job, "me", 5, error=failure.message)
        return
    async with database.write("jobs") as connection:
        await JobRepository(connection).finish(job, "me", status, error=error)


async def told(database: Database, *channels: Channel, signals: int = 1) -> None:
    """So many signals, queued for these channels."""
    telling = dispatch(database, *channels)
    await telling.dispatch()
    for _ in range(signals):
        await signal(database)
    await telling.dispatch()


async def test_each_message_is_sent_once_in_order_with_its_key(database: Database) -> None:
    await told(database, HOOK, OTHER, signals=3)
    notifier = FakeNotifier()
    async with delivering(database, AlertDelivery(database, Alerts((HOOK, OTHER)), notifier)):
        await until_ended(database, 6)
    for one in (HOOK, OTHER):
        keys = [message.key for name, message in notifier.sent if name == one.name]
        assert keys == [f"alert:{one.key}:event:{n}" for n in (1, 2, 3)]


@dataclass
class Mute(FakeNotifier):
    """A receiver that never answers for one channel; `asked` when it is asked."""

    asked: asyncio.Event = field(default_factory=asyncio.Event)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    async def send(self, channel: Channel, message: Message) -> None:
        if channel.name == OTHER.name:
            self.asked.set()
            await self.answers.wait()
        await FakeNotifier.send(self, channel, message)


async def test_a_receiver_that_never_answers_holds_up_its_own_channel_only(database: Database) -> None:
    await told(database, OTHER, HOOK, signals=4)
    notifier = Mute()
    async with delivering(database, AlertDelivery(database, Alerts((OTHER, HOOK)), notifier)):
        await until_ended(database, 4)
        assert [name for name, _ in notifier.sent] == ["hook"] * 4
        assert sum(job.status == QUEUED for job in await messages(database)) == 3
        notifier.answers.set()


async def test_an_ordinary_stop_waits_for_the_answer_and_marks_it(database: Database) -> None:
    await told(database, OTHER)
    notifier = Mute()
    engine = Engine(database, [AlertDelivery(database, Alerts((OTHER,)), notifier).kind], 1, "me")
    task = asyncio.create_task(engine.run())
    async with asyncio.timeout(SOON):
        await notifier.asked.wait()
        task.cancel()
        await asyncio.sleep(0)
        assert not task.done()
        notifier.answers.set()
        with suppress(asyncio.CancelledError):
            await task
    (job,) = await messages(database)
    assert (job.status, len(notifier.sent)) == (DONE, 1)


async def test_a_failure_is_noted_and_the_whole_lane_waits_until_one_gets_through(database: Database) -> None:
    await told(database, HOOK, OTHER, signals=3)
    notifier = FakeNotifier(dead={"hook"})
    delivery = AlertDelivery(database, Alerts((HOOK, OTHER)), notifier)
    async with database.write("jobs") as connection:
        job = await JobRepository(connection).claim(("alert",), "me", 60)
    assert job is not None
    assert job.lane == HOOK.lane
    with pytest.raises(NotDelivered):
        await delivery.run(Running(job))
    assert await state(database, HOOK) == ChannelState(1, None, "Failed to send: error=503.")
    waiting = [one for one in await messages(database) if one.status == QUEUED]
    pauses = {one.lane: one.run_at - one.created_at for one in waiting}
    assert PAUSES[0] <= pauses[HOOK.lane] < PAUSES[0] + SOON
    assert pauses[OTHER.lane] == pytest.approx(0, abs=0.01)
    notifier.dead.clear()
    await delivery.run(Running(job))
    assert (await state(database, HOOK)).failures == 0
    after = [one.run_at - one.created_at for one in await messages(database) if one.lane == HOOK.lane]
    assert max(after) < PAUSES[0]


async def test_a_channel_that_always_fails_is_disabled_and_the_others_are_told(database: Database) -> None:
    await told(database, HOOK)
    notifier = FakeNotifier(dead={"hook"})
    delivery = AlertDelivery(database, Alerts((HOOK, PHONE)), notifier)
    for _ in range(MOST_FAILURES):
        assert (await state(database, HOOK)).disabled_at is None
        await attempt(database, delivery)
    assert (await state(database, HOOK)).failures == MOST_FAILURES
    assert (await state(database, HOOK)).disabled_at is not None
    assert (await titles(database))[1:] == [("phone", "Channel hook disabled")]
    body = (await messages(database))[1].payload["body"]
    assert "10 failures in a row" in body
    assert "error=503" in body
    for _ in range(2):  # the one that failed, and the notice
        await attempt(database, delivery)
    failed, notice = await messages(database)
    assert (failed.status, failed.error) == (FAILED, "The channel was disabled after 10 failures in a row")
    assert (notice.status, notifier.tried.count("hook")) == (DONE, MOST_FAILURES)


async def test_an_enabled_channel_begins_anew(database: Database) -> None:
    delivery = AlertDelivery(database, Alerts((HOOK,)), FakeNotifier())
    async with database.write("jobs") as connection:
        for _ in range(MOST_FAILURES):
            await ChannelRepository(connection).failed(HOOK.key, "503", MOST_FAILURES)
    assert [one.disabled_at is None for _, one, _ in await delivery.states()] == [False]
    await delivery.enable("hook")
    assert await delivery.states() == [(HOOK, ChannelState(), None)]
    await told(database, HOOK)
    async with delivering(database, delivery):
        await until_ended(database, 1)
    ((_, _, sent_at),) = await delivery.states()
    assert sent_at == (await messages(database))[0].finished_at


async def test_what_waits_for_a_channel_that_is_gone_is_given_up(database: Database) -> None:
    await told(database, HOOK)
    async with delivering(database, AlertDelivery(database, Alerts(()), None)):
        await until_ended(database, 1)
    (job,) = await messages(database)
    assert (job.status, job.error) == (FAILED, "Its channel is not among ALERT_URLS any more")


async def test_what_is_sent_late_says_so(database: Database) -> None:
    await told(database, HOOK)
    (job,) = await messages(database)
    notifier = FakeNotifier()
    late = AlertDelivery(database, Alerts((HOOK,)), notifier, clock=lambda: job.created_at + 600)
    async with delivering(database, late):
        await until_ended(database, 1)
    assert notifier.sent[0][1].title == "Late: BUY GBP/USD"


async def test_a_test_is_sent_whatever_the_channel_wants(database: Database) -> None:
    notifier = FakeNotifier()
    delivery = AlertDelivery(database, Alerts((PHONE,)), notifier)
    await delivery.test("phone")
    assert "phone" in notifier.sent[0][1].body
    with pytest.raises(NotFound, match="There is no channel"):
        await delivery.test("nobody")
    notifier.dead.add("phone")
    with pytest.raises(NotDelivered):
        await delivery.test("phone")
    assert await messages(database) == []
