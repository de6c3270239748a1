"""Spoil the price stream in every way that is known, and look for how long prices and candles suffer.

    python tests/e2e/stream_faults.py --seeds 100

Each seed is a sandbox of its own with the real client, price feed, schedule and rolling candles before it, many side by
side. The seed draws the faults, their order and their lengths. Counted are the time from a fault's beginning to its
detection, from its end to the next price and to the stream, the closed candles against the sandbox's own, and the
connections that the server saw begin in any second.
"""

import argparse
import asyncio
import copy
import logging
import os
import sys
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from itertools import chain
from random import Random
from typing import Any

import numpy as np
import structlog
from rich.console import Console

from alphaforge.core.candles import CandleSeries, series_from_columns
from alphaforge.core.clock import MarketClock
from alphaforge.core.errors import MarketError, MarketUnavailable
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.oanda import OandaAccess, OandaClient
from alphaforge.market.price_feed import FeedSettings, FeedState, PriceFeed
from alphaforge.market.rolling import RollingCandles
from alphaforge.market.sandbox.clock import SandboxClock
from alphaforge.market.sandbox.faults import Fault, FaultKind
from alphaforge.market.sandbox.market import SimulatedMarket
from alphaforge.market.sandbox.server import RunningSandbox, serve_sandbox
from alphaforge.market.source import Quote
from alphaforge.tasks.scanning import ScanSchedule
from alphaforge.workflows.scan_market import ScanResult

console = Console(stderr=True)

NAMES = ("GBP_USD", "XAU_USD")
BEGIN = int(parse_rfc3339("2025-07-08T08:00:00Z"))
SPEED = 20.0
HELD = 300
STEP = Granularity.M5.seconds
DETECTED, RECOVERED, OPENINGS = 10.0, 15.0, 2
ONE_SECOND = 1.0
PATIENCE = 60.0
APART = 0.4

OUTAGES = ("silent", "beats_only", "stalled", "reset", "truncated", "revoked", "refused", "all_refused", "gone")
NUISANCES = (
    *(FaultKind.SPLIT_LINES, FaultKind.MERGED_LINES, FaultKind.BAD_JSON, FaultKind.NAN_PRICE, FaultKind.EMPTY_BOOK),
    *(FaultKind.DUPLICATE_TICK, FaultKind.OUT_OF_ORDER_TICK, FaultKind.FUTURE_TICK),
)
OF_CANDLES = (
    *(FaultKind.LATE_COMPLETION, FaultKind.REVISED_CANDLE, FaultKind.EMPTY_WINDOW, FaultKind.BAD_JSON),
    *(FaultKind.TRUNCATED, FaultKind.STATUS, FaultKind.RESET),
)
STATUSES = (401, 403, 429, 500, 502, 503, 504)
STREAM, CANDLES = "pricing/stream", "candles"

_market = SimulatedMarket(7, NAMES)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast a run is. `length`: seconds of an outage; `beat`, `price`: the sandbox's; the rest is the feed's."""

    length: tuple[float, float] = (11.0, 20.0)
    calm: tuple[float, float] = (0.5, 4.0)
    nuisance: float = 4.0
    beat: float = 5.0
    price: float = 0.25
    feed: FeedSettings = field(default_factory=FeedSettings)
    speed: float = SPEED
    outages: int = 4
    nuisances: int = 2


QUICK = Pace(
    length=(0.8, 1.2),
    calm=(0.05, 0.2),
    nuisance=0.3,
    beat=0.1,
    price=0.02,
    feed=FeedSettings(
        pause=0.05,
        longest_pause=0.2,
        silence=0.6,
        mute_after=0.4,
        grace=0.1,
        poll_every=0.1,
        answer_within=0.5,
        refused_pause=0.2,
    ),
    speed=300.0,
    outages=3,
    nuisances=1,
)
"""For the suite: the same with silence of less than a second."""


@dataclass(slots=True)
class Outcome:
    """What a seed showed. Times in seconds, by kind of fault; `wrong`: what must not be."""

    seed: int
    detected: list[tuple[str, float]] = field(default_factory=list)
    priced: list[tuple[str, float]] = field(default_factory=list)
    streaming: list[tuple[str, float]] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    candles: int = 0
    openings: int = 0
    connections: int = 0
    lag: float = 0.0
    lag_now: float = 0.0
    wrong: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Archive:
    """Closed candles in memory, as a database would keep them; at first those before the beginning."""

    rows: dict[str, dict[int, list[Any]]] = field(default_factory=dict)

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        series = truth(instrument, BEGIN - HELD * STEP, BEGIN)
        await self.keep(series)
        return series.last(count)

    async def keep(self, series: CandleSeries) -> None:
        kept = self.rows.setdefault(series.instrument, {})
        for row in zip(*series.columns(), strict=True):
            kept[int(row[0])] = list(row)


def truth(instrument: str, start: int, end: int) -> CandleSeries:
    """What the sandbox's market is made of."""
    bars = _market.minutes5(instrument, start, end)
    scale = _market.listings[instrument].scale
    columns = [bars.time, *(bars.prices / scale), bars.volume.astype(np.int64)]
    return series_from_columns(instrument, Granularity.M5, columns)


