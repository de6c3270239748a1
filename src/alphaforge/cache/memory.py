"""What is kept in this process: what is used, as many bytes as were allowed."""

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from alphaforge.cache.generations import Scope, Stamp

V = TypeVar("V")

OVERHEAD = 1_000
"""Bytes that a slot costs beside what it keeps: keys, headers, the objects around them."""


@dataclass(slots=True, eq=False)
class Slot(Generic[V]):
    """A kept value; true as long as its scope has the stamp it was made under, and it is not too old."""

    key: Hashable
    value: V
    scope: Scope
    stamp: Stamp
    deadline: float
    size: int
    used: bool = False
    shortcuts: list[Hashable] = field(default_factory=list)

    def is_true(self, now: float) -> bool:
        """Whether it may be used at the moment `now` of `time.monotonic`."""
        return self.stamp is self.scope.stamp and now < self.deadline


class Memory(Generic[V]):
    """Slots by key, and shortcuts to them: other keys, cheaper to make, that die with their slot.

    Bounded by `most` bytes; what is larger than an eighth of that is not kept at all. Room is made by a second chance:
    what was used since it was last looked at stays for another round, so that a use costs no more than a mark.
    """

    SHORTCUTS = 16
    """The most that a slot gets: whoever spells one question in a thousand ways finds it by its key."""

    def __init__(self, most: int, clock: Callable[[], float] = time.monotonic) -> None:
        self.most = most
        self.bytes = 0
        self.evicted = 0
        self._clock = clock
        self._slots: OrderedDict[Hashable, Slot[V]] = OrderedDict()
        self._shortcuts: dict[Hashable, tuple[Slot[V], Any]] = {}

    def __len__(self) -> int:
        return len(self._slots)

    def find(self, key: Hashable) -> Slot[V] | None:
        """The slot of a key, if it still holds the truth."""
        slot = self._slots.get(key)
        if slot is None:
            return None
        if not slot.is_true(self._clock()):
            self._drop(slot)
            return None
        slot.used = True
        return slot

    def shortcut(self, key: Hashable) -> tuple[Slot[V], Any] | None:
        """What a shortcut leads to, if it still holds the truth, and what was left there with it."""
        found = self._shortcuts.get(key)
        if found is None:
            return None
        slot = found[0]
        if not slot.is_true(self._clock()):
            self._drop(slot)
            return None
        slot.used = True
        return found

    def lead(self, key: Hashable, slot: Slot[V], note: Any) -> None:  # noqa: ANN401 - the caller's own
        """Make a shortcut to a slot, with a note for whoever takes it."""
        if len(slot.shortcuts) < self.SHORTCUTS and self._slots.get(slot.key) is slot and key not in self._shortcuts:
            slot.shortcuts.append(key)
            self._shortcuts[key] = slot, note

    def keep(self, slot: Slot[V]) -> bool:
        """Keep it, and forget what was used longest ago to make room; says whether it is kept."""
        slot.size += OVERHEAD
        if slot.size > self.most // 8:
            return False
        if (older := self._slots.get(slot.key)) is not None:
            self._drop(older)
        self._slots[slot.key] = slot
        self.bytes += slot.size
        self._make_room()
        return True

    def grown(self, slot: Slot[V], size: int) -> None:
        """A kept value takes so many bytes more."""
        if self._slots.get(slot.key) is slot:
            slot.size += size
            self.bytes += size
            self._make_room()

    def clear(self) -> None:
        """Forget everything."""
        self._slots.clear()
        self._shortcuts.clear()
        self.bytes = 0

    def _make_room(self) -> None:
        while self.bytes > self.most:
            slot = next(iter(self._slots.values()))
            if slot.used:
                slot.used = False
                self._slots.move_to_end(slot.key)
            else:
                self._drop(slot)
                self.evicted += 1

    def _drop(self, slot: Slot[V]) -> None:
        if self._slots.get(slot.key) is slot:
            del self._slots[slot.key]
            self.bytes -= slot.size
            for key in slot.shortcuts:
                del self._shortcuts[key]
