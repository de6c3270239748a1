"""Live through a piece of history with a real server, then hold all it stored against an offline evaluation.

    python tests/e2e/replay.py [--candles DIR | --simulated] --from 2025-07-07T06:00:00Z --days 3 --speed 1200

A sandbox process replays the market (candle files, or a simulated one), a server process runs against it as it would
against OANDA. Afterwards every M5 candle must have been evaluated once, every evaluation must equal the offline
one bit for bit, and every outcome the offline settlement.
"""

import argparse
import asyncio
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from processes import NAMES, Server, ask, sandbox, server
from rich.console import Console
from rich.progress import Progress

from alphaforge.core.candles import CandleSeries, empty_series
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import parse_rfc3339, rfc3339
from alphaforge.market.oanda.access import OandaAccess
from alphaforge.market.oanda.client import OandaClient
from alphaforge.market.rolling import RollingCandles
from alphaforge.signals.explain import decision_from_dict, differences
from alphaforge.signals.model import Decision
from alphaforge.signals.offline import FinerCandles, Simulation, simulate
from alphaforge.storage.engine import Database
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalCriteria, SignalRepository

M5 = Granularity.M5.seconds
DAY = 86_400
REAL_CANDLES = Path(os.environ.get("ALPHAFORGE_REAL_CANDLES", Path(__file__).parents[3] / "shared" / "candles"))
HISTORY = 14_000
"""M5 candles before the first evaluated one that the offline side looks at."""

console = Console(stderr=True)


@dataclass(frozen=True, slots=True)
class Plan:
    """What to replay: `candles` None for the simulated market; `start` in epoch seconds, `speed` in market seconds."""

    candles: Path | None
    start: float
    days: float
    speed: float
    folder: Path

    @property
    def end(self) -> float:
        """The market's time at which the replay ends."""
        return self.start + self.days * DAY


@dataclass(frozen=True, slots=True)
class Report:
    """What was found. `faults`: in words, none where live equals offline."""

    evaluated: int
    signals: int
    settled: int
    reasons: dict[str, int]
    faults: tuple[str, ...]


def replay(plan: Plan) -> Report:
    """Run it and compare."""
    arguments = ["--from", rfc3339(plan.start)]
    if plan.candles is not None:
        arguments += ["--replay", str(plan.candles)]
    with sandbox(plan.folder, arguments) as market:
        with server(plan.folder, market) as desk:
            _live_through(plan, market, desk)
        return asyncio.run(compare(market, f"sqlite:///{plan.folder}/desk.db"))


def _live_through(plan: Plan, market: str, desk: Server) -> None:
    """Let the market run at speed until the end, then wait for the last candles to be evaluated."""
    ask(f"{market}/sandbox/clock", {"speed": plan.speed})
    desk.post("/api/signals/enhanced/generate")  # its answers tell the server how fast the market runs now
    with Progress(console=console, transient=True) as progress:
        bar = progress.add_task("market days", total=plan.days)
        while (now := float(ask(f"{market}/sandbox/clock")["now"])) < plan.end:
            progress.update(bar, completed=(now - plan.start) / DAY)
            time.sleep(min(1.0, (plan.end - now) / plan.speed + 0.01))
    desk.post("/api/signals/enhanced/generate")


async def compare(market: str, database_url: str) -> Report:
    """Hold what servers stored in a database against an offline evaluation of the market's candles."""
    series = await _true_candles(market)
    database = await Database.open(database_url, read_only=True)
    try:
        stored, signals = await _stored(database)
    finally:
        await database.close()
    starts = {name: min(d.candle_time for d in stored if d.instrument == name) for name in NAMES}
    last = max(d.candle_time for d in stored) + M5
    client = OandaClient(OandaAccess.of("practice", "sandbox", api_url=market))
    try:
        offline = await asyncio.to_thread(
            simulate,
            {name: _window(series[name], starts[name]) for name in NAMES},
            await _instruments(client),
            {name: hours_of(name) for name in NAMES},
            start=min(starts.values()) + M5 - 1,
            end=last,
            finer=_finer_of(client),
        )
    finally:
        await client.aclose()
    faults = [*_evaluation_faults(stored, series, starts, last), *_decision_faults(stored, offline)]
    faults += _outcome_faults(signals, offline)
    reasons = Counter(str(d.reason or "signal") for d in stored)
    settled = sum(row["exit_time"] is not None for row in signals)
    return Report(len(stored), len(signals), settled, dict(reasons.most_common()), tuple(faults))


async def _stored(database: Database) -> tuple[list[Decision], list[dict[str, object]]]:
    """All decisions that the server stored, and the rows of its signals, oldest first."""
    async with database.read() as connection:
        signals, rejections = SignalRepository(connection), RejectionRepository(connection)
        rows = (await signals.page(SignalCriteria(), limit=None))[::-1]
        plain = [await signals.decision_of(row["id"]) for row in rows]
        plain += [row["decision"] for row in await rejections.newest(None, 10_000_000)]
    return [decision_from_dict(one) for one in plain if one is not None], rows


