"""What is kept: by bytes, by use, and only while it is true."""

from hypothesis import given
from hypothesis import strategies as st

from alphaforge.cache.generations import Generations
from alphaforge.cache.memory import OVERHEAD, Memory, Slot


class Hands:
    """A clock that is set by hand."""

    moment = 0.0

    def __call__(self) -> float:
        return self.moment


def slot(generations: Generations, key: object, size: int = 0, noun: str = "a", deadline: float = 10.0) -> Slot[str]:
    scope = generations.scope([noun])
    return Slot(key, f"value of {key}", scope, scope.stamp, deadline, size)


def test_what_changed_is_not_found_any_more_and_the_rest_is() -> None:
    generations, memory = Generations(), Memory[str](100_000, Hands())
    memory.keep(slot(generations, 1, noun="a"))
    memory.keep(slot(generations, 2, noun="b"))
    generations.changed(["a"])
    assert memory.find(1) is None
    assert memory.find(2) is not None
    assert memory.bytes == OVERHEAD


def test_what_is_too_old_is_not_found_any_more() -> None:
    hands = Hands()
    generations, memory = Generations(), Memory[str](100_000, hands)
    memory.keep(slot(generations, 1, deadline=10.0))
    hands.moment = 9.9
    assert memory.find(1) is not None
    hands.moment = 10.0
    assert memory.find(1) is None


def test_what_was_used_longest_ago_makes_room() -> None:
    generations, memory = Generations(), Memory[str](16 * OVERHEAD, Hands())
    for key in range(16):
        memory.keep(slot(generations, key))
    memory.find(0)
    memory.lead("short", memory.find(1), "note")  # type: ignore[arg-type]  # it is there
    memory.shortcut("short")
    memory.keep(slot(generations, 16))
    assert [key for key in range(17) if memory.find(key) is None] == [2]
    assert memory.evicted == 1


def test_what_would_take_an_eighth_of_all_is_not_kept() -> None:
    generations, memory = Generations(), Memory[str](80_000, Hands())
    assert not memory.keep(slot(generations, 1, size=10_001 - OVERHEAD))
    assert memory.keep(slot(generations, 2, size=10_000 - OVERHEAD))
    assert memory.bytes == 10_000


def test_a_shortcut_ends_with_its_slot() -> None:
    generations, memory = Generations(), Memory[str](100_000, Hands())
    kept = slot(generations, 1)
    memory.keep(kept)
    memory.lead("quick", kept, "note")
    assert memory.shortcut("quick") == (kept, "note")
    generations.changed(["a"])
    assert memory.shortcut("quick") is None
    memory.keep(slot(generations, 1))
    assert memory.shortcut("quick") is None


def test_a_slot_gets_only_so_many_shortcuts() -> None:
    generations, memory = Generations(), Memory[str](100_000, Hands())
    kept = slot(generations, 1)
    memory.keep(kept)
    for number in range(100):
        memory.lead(number, kept, "")
    assert sum(memory.shortcut(number) is not None for number in range(100)) == Memory.SHORTCUTS


def test_no_shortcut_leads_to_what_is_not_kept() -> None:
    generations, memory = Generations(), Memory[str](100_000, Hands())
    memory.lead("quick", slot(generations, 1), "")
    assert memory.shortcut("quick") is None


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["keep", "find", "grow", "change", "lead"]), st.integers(0, 9), st.integers(0, 3_000)
        ),
        max_size=60,
    )
)
def test_the_bytes_are_those_of_the_slots_and_never_more_than_allowed(steps: list[tuple[str, int, int]]) -> None:
    generations, memory = Generations(), Memory[str](20_000, Hands())
    kept: dict[int, Slot[str]] = {}
    for what, key, size in steps:
        if what == "keep":
            kept[key] = slot(generations, key, size, noun=str(key % 2))
            memory.keep(kept[key])
        elif what == "find":
            found = memory.find(key)
            assert found is None or found is kept[key]
        elif what == "grow" and key in kept:
            memory.grown(kept[key], size)
        elif what == "lead" and key in kept:
            memory.lead(("quick", key, size), kept[key], "")
        elif what == "change":
            generations.changed([str(key % 2)])
        there = [slot for slot in memory._slots.values()]  # noqa: C416 - the books are checked
        assert memory.bytes == sum(slot.size for slot in there) <= 20_000
        assert set(memory._shortcuts) == {key for slot in there for key in slot.shortcuts}
