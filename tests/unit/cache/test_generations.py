"""Versions of the data: what a change replaces, and what it leaves."""

from hypothesis import given
from hypothesis import strategies as st

from alphaforge.cache.generations import Generations

NOUNS = ["signals", "journal", "candles", "prices"]


@given(st.sets(st.sampled_from(NOUNS), min_size=1), st.sets(st.sampled_from(NOUNS)))
def test_a_change_replaces_the_stamp_of_every_scope_that_has_the_noun_and_of_no_other(
    read: set[str], changed: set[str]
) -> None:
    generations = Generations()
    scope = generations.scope(read)
    before = scope.stamp
    generations.changed(changed)
    assert (scope.stamp is not before) == (not changed or bool(read & changed))


def test_a_scope_of_nothing_changes_only_with_everything() -> None:
    generations = Generations()
    fixed, everything = generations.scope(()), generations.scope(NOUNS)
    before = fixed.stamp, everything.stamp
    generations.changed(["signals"])
    assert fixed.stamp is before[0]
    assert everything.stamp is not before[1]


def test_the_order_of_nouns_makes_no_other_scope() -> None:
    generations = Generations()
    assert generations.scope(("a", "b")) is generations.scope(["b", "a"])


@given(st.lists(st.tuples(st.sets(st.sampled_from(NOUNS)), st.uuids().map(str)), max_size=12))
def test_processes_that_hear_the_same_after_a_common_beginning_agree(heard: list[tuple[set[str], str]]) -> None:
    here, there = Generations(), Generations()
    here.scope(["signals"])  # one of them was asked already
    here.changed(["journal"])
    for generations in (here, there):
        generations.changed((), "begun")
        for nouns, token in heard:
            generations.changed(nouns, token)
    for nouns in (["signals"], ["journal", "prices"], ["candles"]):
        assert here.scope(nouns).stamp == there.scope(nouns).stamp


def test_processes_that_have_heard_nothing_share_nothing() -> None:
    assert Generations().scope(["signals"]).stamp != Generations().scope(["signals"]).stamp