async def _true_candles(market: str) -> dict[str, CandleSeries]:
    """What the market says now of its whole past, asked anew."""
    client = OandaClient(OandaAccess.of("practice", "sandbox", api_url=market))
    try:
        candles = RollingCandles(client, _Nowhere(), client.clock, capacity=HISTORY + 10_000)
        for name in NAMES:
            await candles.refresh(name)
        return {name: candles.series(name) for name in NAMES}
    finally:
        await client.aclose()


async def _instruments(client: OandaClient) -> list[Instrument]:
    known = {one.name: one for one in await client.instruments()}
    return [known[name] for name in NAMES]


def _finer_of(client: OandaClient) -> FinerCandles:
    """The market's finer candles, asked for from the thread of the simulation."""
    loop = asyncio.get_running_loop()

    def ask_for(name: str, granularity: Granularity, start: int, end: int) -> CandleSeries:
        answer = client.candles(name, granularity, start=start, end=end)
        return asyncio.run_coroutine_threadsafe(answer, loop).result().closed

    return ask_for


class _Nowhere:
    """An archive that keeps nothing."""

    async def newest(self, instrument: str, count: int) -> CandleSeries:
        del count
        return empty_series(instrument, Granularity.M5)

    async def since(self, instrument: str, start: int) -> CandleSeries:
        del start
        return empty_series(instrument, Granularity.M5)

    async def keep(self, series: CandleSeries) -> None:
        del series


def _window(series: CandleSeries, first: int) -> CandleSeries:
    """Enough history before the first evaluated candle."""
    return series.rows(max(0, int(series.time.searchsorted(first)) - HISTORY))


def _evaluation_faults(
    stored: list[Decision], series: dict[str, CandleSeries], starts: dict[str, int], last: int
) -> Iterator[str]:
    """Candles that were not evaluated, or more than once, or that never were."""
    for name in NAMES:
        times = Counter(d.candle_time for d in stored if d.instrument == name)
        true = {int(t) for t in series[name].time if starts[name] <= t < last}
        for start, count in times.items():
            if count != 1 or start not in true:
                yield f"{name} {rfc3339(start)} was evaluated {count} times, and the market has it: {start in true}"
        for start in sorted(true - times.keys()):
            yield f"{name} {rfc3339(start)} was not evaluated"


def _decision_faults(stored: list[Decision], offline: Simulation) -> Iterator[str]:
    """Decisions that differ from the offline ones in any bit, but for the moment at which they were made."""
    live = {(d.instrument, d.candle_time): d for d in stored}
    for decision in offline.decisions:
        other = live.get((decision.instrument, decision.candle_time))
        if other is not None and (found := differences(other, decision)):
            yield f"{decision.instrument} {rfc3339(decision.candle_time)}: {', '.join(found)} differ"


def _outcome_faults(signals: list[dict[str, object]], offline: Simulation) -> Iterator[str]:
    """Signals that ended otherwise than offline."""
    ended = {(end.signal.instrument, end.signal.opened_at - M5): end.outcome for end in offline.settled}
    for row in signals:
        outcome = ended.pop((row["instrument"], row["candle_time"]), None)
        names = ("status", "exit_price", "pips_captured", "r_multiple", "mae", "mfe", "ambiguous")
        live = tuple(row[name] for name in names)
        true = outcome and (
            outcome.status,
            outcome.exit_price,
            outcome.pips,
            outcome.r_multiple,
            outcome.mae,
            outcome.mfe,
            outcome.ambiguous,
        )
        if true is None and row["status"] == "PENDING":
            continue
        if true != live or outcome is None or row["exit_time"] != outcome.exit_time:
            yield f"signal {row['id']} ended live as {live}, offline as {true}"
    for (name, start), outcome in ended.items():
        yield f"{name} {rfc3339(start)}: {outcome.status} offline, and live there is no such signal"


def asked_plan(description: str | None, speed: float, folder: str) -> Plan | None:
    """The plan of the command line; None, and said so, where there are no candles."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--candles", type=Path, default=REAL_CANDLES)
    parser.add_argument("--simulated", action="store_true")
    parser.add_argument("--from", dest="start", default="2025-07-07T06:00:00Z")
    parser.add_argument("--days", type=float, default=3.0)
    parser.add_argument("--speed", type=float, default=speed)
    given = parser.parse_args()
    if not given.simulated and not given.candles.is_dir():
        console.print(f"Skipped: there are no candles at {given.candles}; ALPHAFORGE_REAL_CANDLES names their folder.")
        return None
    candles = None if given.simulated else given.candles
    return Plan(candles, parse_rfc3339(given.start), given.days, given.speed, Path(folder))


def main() -> int:
    """0 where live equals offline, 1 where it does not."""
    with tempfile.TemporaryDirectory(prefix="alphaforge-replay-") as folder:
        plan = asked_plan(__doc__, 1200.0, folder)
        if plan is None:
            return 0
        began = time.monotonic()
        report = replay(plan)
    console.print(f"{report.evaluated} candles evaluated live, {report.signals} signals, {report.settled} settled")
    console.print(f"Reasons: {report.reasons}. It took {time.monotonic() - began:.0f} s.")
    for fault in report.faults[:20]:
        console.print(f"[red]{fault}")
    console.print("Live differs from offline." if report.faults else "Live equals offline, bit for bit.")
    return 1 if report.faults else 0


if __name__ == "__main__":
    sys.exit(main())
