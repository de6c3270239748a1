"""How long connections are kept for clients that neither ask nor read."""

from dataclasses import dataclass, field

import pytest

from alphaforge.api.patience import Patience, Watch

PATIENCE = Patience(head=30, reading=60)


@dataclass(eq=False)
class Line:
    """A connection in whatever state a test puts it."""

    question: object | None = None
    is_asking: bool = False
    has_begun: bool = False
    is_stuck: bool = False
    taken: int = 0
    said: list[bytes] = field(default_factory=list)
    is_aborted: bool = False

    def say(self, words: bytes) -> None:
        self.said.append(words)

    def abort(self) -> None:
        self.is_aborted = True


@pytest.mark.parametrize(("begun", "words"), [(True, b"HTTP/1.1 408 "), (False, b"")])
def test_a_head_that_does_not_come_ends_the_connection(*, begun: bool, words: bytes) -> None:
    line, watch = Line(is_asking=True, has_begun=begun), Watch(PATIENCE)
    assert [watch.look([line], now) for now in (100, 110, 129.9, 130)] == [0, 0, 0, 1]
    assert len(line.said) == 1
    assert line.said[0].startswith(words)
    assert bool(line.said[0]) == begun
    assert not line.is_aborted


def test_each_question_has_its_own_time() -> None:
    line, watch = Line(is_asking=True, has_begun=True), Watch(PATIENCE)
    for now in range(0, 300, 20):
        line.question = object()
        assert watch.look([line], now) == 0
    assert not line.said


def test_who_waits_for_an_answer_or_is_idle_is_left_alone() -> None:
    line, watch = Line(question=object()), Watch(PATIENCE)
    assert sum(watch.look([line], now) for now in range(0, 1000, 10)) == 0


def test_who_stops_asking_for_a_while_begins_anew() -> None:
    line, watch = Line(is_asking=True), Watch(PATIENCE)
    watch.look([line], 0)
    line.is_asking = False
    watch.look([line], 20)
    line.is_asking = True
    assert [watch.look([line], now) for now in (31, 60, 61)] == [0, 0, 1]


def test_who_takes_nothing_of_an_answer_is_cut_off_and_who_takes_some_is_not() -> None:
    reads, reads_not, watch = Line(is_stuck=True), Line(is_stuck=True), Watch(PATIENCE)
    for now in range(0, 60, 10):
        reads.taken += 1
        assert watch.look([reads, reads_not], now) == 0
    assert watch.look([reads, reads_not], 60) == 1
    assert (reads.is_aborted, reads_not.is_aborted) == (False, True)
    assert not reads_not.said


def test_nothing_is_kept_of_connections_that_are_gone() -> None:
    watch = Watch(PATIENCE)
    watch.look([Line(is_asking=True) for _ in range(5)], 0)
    watch.look([], 1)
    assert not watch._since