@dataclass
class Room:
    """A desk's market side before a sandbox of its own."""

    pace: Pace
    dice: Random
    sandbox: RunningSandbox
    client: OandaClient
    feed: PriceFeed
    rolling: RollingCandles
    archive: Archive
    outcome: Outcome
    newest: dict[str, float] = field(default_factory=dict)
    last: float = 0.0

    def hear(self, quote: Quote) -> None:
        """Every quote is newer than the one before, and none is of the future."""
        self.last = time.monotonic()
        if quote.time <= self.newest.get(quote.instrument, 0.0):
            self.outcome.wrong.append(f"{quote.instrument}: a price of {quote.time} came late")
        if quote.time > self.sandbox.market.clock.now():
            self.outcome.wrong.append(f"{quote.instrument}: a price of the future was believed")
        self.newest[quote.instrument] = quote.time

    async def collect(self, names: Sequence[str]) -> list[ScanResult]:
        """The scheduled scan without its decisions."""
        found = await asyncio.gather(*(self._collected(name) for name in names))
        return [ScanResult(name, None, None, "", late=late) for name, late in zip(names, found, strict=True)]

    async def _collected(self, name: str) -> bool:
        try:
            return (await self.rolling.refresh(name)).late
        except MarketError as error:
            return isinstance(error, MarketUnavailable)

    def post(self, *faults: Fault) -> None:
        self.sandbox.faults.post(faults)

    async def outage(self, kind: str) -> None:
        """Break the stream, and take the times until that is known and until prices are back."""
        length, dice = self.dice.uniform(*self.pace.length), self.dice
        began, self.outcome.lag_now = time.monotonic(), 0.0
        self.post(*outage_of(kind, length, dice))
        self.outcome.kinds[kind] += 1
        detected = await self.until(lambda: self.feed.status.state is not FeedState.STREAMING, f"{kind} is noticed")
        self.outcome.detected.append((self.named(kind), detected - began))
        ended = began + length
        if kind in ("reset", "truncated"):
            ended = await self.until(
                lambda: not self.sandbox.faults.pending(STREAM), f"{kind} struck for the last time"
            )
        await asyncio.sleep(max(0.0, ended - time.monotonic()))
        priced = await self.until(lambda: self.last > ended, f"a price comes after {kind}")
        self.outcome.priced.append((self.named(kind), priced - ended))
        back = await self.until(lambda: self.feed.status.state is FeedState.STREAMING, f"{kind} is over")
        self.outcome.streaming.append((self.named(kind), back - ended))

    def named(self, kind: str) -> str:
        """The kind, and how late this process itself came to anything meanwhile."""
        return f"{kind} of seed {self.outcome.seed}, own lag {self.outcome.lag_now:.2f} s"

    async def nuisance(self, kind: FaultKind) -> None:
        """Spoil lines of the stream, which must not end it."""
        before, heard = self.feed.status.reconnects, self.last
        chance = 0.5 if kind in (FaultKind.BAD_JSON, FaultKind.NAN_PRICE, FaultKind.EMPTY_BOOK) else 1.0
        delay, seconds = self.dice.uniform(3_600, 7_200), self.pace.nuisance
        self.post(Fault(kind, seconds=seconds, path=STREAM, delay=delay, chance=chance, seed=self.dice.randrange(99)))
        self.outcome.kinds[kind] += 1
        await asyncio.sleep(seconds)
        if self.feed.status.reconnects != before or self.last == heard:
            self.outcome.wrong.append(f"{kind} ended the stream")

    def spoil_candles(self) -> None:
        """Something is wrong with the next answers about candles, too."""
        kind, dice = self.dice.choice(OF_CANDLES), self.dice
        times = 1 if kind is FaultKind.REVISED_CANDLE else dice.randint(1, 6)
        status = dice.choice((429, 500, 502, 503, 504))
        self.post(Fault(kind, times=times, path=CANDLES, delay=dice.uniform(45, 200), status=status))
        self.outcome.kinds[f"candles: {kind}"] += 1

    async def until(self, claim: Any, what: str) -> float:
        """The moment at which something was first seen to be true."""
        deadline = time.monotonic() + PATIENCE
        while not claim():
            if time.monotonic() > deadline:
                self.outcome.wrong.append(f"Waited {PATIENCE:.0f} s until {what}")
                break
            await asyncio.sleep(0.01)
        return time.monotonic()

    async def compare(self) -> None:
        """Once all is well again: the closed candles, in memory and kept, against the market's own."""
        clock = self.sandbox.market.clock
        self.sandbox.faults.clear()
        closes = Granularity.M5.floor(clock.now()) + 2 * STEP
        await self.until(lambda: all(self.rolling.series(name).end >= closes for name in NAMES), "candles are back")
        for name in NAMES:
            held = self.rolling.series(name).after(BEGIN)
            real = truth(name, BEGIN, held.end)
            self.outcome.candles += len(real)
            rows = [list(row) for row in zip(*real.columns(), strict=True)]
            kept = [row for at, row in sorted(self.archive.rows[name].items()) if BEGIN <= at < held.end]
            if [list(row) for row in zip(*held.columns(), strict=True)] != rows:
                self.outcome.wrong.append(f"{name}: the candles in memory are not the market's")
            if kept != rows:
                self.outcome.wrong.append(f"{name}: the stored candles are not the market's")


