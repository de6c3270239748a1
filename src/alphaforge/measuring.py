"""What is measured, read from the rooms that count: one function a section, each by the names of its families.

A process begins with what every process has; whoever opens more of the desk adds the sections of it. A server adds
those of its interface, a worker has none.
"""

import asyncio
import os
import platform
import socket
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from importlib.metadata import version

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.api.layers import Layers
from alphaforge.api.services import Measured, Services
from alphaforge.cache.answers import Answers
from alphaforge.core.distribution import Distribution
from alphaforge.stream.listeners import Stream
from alphaforge.streaming import running
from alphaforge.telemetry.figures import Snapshot, Values
from alphaforge.telemetry.loop_lag import watch_loop
from alphaforge.telemetry.process import process_figures
from alphaforge.telemetry.requests import RequestTimes

Section = Callable[[], Mapping[str, Values]]


class Measuring:
    """The figures of this process. `sections` are asked, in their order, whenever somebody looks."""

    def __init__(self, database: str) -> None:
        self.process = f"{socket.gethostname()[:40]}-{os.getpid()}"
        self.lags = Distribution()
        self.sections: list[Section] = [process_figures, partial(of_loop, self.lags), partial(of_build, database)]

    def snapshot(self) -> Snapshot:
        """The figures as they are now; no part of it changes afterwards."""
        values: dict[str, Values] = {}
        for section in self.sections:
            values |= section()
        return Snapshot(self.process, time.time(), values)

    async def look(self) -> Measured:
        """See api.services."""
        await asyncio.to_thread(_load)
        return Measured(self.snapshot(), (self.process,))


def _load() -> None:
    import psutil  # noqa: F401, PLC0415 - beside the event loop, and only where somebody looks


@asynccontextmanager
async def open_measuring(database: str) -> AsyncIterator[Measuring]:
    """Measuring, with an eye on the event loop while the block lasts. `database`: its kind."""
    measuring = Measuring(database)
    async with running("event loop lag", watch_loop(measuring.lags)):
        yield measuring


def measure_interface(
    services: Services, layers: Layers, *, connections: Callable[[], int], flush: Callable[[], None]
) -> None:
    """Measure what serves clients, too, where anything is measured. `flush` has requests counted that wait for it."""
    if services.metrics is None:
        return
    services.metrics.sections.extend(
        [
            partial(of_requests, services.requests, flush),
            partial(of_clients, services.stream, connections),
            partial(of_cache, layers.cache.answers),
        ]
    )


def of_requests(times: RequestTimes, flush: Callable[[], None]) -> dict[str, Values]:
    """Requests since the start, and those under way."""
    flush()
    return {
        "alphaforge_request_seconds": dict(times.copy()),
        "alphaforge_requests_in_flight": {(): times.under_way},
        "alphaforge_slow_requests_total": {(route,): count for route, count in times.slow.items()},
    }


def of_clients(stream: Stream, connections: Callable[[], int]) -> dict[str, Values]:
    """Who is connected, and who listens."""
    return {
        "alphaforge_connections_open": {(): connections()},
        "alphaforge_stream_listeners": {(): len(stream)},
    }


def of_cache(answers: Answers[KeptAnswer]) -> dict[str, Values]:
    """Kept answers. What another process left in Redis is `shared`; who waited for one being made has `joined`."""
    traffic, memory = answers.traffic, answers.memory
    results = {
        "hit": traffic.hits,
        "shared": traffic.shared_hits,
        "miss": traffic.misses - traffic.shared_hits,
        "joined": traffic.joined,
        "bypass": traffic.bypassed,
    }
    return {
        "alphaforge_cache_answers_total": {(result,): count for result, count in results.items()},
        "alphaforge_cache_bytes": {(): memory.bytes},
        "alphaforge_cache_entries": {(): len(memory)},
        "alphaforge_cache_evictions_total": {(): memory.evicted},
        "alphaforge_cache_invalidations_total": {(noun,): count for noun, count in answers.generations.changes.items()},
    }


def of_loop(lags: Distribution) -> dict[str, Values]:
    """The event loop."""
    return {"alphaforge_event_loop_lag_seconds": {(): lags.copy()}}


def of_build(database: str) -> dict[str, Values]:
    """What runs."""
    return {"alphaforge_build_info": {(version("alphaforge"), platform.python_version(), database): 1}}
