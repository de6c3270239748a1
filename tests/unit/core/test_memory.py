"""A thrifty start must not leave the process without garbage collection, and giving back must be harmless."""

import gc
from collections.abc import Iterator
from contextlib import suppress

import pytest

from alphaforge.core import memory


@pytest.fixture(autouse=True)
def collector_as_before() -> Iterator[None]:
    yield
    gc.unfreeze()
    gc.enable()


def test_nothing_is_collected_between_the_beginning_and_settling_down() -> None:
    with memory.thrifty_start():
        assert not gc.isenabled()
        memory.settle_down()
        assert gc.isenabled()


def test_garbage_is_collected_again_after_a_start_that_failed() -> None:
    with suppress(ValueError), memory.thrifty_start():
        raise ValueError
    assert gc.isenabled()


def test_what_a_start_made_is_never_looked_through_again() -> None:
    with memory.thrifty_start():
        made: list[list[int]] = [[] for _ in range(1_000)]
        before = gc.get_freeze_count()
        memory.settle_down()
    assert gc.get_freeze_count() >= before + len(made)


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory.sys, "platform", "darwin")
    assert memory._glibc() is None
    monkeypatch.setattr(memory, "_library", None)
    memory.give_back()