def outage_of(kind: str, length: float, dice: Random) -> Iterator[Fault]:
    """The faults that make an outage of this kind."""
    end = Fault(dice.choice((FaultKind.RESET, FaultKind.TRUNCATED)), times=1, path=STREAM)
    match kind:
        case "silent":
            yield Fault(FaultKind.SILENT_STREAM, seconds=length)
        case "beats_only":
            yield Fault(FaultKind.HEARTBEATS_ONLY, seconds=length)
        case "stalled":
            yield from (end, Fault(FaultKind.STALL, seconds=length, path=STREAM, after=1))
        case "reset" | "truncated":
            yield Fault(FaultKind(kind), times=dice.randint(1, 4), path=STREAM)
        case "revoked":
            yield Fault(FaultKind.REVOKED_TOKEN, seconds=length)
        case "refused":
            yield from (end, Fault(FaultKind.STATUS, seconds=length, path=STREAM, status=dice.choice(STATUSES)))
        case "all_refused":
            yield from (end, Fault(FaultKind.STATUS, seconds=length, status=dice.choice(STATUSES)))
        case "gone":
            yield from (end, Fault(FaultKind.RESET, seconds=length))


@asynccontextmanager
async def room_of(seed: int, pace: Pace) -> Any:
    """Everything of one seed, its work under way."""
    market = copy.copy(_market)  # the days are made once for all seeds; the clock is this seed's own
    market.clock = SandboxClock(BEGIN + 1.0, pace.speed)
    sandbox = await serve_sandbox(market, heartbeat=pace.beat, price_interval=pace.price)
    access = OandaAccess.of("sandbox", "any", api_url=sandbox.url)
    client = OandaClient(access, MarketClock(), silence=pace.feed.silence)
    archive, outcome = Archive(), Outcome(seed)
    rolling = RollingCandles(client, archive, client.clock, HELD)
    feed = PriceFeed(client, NAMES, pace.feed, random=Random(seed))
    room = Room(pace, Random(seed), sandbox, client, feed, rolling, archive, outcome)
    feed.subscribe(room.hear)
    await client.connect()
    schedule = ScanSchedule(room.collect, client.clock, lambda: NAMES, lambda *_: True)
    work = [asyncio.create_task(feed.run()), asyncio.create_task(schedule.run()), asyncio.create_task(_lag(outcome))]
    try:
        yield room
    finally:
        for task in work:
            task.cancel()
        ends = await asyncio.gather(*work, return_exceptions=True)
        outcome.wrong += [repr(end) for end in ends if not isinstance(end, asyncio.CancelledError)]
        await rolling.aclose()
        await client.aclose()
        begun = list(sandbox.begun)
        outcome.connections = len(begun)
        outcome.openings = max(sum(at <= other < at + ONE_SECOND for other in begun) for at in begun)
        await sandbox.aclose()


