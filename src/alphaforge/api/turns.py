"""One at a time: those who want the same thing wait for each other, others do not."""

import asyncio
from weakref import WeakValueDictionary


class Turns:
    """A lock for each key that somebody waits for, within this process; forgotten with the last who holds it."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, key: str) -> asyncio.Lock:
        """The lock of a key, the same for all who ask meanwhile."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock
