"""Asking once: the kept value where it is true, else one load for all who ask at the same time."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

from alphaforge.cache.generations import Generations, Scope, Stamp
from alphaforge.cache.memory import Memory, Slot
from alphaforge.telemetry import tracing


class Sized(Protocol):
    """What can be kept."""

    @property
    def size(self) -> int:
        """Bytes."""
        ...


V = TypeVar("V", bound=Sized)


class SecondLevel(Protocol[V]):
    """What several processes keep together. Whatever goes wrong there is a miss, never an error."""

    async def get(self, key: Hashable, stamp: Stamp) -> V | None:
        """What another process, or an earlier one, made from this version of the data."""
        ...

    async def put(self, key: Hashable, stamp: Stamp, value: V) -> None:
        """Leave it to the others."""
        ...


@dataclass(slots=True)
class Traffic:
    """Counts since the start. `joined` waited for a load that was under way."""

    hits: int = 0
    misses: int = 0
    joined: int = 0
    shared_hits: int = 0
    bypassed: int = 0


class Answers(Generic[V]):
    """Values by key, each true for a version of the data. `ttl` in seconds bounds how long one is kept unasked."""

    def __init__(
        self,
        memory: Memory[V],
        generations: Generations,
        ttl: float,
        second_level: SecondLevel[V] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.memory = memory
        self.generations = generations
        self.traffic = Traffic()
        self._ttl = ttl
        self._second_level = second_level
        self._clock = clock
        self._flights: dict[tuple[Hashable, Stamp], asyncio.Task[Slot[V] | None]] = {}

    async def get(
        self, key: Hashable, scope: Scope, load: Callable[[], Awaitable[V | None]]
    ) -> tuple[Slot[V] | None, bool]:
        """The value and whether it was there already; None where `load` found nothing worth keeping.

        A load that began before a change is not waited for by those who ask after it. Who asks and goes away takes
        no one else's answer with him.
        """
        slot = self.memory.find(key)
        if slot is not None:
            self.traffic.hits += 1
            return slot, True
        flying = key, scope.stamp
        flight = self._flights.get(flying)
        if flight is None:
            self.traffic.misses += 1
            flight = asyncio.create_task(self._load(key, scope, load), name="load of an answer")
            self._flights[flying] = flight
            flight.add_done_callback(lambda _: self._flights.pop(flying))
        else:
            self.traffic.joined += 1
            tracing.current().happened("waited for the same answer")
        return await asyncio.shield(flight), False

    async def _load(self, key: Hashable, scope: Scope, load: Callable[[], Awaitable[V | None]]) -> Slot[V] | None:
        stamp = scope.stamp  # before the data is read: what changes meanwhile makes the result outdated
        value = await self._second_level.get(key, stamp) if self._second_level else None
        if value is not None:
            self.traffic.shared_hits += 1
            tracing.current().happened("found in the second level")
        else:
            value = await load()
            if value is None:
                return None
            if self._second_level and stamp is scope.stamp:
                await self._second_level.put(key, stamp, value)
        slot = Slot(key, value, scope, stamp, self._clock() + self._ttl, value.size)
        if stamp is scope.stamp:
            self.memory.keep(slot)
        return slot
