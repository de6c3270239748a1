"""What is measured, read from the rooms that count: one function a section, each by the names of its families.

A process begins with what every process has; whoever opens more of the desk adds the sections of it. A server adds
those of its interface, a worker has none.
"""

import asyncio
import platform
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial

from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.api.layers import Layers
from alphaforge.api.measurements import Measured, Section
from alphaforge.api.services import ApiOptions, Services
from alphaforge.cache.answers import Answers
from alphaforge.core.distribution import Distribution
from alphaforge.core.errors import StorageError
from alphaforge.desk_figures import desk_figures, job_figures, market_figures, task_figures
from alphaforge.market.price_feed import PriceFeed
from alphaforge.storage.engine import Database
from alphaforge.stream.listeners import Stream
from alphaforge.streaming import running
from alphaforge.tasks.engine import Engine
from alphaforge.tasks.leader import Leadership
from alphaforge.tasks.measuring import Measurements
from alphaforge.tasks.supervisor import keep_running
from alphaforge.telemetry.figures import Snapshot, Values, copied, counted
from alphaforge.telemetry.loop_lag import watch_loop
from alphaforge.telemetry.minutes import CONCURRENT, CONNECTIONS, Minute, minute_of
from alphaforge.telemetry.process import process_figures
from alphaforge.telemetry.requests import RequestTimes
from alphaforge.workflows.desk import Desk

_PATIENCE = 1.0
"""Seconds for the database's word about jobs; a scrape has five in all."""


class Measuring:
    """The figures of this process, and through `kept` those of all that share its database.

    Whoever counts adds a section, which is asked whenever somebody looks. `peaks` answers the largest values since it
    was asked last. `process` names this one among all that ever were: what one has counted another must not replace.
    """

    def __init__(self, database: Database, process: str) -> None:
        self.process = process
        self.lags = Distribution()
        self.peaks: Callable[[], Mapping[str, float]] = dict
        self._database = database
        self._sections: list[Section] = [
            process_figures,
            partial(of_loop, self.lags),
            partial(of_build, database.dialect),
            partial(of_database, database),
        ]
        self.kept = Measurements(database, process, self.snapshot, minute_of, peaks=self._take_peaks)

    def add(self, *sections: Section) -> None:
        """Ask these, too."""
        self._sections.extend(sections)

    def _take_peaks(self) -> Mapping[str, float]:
        return self.peaks()

    def snapshot(self) -> Snapshot:
        """The figures as they are now; no part of it changes afterwards."""
        values: dict[str, Values] = {}
        for section in self._sections:
            values |= section()
        return Snapshot(self.process, time.time(), values)

    @property
    def processes(self) -> int:
        """See api.measurements."""
        return self.kept.heard

    async def run(self) -> None:
        """Keep what is measured until cancelled."""
        await asyncio.to_thread(_load)
        await self.kept.run()

    async def look(self) -> Measured:
        """See api.measurements."""
        await asyncio.to_thread(_load)
        (figures, processes, problem), (jobs, trouble) = await asyncio.gather(self.kept.everywhere(), self._jobs())
        whole = replace(figures, values={**figures.values, **jobs})
        return Measured(whole, processes, problem or trouble, is_whole=problem is None)

    async def _jobs(self) -> tuple[dict[str, Values], str | None]:
        """What waits and runs, and what was in the way of knowing it."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await job_figures(self._database), None
        except StorageError as error:
            return {}, f"Jobs are not known: {error.message}"
        except TimeoutError:
            return {}, "Jobs are not known: the database does not answer"

    async def minutes(self, since: float) -> tuple[Sequence[Minute], str | None]:
        """See api.measurements."""
        return await self.kept.minutes(since)


def _load() -> None:
    import psutil  # noqa: F401, PLC0415 - beside the event loop, and only where somebody looks


@asynccontextmanager
async def open_measuring(database: Database, process: str) -> AsyncIterator[Measuring]:
    """Measuring, stored and with an eye on the event loop, while the block lasts."""
    measuring = Measuring(database, process)
    async with (
        running("event loop lag", watch_loop(measuring.lags)),
        running("measurements", keep_running("measurements", measuring.run)),
    ):
        yield measuring


def measure_desk(measuring: Measuring, desk: Desk, feed: PriceFeed, engine: Engine, leadership: Leadership) -> None:
    """Measure what the desk does, too."""
    measuring.add(
        partial(market_figures, desk, feed), partial(desk_figures, desk), partial(task_figures, engine, leadership)
    )


def measure_interface(
    measuring: Measuring,
    services: Services,
    layers: Layers,
    connections: Callable[[], int],
    flush: Callable[[], None],
) -> None:
    """Measure what serves clients, too. `flush` has requests counted that wait for it."""
    measuring.add(
        partial(of_requests, services.requests, flush),
        partial(of_clients, services.stream, connections),
        partial(of_cache, layers.cache.answers),
    )
    measuring.peaks = lambda: {CONCURRENT: services.requests.take_peak(), CONNECTIONS: connections()}


def of_requests(times: RequestTimes, flush: Callable[[], None]) -> dict[str, Values]:
    """Requests since the start, and those under way."""
    flush()
    return {
        "alphaforge_request_seconds": dict(times.copy()),
        "alphaforge_requests_in_flight": {(): times.under_way},
        "alphaforge_slow_requests_total": counted(times.slow),
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
        "alphaforge_cache_answers_total": counted(results),
        "alphaforge_cache_bytes": {(): memory.bytes},
        "alphaforge_cache_entries": {(): len(memory)},
        "alphaforge_cache_evictions_total": {(): memory.evicted},
        "alphaforge_cache_invalidations_total": counted(answers.generations.changes),
    }


def of_loop(lags: Distribution) -> dict[str, Values]:
    """The event loop."""
    return {"alphaforge_event_loop_lag_seconds": {(): lags.copy()}}


def of_build(database: str) -> dict[str, Values]:
    """What runs."""
    return {"alphaforge_build_info": {(ApiOptions().version, platform.python_version(), database): 1}}


def of_database(database: Database) -> dict[str, Values]:
    """Statements, and the connections they wait for."""
    figures = database.figures
    pools = database.connections()
    connections: Values = {}
    for pool, use in pools.items():
        connections |= {(pool, "in use"): float(use.in_use), (pool, "open"): float(use.open)}
    return {
        "alphaforge_query_seconds": copied(figures.times),
        "alphaforge_query_errors_total": counted(figures.errors),
        "alphaforge_slow_queries_total": counted(figures.slow_queries),
        "alphaforge_connection_wait_seconds": copied(figures.waits),
        "alphaforge_database_connections": connections,
        "alphaforge_database_connections_most": {(pool,): float(use.most) for pool, use in pools.items()},
    }
