"""What the two ways to a kept answer share: the answers, whether they are true, and how a client wants them."""

from dataclasses import dataclass
from typing import Protocol

from alphaforge.api.kept_answer import IDENTITY, KeptAnswer, coding_of
from alphaforge.api.reads import Reads
from alphaforge.cache.answers import Answers
from alphaforge.core.clock import Clock


class Freshness(Protocol):
    """Whether this process has heard of every commit: always on SQLite, where it makes them all."""

    def is_certain(self) -> bool:
        """Whether it has as of a moment ago, without asking."""
        ...

    async def ascertain(self) -> bool:
        """Ask; False where nobody can say."""
        ...


@dataclass(frozen=True, slots=True)
class AnswerCache:
    """`enabled` off: every answer is made anew, and is the same."""

    answers: Answers[KeptAnswer]
    freshness: Freshness
    clock: Clock
    enabled: bool = True
    compression: bool = True

    def coding(self, accept_encoding: bytes) -> bytes:
        """The coding for a client."""
        return coding_of(accept_encoding) if self.compression else IDENTITY

    def tick(self, reads: Reads) -> int:
        """Where the clock of such an answer stands."""
        return int(self.clock.now() // reads.clock) if reads.clock else 0