async def live(seed: int, pace: Pace = Pace()) -> Outcome:
    """One seed from its beginning to its end."""
    async with room_of(seed, pace) as room:
        dice: Random = room.dice
        await asyncio.sleep(dice.uniform(*pace.calm))
        await room.until(lambda: room.feed.status.state is FeedState.STREAMING, "prices are streamed")
        acts = [*dice.sample(OUTAGES, pace.outages), *dice.sample(NUISANCES, pace.nuisances)]
        dice.shuffle(acts)
        for act in acts:
            if dice.random() < 0.5:
                room.spoil_candles()
            await (room.nuisance(act) if isinstance(act, FaultKind) else room.outage(act))
            await asyncio.sleep(dice.uniform(*pace.calm))
        await room.compare()
        return room.outcome


async def _lag(outcome: Outcome) -> None:
    """How late this process's own loop is: the machine may be busy with other things."""
    while True:
        due = time.monotonic() + 0.02
        await asyncio.sleep(0.02)
        late = time.monotonic() - due
        outcome.lag, outcome.lag_now = max(outcome.lag, late), max(outcome.lag_now, late)


def several(seeds: Sequence[int]) -> list[Outcome]:
    """Some seeds side by side in this process."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))

    for name in NAMES:
        _market.quote(name, BEGIN + 1.0)  # a day is made once, before anybody's time is taken

    async def together() -> list[Outcome]:
        return list(await asyncio.gather(*(_later(place * APART, seed) for place, seed in enumerate(seeds))))

    return asyncio.run(together())


async def _later(seconds: float, seed: int) -> Outcome:
    """A seed that begins after the others before it: all their beginnings at once would take everybody's time."""
    await asyncio.sleep(seconds)
    return await live(seed)


def batches(seeds: int, together: int) -> list[range]:
    """The seeds, so many at once in each process."""
    return [range(first, min(first + together, seeds)) for first in range(0, seeds, together)]


def report(outcomes: Sequence[Outcome]) -> bool:
    """Print what was counted; whether all of it is as it must be."""
    fine = True
    for what, limit, values in (
        ("detected after", DETECTED, [one.detected for one in outcomes]),
        ("next price after the end", RECOVERED, [one.priced for one in outcomes]),
        ("streaming again after the end", RECOVERED, [one.streaming for one in outcomes]),
    ):
        times = sorted((seconds, kind) for kind, seconds in chain.from_iterable(values))
        late = [f"{seconds:.2f} s: {kind}" for seconds, kind in times if seconds > limit]
        fine &= not late
        middle, (longest, kind) = times[len(times) // 2][0], times[-1]
        console.print(f"{what}: median {middle:.2f} s, longest {longest:.2f} s ({kind}); limit {limit:g} s")
        for one in late:
            console.print(f"[red]  {one}")
    kinds = sum((one.kinds for one in outcomes), Counter())
    console.print(f"{sum(kinds.values())} faults: {', '.join(f'{kind} {n}' for kind, n in sorted(kinds.items()))}")
    console.print(f"{sum(one.candles for one in outcomes)} closed candles held against the sandbox's")
    most, connections = max(one.openings for one in outcomes), sum(one.connections for one in outcomes)
    console.print(f"{connections} connections, at most {most} begun in any second of a server; limit {OPENINGS}")
    console.print(f"longest lag of the processes' own loops {max(one.lag for one in outcomes) * 1e3:.0f} ms")
    wrong = [f"seed {one.seed}: {what}" for one in outcomes for what in one.wrong]
    for line in wrong[:20]:
        console.print(f"[red]{line}")
    return fine and not wrong and most <= OPENINGS


def main() -> int:
    """0 where every seed kept to the limits."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=100)
    parser.add_argument("--together", type=int, default=25, help="seeds at once in each process")
    parser.add_argument("--processes", type=int, default=min(2, os.cpu_count() or 1))
    given = parser.parse_args()
    began, outcomes = time.monotonic(), []
    with ProcessPoolExecutor(given.processes) as pool:
        for done in pool.map(several, batches(given.seeds, given.together)):
            outcomes += done
            console.print(f"{len(outcomes)} of {given.seeds} seeds after {time.monotonic() - began:.0f} s")
    return 0 if report(outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
