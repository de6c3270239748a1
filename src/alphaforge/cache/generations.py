"""Which version of the data something was made from.

Data has nouns (signals, journal, ...), and each noun a token that changes with every commit that may have changed it.
A `Scope` is a set of nouns; its `stamp` is replaced whenever one of them changes. Whoever reads the stamp first and
the data afterwards holds something that is true for as long as the scope still has that very stamp.
"""

import secrets
from collections import Counter
from collections.abc import Collection
from itertools import count

Stamp = tuple[str, ...]


class Scope:
    """A set of nouns. `stamp` is compared by identity."""

    __slots__ = ("nouns", "stamp")

    def __init__(self, nouns: tuple[str, ...], stamp: Stamp) -> None:
        self.nouns = nouns
        self.stamp = stamp


class Generations:
    """The tokens of all nouns. Processes that hear of the same changes in the same order agree on them."""

    def __init__(self) -> None:
        self.changes: Counter[str] = Counter()
        self._own = self._first = secrets.token_hex(8)
        self._numbers = count(1)
        self._tokens: dict[str, str] = {}
        self._scopes: dict[tuple[str, ...], Scope] = {}

    def scope(self, nouns: Collection[str]) -> Scope:
        """The scope of these nouns, the same object every time."""
        names = tuple(sorted(nouns))
        scope = self._scopes.get(names)
        if scope is None:
            scope = self._scopes[names] = Scope(names, self._stamp(names))
        return scope

    def changed(self, nouns: Collection[str] = (), token: str | None = None) -> None:
        """Something of these nouns has changed, or of all of them where none is named.

        `token` names the new version where all processes know it by the same name; else it is this process's own.
        """
        token = token or f"{self._own}-{next(self._numbers)}"
        if not nouns:
            self._first = token
        known = {noun for names in self._scopes for noun in names}
        changed = set(nouns) or known | self._tokens.keys()
        self._tokens |= dict.fromkeys(changed, token)
        self.changes.update(changed)
        for names, scope in self._scopes.items():
            if not changed.isdisjoint(names):
                scope.stamp = self._stamp(names)

    def _stamp(self, names: tuple[str, ...]) -> Stamp:
        return tuple([self._tokens.setdefault(name, self._first) for name in names])
