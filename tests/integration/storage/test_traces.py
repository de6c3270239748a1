"""Which trace a job or an event belongs to, on both databases."""

from collections.abc import Iterator

import pytest

from alert_builders import signal
from alphaforge.storage.engine import Database
from alphaforge.storage.events import EventRepository
from alphaforge.storage.jobs import Job, JobRepository
from alphaforge.telemetry import tracing
from collectors import Collector, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as listening:
        yield listening


async def traces(database: Database) -> list[str | None]:
    """Of all events, oldest first."""
    async with database.read() as connection:
        rows = (await connection.exec_driver_sql("SELECT trace FROM events ORDER BY id")).all()
    return [row[0] for row in rows]


async def job(database: Database, trace: str | None = None) -> Job:
    async with database.write("jobs") as connection:
        made = await JobRepository(connection).add("work", {}, trace=trace)
        assert made is not None
        found = await JobRepository(connection).get(made)
    assert found is not None
    return found


async def test_the_events_of_a_recorded_transaction_are_of_its_trace_and_no_others(
    database: Database, collector: Collector
) -> None:
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        await signal(database)
        with tracing.begin("request"):
            await signal(database)
            own = tracing.traceparent()
            async with database.write("jobs"):
                pass
        with tracing.begin("another"):
            async with database.write("trading_signals", "candles") as connection:
                await EventRepository(connection).closed("GBP_USD", [300, 600])
            other = tracing.traceparent()
        await signal(database)
    found = await traces(database)
    assert [one and one.split("-")[1] for one in found] == [
        None,
        *[one and one.split("-")[1] for one in (own, other, other)],
        None,
    ]


async def test_a_job_is_of_the_trace_that_it_is_asked_in_or_of_the_one_that_it_is_told(
    database: Database, collector: Collector
) -> None:
    assert (await job(database)).trace is None
    async with tracing.traces(collector.url, {}, 1.0, "2.0"):
        with tracing.begin("request"):
            own = tracing.trace_id()
            assert own is not None
            assert own in str((await job(database)).trace)
            told = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
            assert (await job(database, told)).trace == told
