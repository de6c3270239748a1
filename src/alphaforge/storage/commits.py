"""What has been committed: by this process, and on PostgreSQL by every other.

Followers are told the nouns (table names) of each commit: of our own before it is acknowledged, of others when
PostgreSQL announces them (see `listening`).
"""

from collections import Counter
from collections.abc import Callable, Collection
from typing import Protocol

Follower = Callable[[Collection[str], str | None], None]
"""Told the nouns that changed (none: perhaps all) and, where all processes know it by one, the change's name."""


class Commits:
    """Counts the commits of each noun and tells followers of them."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._all = 0
        self._followers: list[Follower] = []

    def follow(self, follower: Follower) -> None:
        """Tell it of every commit from now on, before the commit is acknowledged."""
        self._followers.append(follower)

    def happened(self, nouns: Collection[str], token: str | None = None) -> None:
        """Something was committed; anything may have changed where no noun is named."""
        self._counts.update(nouns)
        self._all += not nouns
        for follower in self._followers:
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
