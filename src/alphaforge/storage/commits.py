"""What has been committed: by this process, and on PostgreSQL by every other.

Followers are told the nouns (table names) of each commit: of our own before it is acknowledged, of others when
PostgreSQL announces them (see `listening`).
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Protocol

Follower = Callable[[Collection[str], str | None], None]
"""Told the nouns that changed (none: perhaps all) and, where all processes know it by one, the change's name."""


class Commits:
    """Counts the commits of each noun and tells followers of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._all = 0
        self._followers: list[Follower] = []

    def follow(self, follower: Follower) -> Callable[[], None]:
        """Tell it of every commit from now on, before the commit is acknowledged. Answers how to stop it."""
        self._followers.append(follower)
        return lambda: self._followers.remove(follower)

    @contextmanager
    def heard(self, *nouns: str) -> Iterator[asyncio.Event]:
        """An event that each commit sets which may have changed one of these nouns; whoever waits clears it."""
        changed, wanted = asyncio.Event(), frozenset(nouns)

        def hear(told: Collection[str], _: str | None) -> None:
            if not told or not wanted.isdisjoint(told):
                changed.set()

        stop = self.follow(hear)
        try:
            yield changed
        finally:
            stop()

    def happened(self, nouns: Collection[str], token: str | None = None) -> None:
        """Something was committed; anything may have changed where no noun is named."""
        self._counts.update(nouns)
        self._all += not nouns
        for follower in tuple(self._followers):
            follower(nouns, token)

    def generation(self, noun: str) -> int:
        """A number that grows with every commit that may have changed the noun."""
        return self._counts[noun] + self._all


class Freshness(Protocol):
    """Whether every commit, whoever made it, is known here."""

    def is_certain(self) -> bool:
        """Whether it was so a moment ago, without asking anybody."""
        ...

    async def ascertain(self) -> bool:
        """Ask; False where nobody can say."""
        ...


class _AlwaysCertain:
    def is_certain(self) -> bool:
        return True

    async def ascertain(self) -> bool:
        return True


ALWAYS_CERTAIN: Freshness = _AlwaysCertain()
"""Where one process makes all commits."""
