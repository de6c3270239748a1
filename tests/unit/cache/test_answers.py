"""Asking once, and never giving what was read before a change to those who ask after it."""

import asyncio
from dataclasses import dataclass

import pytest

from alphaforge.cache.answers import Answers
from alphaforge.cache.generations import Generations
from alphaforge.cache.memory import Memory


@dataclass(frozen=True)
class Value:
    text: str
    size: int = 10


class Source:
    """Loads that can be held, and counted."""

    def __init__(self) -> None:
        self.loads = 0
        self.text = "old"
        self.gate = asyncio.Event()
        self.gate.set()

    async def load(self) -> Value | None:
        self.loads += 1
        text = self.text  # read first, as a database is
        await self.gate.wait()
        return Value(text) if text else None


class Shared:
    """A second level in a dict."""

    def __init__(self) -> None:
        self.kept: dict[object, Value] = {}

    async def get(self, key: object, stamp: object) -> Value | None:
        return self.kept.get((key, stamp))

    async def put(self, key: object, stamp: object, value: Value) -> None:
        self.kept[key, stamp] = value


@pytest.fixture
def generations() -> Generations:
    return Generations()


@pytest.fixture
def answers(generations: Generations) -> Answers[Value]:
    return Answers(Memory(100_000), generations, 60.0)


async def text(answers: Answers[Value], generations: Generations, source: Source) -> str | None:
    slot, _ = await answers.get("key", generations.scope(["a"]), source.load)
    return slot.value.text if slot else None


async def test_two_hundred_who_ask_at_once_cost_one_load(answers: Answers[Value], generations: Generations) -> None:
    source = Source()
    source.gate.clear()
    asking = [asyncio.create_task(text(answers, generations, source)) for _ in range(200)]
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.gate.set()
    assert set(await asyncio.gather(*asking)) == {"old"}
    assert source.loads == 1
    assert (answers.traffic.misses, answers.traffic.joined) == (1, 199)


async def test_who_asks_after_a_change_does_not_get_what_was_read_before(
    answers: Answers[Value], generations: Generations
) -> None:
    source = Source()
    source.gate.clear()
    early = asyncio.create_task(text(answers, generations, source))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    source.text = "new"
    generations.changed(["a"])
    late = asyncio.create_task(text(answers, generations, source))
    await asyncio.sleep(0)
    source.gate.set()
    assert (await early, await late) == ("old", "new")
    assert await text(answers, generations, source) == "new"
    assert source.loads == 2


async def test_who_asks_and_goes_away_takes_nobodys_answer_with_him(
    answers: Answers[Value], generations: Generations
) -> None:
    source = Source()
    source.gate.clear()
    first = asyncio.create_task(text(answers, generations, source))
    await asyncio.sleep(0)
    second = asyncio.create_task(text(answers, generations, source))
    await asyncio.sleep(0)
    first.cancel()
    source.gate.set()
    assert await second == "old"
    assert source.loads == 1


async def test_a_load_that_fails_fails_for_those_who_asked_and_is_tried_again(
    answers: Answers[Value], generations: Generations
) -> None:
    async def broken() -> Value:
        raise RuntimeError("down")

    with pytest.raises(RuntimeError, match="down"):
        await answers.get("key", generations.scope(["a"]), broken)
    assert await text(answers, generations, Source()) == "old"


async def test_what_is_not_worth_keeping_is_loaded_each_time(answers: Answers[Value], generations: Generations) -> None:
    source = Source()
    source.text = ""
    assert [await text(answers, generations, source) for _ in range(2)] == [None, None]
    assert source.loads == 2


async def test_what_one_process_made_another_finds_until_it_changes() -> None:
    shared, source = Shared(), Source()
    here, there = Generations(), Generations()
    for generations in (here, there):
        generations.changed((), "begun")
    first, second = (Answers(Memory[Value](100_000), one, 60.0, shared) for one in (here, there))
    assert [await text(first, here, source), await text(second, there, source)] == ["old", "old"]
    assert source.loads == 1
    source.text = "new"
    for generations in (here, there):
        generations.changed(["a"], "t1")
    assert [await text(second, there, source), await text(first, here, source)] == ["new", "new"]
    assert source.loads == 2


async def test_what_changed_while_it_was_made_is_left_to_nobody() -> None:
    shared, source, generations = Shared(), Source(), Generations()
    source.gate.clear()
    answers = Answers(Memory[Value](100_000), generations, 60.0, shared)
    asking = asyncio.create_task(text(answers, generations, source))
    for _ in range(3):
        await asyncio.sleep(0)
    generations.changed(["a"])
    source.gate.set()
    assert await asking == "old"
    assert not shared.kept
    assert not len(answers.memory)
