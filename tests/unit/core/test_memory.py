"""A thrifty start must not leave the process without garbage collection, and giving back must be harmless."""

import gc
import mmap
import resource
import sys
from collections.abc import Iterator
from contextlib import suppress

import numpy as np
import psutil
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


@pytest.mark.skipif(memory._library is None, reason="only glibc is told what to keep")
def test_a_long_computation_keeps_what_it_frees_and_gives_it_back_at_its_end() -> None:
    with memory.at_full_speed():
        pages_of_two_mebibytes()
        assert pages_of_two_mebibytes() < 50
    assert pages_of_two_mebibytes() > 400


def pages_of_two_mebibytes() -> int:
    """How many pages the machine hands out for so much that is held for a moment."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_minflt
    np.ones(2 * MIB // 8)
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt - before


MIB = 2**20
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="only Linux keeps a peak")


def taken(mebibytes: int) -> None:
    """Hold so much for a moment: pages of its own, as what was free in the process would not be more than before."""
    with mmap.mmap(-1, mebibytes * MIB) as pages:
        pages[:: mmap.PAGESIZE] = b"x" * (mebibytes * MIB // mmap.PAGESIZE)


@LINUX
def test_the_peak_of_a_block_is_what_was_held_in_it_and_not_before() -> None:
    taken(128)
    with memory.peak_of_block() as small:
        pass
    with memory.peak_of_block() as large:
        taken(64)
    assert small.bytes is not None
    assert large.bytes is not None
    assert 60 * MIB < large.bytes - small.bytes < 100 * MIB


@LINUX
def test_blocks_that_overlap_each_know_what_was_held_while_they_lasted() -> None:
    first, second, third = memory.peak_of_block(), memory.peak_of_block(), memory.peak_of_block()
    with memory.peak_of_block() as idle:
        pass
    one = first.__enter__()
    taken(96)
    two = second.__enter__()
    three = third.__enter__()
    taken(32)
    first.__exit__(None, None, None)
    third.__exit__(None, None, None)
    taken(64)
    second.__exit__(None, None, None)
    assert idle.bytes is not None
    above = [round(((peak.bytes or 0) - idle.bytes) / MIB / 32) for peak in (one, two, three)]
    assert above == [3, 2, 1]
    assert memory._under_way == []


def test_without_a_mark_the_peak_is_what_is_held_afterwards(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "forget_peak", refused)
    with memory.peak_of_block() as peak:
        taken(128)
    now = psutil.Process().memory_info().rss
    assert peak.bytes is not None
    assert abs(peak.bytes - now) < 16 * MIB


def test_where_nothing_tells_what_is_held_nothing_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "held", refused)
    monkeypatch.setattr(psutil, "Process", refused)
    with memory.peak_of_block() as peak:
        pass
    assert peak.bytes is None


def refused(*_: object, **__: object) -> int:
    raise PermissionError
