import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import MalformedAnswer, MarketError, MarketUnavailable, RateLimited, TokenRejected
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.oanda import CallLimits, OandaAccess, OandaClient
from alphaforge.market.rolling import RollingCandles
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.faults import Fault, FaultKind
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox
from market_builders import STEP, MemoryArchive, same
from sandbox_servers import NAMES, NOW, sandbox

GBP = NAMES[0]
LIMITS = CallLimits(budget=60.0, read=0.5, pause=0.001, jitter=0.0, rate_pause=0.001)
BOUNDARY = NOW // STEP * STEP


@dataclass
class Desk:
    running: RunningSandbox
    clock: SandboxClock
    client: OandaClient
    rolling: RollingCandles

    def fault(self, kind: FaultKind, **how: object) -> None:
        self.running.faults.post([Fault(kind, **how)])


@asynccontextmanager
async def desk_at(moment: float, *, capacity: int = 600, limits: CallLimits = LIMITS) -> AsyncIterator[Desk]:
    """A desk at a sandbox whose clock stands still at a moment."""
    clock = SandboxClock(moment, 0.0)
    async with sandbox(market=SimulatedMarket(7, NAMES, clock)) as running:
        client = OandaClient(OandaAccess.of("practice", "any", api_url=running.url), MarketClock(), limits=limits)
        await client.connect()
        try:
            yield Desk(running, clock, client, RollingCandles(client, MemoryArchive(), client.clock, capacity))
        finally:
            await client.aclose()


@pytest.fixture
async def desk() -> AsyncIterator[Desk]:
    """A desk that has the candles up to a boundary, five minutes later."""
    async with desk_at(BOUNDARY + 2.0) as desk:
        await desk.rolling.refresh(GBP)
        desk.clock.advance_to(BOUNDARY + STEP + 2.0)
        await desk.client.connect()
        yield desk


async def truth(desk: Desk) -> MemoryArchive:
    """What a desk without faults would hold."""
    desk.running.faults.clear()
    archive = MemoryArchive()
    await RollingCandles(desk.client, archive, desk.client.clock, 600).refresh(GBP)
    return archive


async def test_the_sandbox_is_known_for_what_it_is() -> None:
    async with desk_at(NOW) as desk:
        assert (desk.client.name, desk.client.simulated) == ("sandbox-seed-7", True)
        assert desk.client.clock.now() == pytest.approx(NOW, abs=1e-3)


async def test_a_whole_window_is_fetched_for_several_instruments_side_by_side() -> None:
    async with desk_at(NOW, capacity=13_000) as desk:
        await asyncio.gather(*(desk.rolling.refresh(name) for name in NAMES))
        for name in NAMES:
            held = desk.rolling.series(name)
            assert len(held) >= 13_000
            assert held.end == BOUNDARY
            assert desk.rolling.status(name).filled


async def test_a_close_brings_one_candle_with_one_request(desk: Desk) -> None:
    before = desk.running.faults.requests["candles"]
    refreshed = await desk.rolling.refresh(GBP)
    assert refreshed.new.time.tolist() == [BOUNDARY]
    assert not refreshed.late
    assert desk.running.faults.requests["candles"] == before + 1


async def test_a_candle_completed_late_is_waited_for(desk: Desk) -> None:
    desk.fault(FaultKind.LATE_COMPLETION, delay=45.0)
    refreshed = await desk.rolling.refresh(GBP)
    assert refreshed.late
    assert len(refreshed.new) == 0
    desk.clock.advance_to(BOUNDARY + STEP + 46.0)
    refreshed = await desk.rolling.refresh(GBP)
    assert not refreshed.late
    assert refreshed.new.time.tolist() == [BOUNDARY]


async def test_a_revised_candle_is_noticed_with_the_next_close(desk: Desk) -> None:
    last = int(desk.rolling.series(GBP).time[-1])
    desk.fault(FaultKind.REVISED_CANDLE, at=last, points=7)
    refreshed = await desk.rolling.refresh(GBP)
    assert refreshed.revised.time.tolist() == [last]
    assert refreshed.new.time.tolist() == [BOUNDARY]


@pytest.mark.parametrize(
    "fault",
    [
        Fault(FaultKind.STATUS, status=429, times=3),
        Fault(FaultKind.STATUS, status=500, times=1),
        Fault(FaultKind.STATUS, status=502, times=3),
        Fault(FaultKind.STATUS, status=503, times=2),
        Fault(FaultKind.STATUS, status=504, times=1),
        Fault(FaultKind.RESET, times=2),
        Fault(FaultKind.TRUNCATED, times=1),
        Fault(FaultKind.BAD_JSON, times=1),
        Fault(FaultKind.STALL, times=1),
        Fault(FaultKind.LATENCY, times=1, delay=60.0),
        Fault(FaultKind.EMPTY_WINDOW, times=1),
    ],
    ids=lambda fault: f"{fault.kind} {fault.status}",
)
async def test_what_passes_is_not_noticed_in_the_candles(desk: Desk, fault: Fault) -> None:
    desk.running.faults.post([fault])
    refreshed = await desk.rolling.refresh(GBP)
    assert refreshed.new.time.tolist() == [BOUNDARY]
    expected = (await truth(desk)).kept[GBP]
    assert same(desk.rolling.series(GBP).last(600), expected.last(600))


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault(FaultKind.REVOKED_TOKEN), TokenRejected),
        (Fault(FaultKind.STATUS, status=429), RateLimited),
        (Fault(FaultKind.STATUS, status=502), MarketUnavailable),
        (Fault(FaultKind.EMPTY_WINDOW), MalformedAnswer),
        (Fault(FaultKind.BAD_JSON), MalformedAnswer),
        (Fault(FaultKind.RESET), MarketUnavailable),
    ],
    ids=lambda value: f"{value.kind} {value.status}" if isinstance(value, Fault) else value.__name__,
)
async def test_what_stays_is_named_and_changes_nothing(desk: Desk, fault: Fault, error: type[MarketError]) -> None:
    before = desk.rolling.series(GBP)
    desk.running.faults.post([fault])
    with pytest.raises(error) as failure:
        await desk.rolling.refresh(GBP)
    assert desk.rolling.series(GBP) is before
    assert desk.rolling.status(GBP).error == failure.value.message
    assert "<" not in failure.value.message


async def test_a_minute_of_latency_does_not_hang_a_scan() -> None:
    limits = CallLimits(budget=0.5)
    async with desk_at(BOUNDARY + 2.0, limits=limits) as desk:
        desk.fault(FaultKind.LATENCY, delay=60.0)
        with pytest.raises(MarketUnavailable, match=r"within 0\.5 s"):
            await desk.rolling.refresh(GBP)


@pytest.mark.parametrize("change", ["2025-03-09T07:00:00Z", "2025-11-02T06:00:00Z"])
async def test_a_week_in_which_new_york_changes_its_clocks_is_fetched_as_any(change: str) -> None:
    moment = int(parse_rfc3339(change)) + 3 * 86_400
    async with desk_at(moment + 2.0) as desk:
        await desk.rolling.refresh(GBP)
        held = desk.rolling.series(GBP)
        assert len(held) >= 600
        assert held.end == moment
