"""Durable events come into the log as they are committed, each once, by as few questions as there are wakes."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from alphaforge.core.errors import StorageError
from alphaforge.stream import following as module
from alphaforge.stream.following import BATCH, Following, Happened
from alphaforge.stream.listeners import Stream
from alphaforge.stream.log import Kind, Told

NOW = 1_700_000_000.0


@dataclass
class FakeEvents:
    """A table of events: numbers, some of which have nothing left to tell."""

    numbers: list[int] = field(default_factory=list)
    empty: set[int] = field(default_factory=set)
    old: int = 0
    asked: list[int] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    answers: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.answers.set()

    async def newest_before(self, seconds: float) -> int:
        return self.old

    async def after(self, number: int, at_most: int) -> Sequence[Happened]:
        self.asked.append(number)
        await self.answers.wait()
        if self.failures:
            raise self.failures.pop(0)
        told = Told(Kind.SIGNAL, "GBP_USD", b"{}")
        found = [one for one in self.numbers if one > number][:at_most]
        return [Happened(one, NOW - 60, None if one in self.empty else told) for one in found]


@asynccontextmanager
async def running(following: Following) -> AsyncIterator["asyncio.Task[None]"]:
    task = asyncio.create_task(following.run())
    yield task
    task.cancel()
    await asyncio.wait({task})


async def turns(count: int = 10) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


async def test_the_log_begins_with_what_happened_in_the_last_minutes_and_by_its_own_time() -> None:
    events = FakeEvents([5, 6, 9], old=4)
    stream = Stream(lambda: NOW)
    await Following(stream, events, gathering=0).begin()
    assert stream.log.number == 9
    assert stream.log.end == 3
    assert stream.log.cursor_at(1, NOW).moment == (NOW - 60) * 1e6  # type: ignore[union-attr] - it is there
    assert events.asked == [4]


async def test_a_thousand_commits_heard_together_are_one_question() -> None:
    events, stream = FakeEvents(), Stream(lambda: NOW)
    following = Following(stream, events, gathering=0)
    async with running(following):
        await turns()
        events.asked.clear()
        for number in range(1, 101):
            events.numbers.append(number)
            following.heard(("trading_signals", "events"), None)
        await turns()
        assert events.asked == [0]
        assert stream.log.number == stream.log.end == 100
        following.heard(("journal_entries",), None)
        await turns()
        assert events.asked == [0], "what brings no event is no reason to ask"
        following.heard((), None)
        await turns()
        assert events.asked == [0, 100], "after announcements were lost anything may have happened"


async def test_many_events_come_in_several_parts_and_those_without_anything_to_tell_are_passed_over() -> None:
    events = FakeEvents(list(range(1, 2 * BATCH + 11)), empty={3, BATCH, 2 * BATCH + 10})
    stream = Stream(lambda: NOW)
    await Following(stream, events, gathering=0).begin()
    assert events.asked == [0, BATCH, 2 * BATCH]
    assert stream.log.number == 2 * BATCH + 10
    assert stream.log.end == 2 * BATCH + 7


async def test_what_is_committed_while_it_reads_is_read_next() -> None:
    events, stream = FakeEvents([1]), Stream(lambda: NOW)
    following = Following(stream, events, gathering=0)
    events.answers.clear()
    async with running(following):
        await turns()
        following.heard(("events",), None)
        events.answers.set()
        await turns()
        events.numbers.append(2)
        assert events.asked == [0, 1]


async def test_who_knows_more_waits_for_one_read_with_all_others() -> None:
    events, stream = FakeEvents(), Stream(lambda: NOW)
    following = Following(stream, events, gathering=0)
    async with running(following):
        await turns()
        events.numbers.append(7)
        events.asked.clear()
        await asyncio.gather(*(following.caught_up(7) for _ in range(50)))
        assert stream.log.number == 7
        assert len(events.asked) <= 2
        events.asked.clear()
        await following.caught_up(7)
        assert not events.asked


async def test_a_failure_is_told_to_who_waits_and_following_goes_on_when_run_again() -> None:
    events, stream = FakeEvents(failures=[StorageError("gone")]), Stream(lambda: NOW)
    following = Following(stream, events, gathering=0)
    waiting = asyncio.create_task(following.caught_up(1))
    await turns(1)
    with pytest.raises(StorageError, match="gone"):
        await following.run()
    with pytest.raises(StorageError, match="gone"):
        await waiting
    events.numbers.append(1)
    async with running(following):
        await following.caught_up(1)
        assert stream.log.number == 1


async def test_who_waits_for_a_database_that_says_nothing_is_told_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "PATIENCE", 0.01)
    events = FakeEvents()
    events.answers.clear()
    following = Following(Stream(lambda: NOW), events, gathering=0)
    async with running(following):
        with pytest.raises(StorageError, match="does not say"):
            await following.caught_up(1)
