"""A refresh that several share is in the trace of each: as the calls of who began it, as a wait with whoever joined."""

import asyncio

import httpx2

from alphaforge.market.rolling import RollingCandles
from alphaforge.telemetry import tracing
from collectors import collecting
from market_builders import MONDAY, STEP, HandClock, MemoryArchive, candle_body, mocked, series

CANDLES = series(range(MONDAY - 20 * STEP, MONDAY, STEP))
ANSWERED = ("attempt answered", {"http.response.status_code": 200})


class Held:
    """A market that answers when a test says so."""

    def __init__(self) -> None:
        self.asked, self.may_answer = asyncio.Event(), asyncio.Event()

    async def __call__(self, _: httpx2.Request) -> httpx2.Response:
        self.asked.set()
        await self.may_answer.wait()
        return httpx2.Response(200, content=candle_body(CANDLES))


async def refreshed(rolling: RollingCandles, name: str) -> None:
    with tracing.begin(name):
        await rolling.refresh("GBP_USD")


async def test_who_joins_a_refresh_is_told_whose_calls_he_waited_for() -> None:
    """Its trace has no call of its own, and would have a gap of unknown cause."""
    held, clock = Held(), HandClock(MONDAY + 1.0)
    client = mocked(held)
    rolling = RollingCandles(client, MemoryArchive(), clock, 15)
    with collecting() as collector:
        async with tracing.traces(collector.url, {}, 1.0, "2.0"):
            first = asyncio.create_task(refreshed(rolling, "the schedule's"))
            await held.asked.wait()
            second = asyncio.create_task(refreshed(rolling, "a request's"))
            while not rolling.traffic.joined:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            held.may_answer.set()
            await asyncio.gather(first, second)
    await client.aclose()
    schedules, requests = collector.named("the schedule's"), collector.named("a request's")
    calls = [span for span in collector.of(schedules.trace) if span.name == "OANDA M5 candles of GBP_USD"]
    assert calls
    assert all((call.parent, call.events) == (schedules.id, [ANSWERED]) for call in calls)
    (waited,) = [span for span in collector.of(requests.trace) if span is not requests]
    assert (waited.name, waited.parent) == ("await refresh GBP_USD", requests.id)
    assert waited.links == [(schedules.trace, schedules.id)]


async def test_a_wait_for_a_refresh_that_nobody_records_is_a_step_without_a_link() -> None:
    held, clock = Held(), HandClock(MONDAY + 1.0)
    client = mocked(held)
    rolling = RollingCandles(client, MemoryArchive(), clock, 15)
    with collecting() as collector:
        async with tracing.traces(collector.url, {}, 1.0, "2.0"):
            rolling.begin(["GBP_USD"])
            await held.asked.wait()
            second = asyncio.create_task(refreshed(rolling, "a request's"))
            while not rolling.traffic.joined:  # noqa: ASYNC110 - nobody tells
                await asyncio.sleep(0)
            held.may_answer.set()
            await second
    await client.aclose()
    waited, request = collector.spans
    assert (waited.name, waited.parent, waited.links) == ("await refresh GBP_USD", request.id, [])
