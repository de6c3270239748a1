"""What does a backtest cost, and how does that compare with a general library?

Reference of the same run: the library `backtesting` over the same year of five-minute candles with an EMA cross, its
stop and its target, where this engine evaluates three timeframes of the whole strategy. By the processor's own clock.
"""

import asyncio
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import psutil

from alphaforge.backtests.engine import run as backtest
from alphaforge.backtests.model import Market, Options
from alphaforge.backtests.trades import trades_of
from alphaforge.core.candles import CandleSeries
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.core.market_hours import hours_of
from alphaforge.core.memory import at_full_speed
from alphaforge.core.times import rfc3339
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.statistics.figures import statistics_of
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from benchmarks.evaluation import YEAR, walk
from benchmarks.report import show

NAME = "GBP_USD"
TIMES_FASTER = 40
GRID = ("minimum_votes=1.6:2.5:0.1", "minimum_adx=16:35:1")
POINTS = 200
GRID_SECONDS = 60
MEMORY = 400
"""MB of all processes together."""
_WARM_UP = 13_000


def run() -> None:
    """Print the figures."""
    print("Backtests")
    year = walk(NAME, YEAR, 7)
    library = best(lambda: crossed(year), 3)
    show("backtesting: an EMA cross over a year of M5", f"{library * 1e3:.0f} ms")
    with at_full_speed():
        ours = best(lambda: evaluated(year), 20)
        times = library / ours
        show("the strategy over it: fills, account, statistics", f"{ours * 1e3:.1f} ms")
        show("  times as fast", f"{times:.0f}", f"at least {TIMES_FASTER}", met=times >= TIMES_FASTER)
        two, ten = walk(NAME, 2 * YEAR, 7), walk(NAME, 10 * YEAR, 7)
        growth = best(lambda: evaluated(ten), 3) / best(lambda: evaluated(two), 9)
        # of one year a sixth is warm-up, in which nothing is traded
        show("  ten years of it, as a multiple of two", f"{growth:.1f}", "about 5", met=growth <= 5.5)
    with tempfile.TemporaryDirectory() as folder:
        url = f"sqlite:///{folder}/candles.db"
        span = asyncio.run(_filled(url))
        seconds, peak = command(url, span, "--no-controls", *(f"--grid={axis}" for axis in GRID))
        show(f"a grid of {POINTS} points over three instruments", f"{seconds:.1f} s", "within 60 s", met=seconds <= 60)
        show("  all its processes hold at most", f"{peak:.0f} MB", f"below {MEMORY} MB", met=peak < MEMORY)
        seconds, peak = command(url, span)
        show("one backtest with its controls, as a command", f"{seconds:.1f} s")
        show("  all its processes hold at most", f"{peak:.0f} MB", f"below {MEMORY} MB", met=peak < MEMORY)


def best(work: Callable[[], object], rounds: int) -> float:
    """The least seconds of one round, by the processor's own clock."""
    took = []
    for _ in range(rounds):
        began = time.process_time()
        work()
        took.append(time.process_time() - began)
    return min(took)


def evaluated(series: CandleSeries) -> object:
    """All of it: evaluation, fills, account, figures with their intervals."""
    instrument = FALLBACK_INSTRUMENTS[NAME]
    market = Market({NAME: series}, (instrument,), {NAME: hours_of(NAME)}, "walk")
    options = Options()
    return statistics_of(trades_of(backtest(market, DEFAULT_SETTINGS, options)), balance=options.balance)


def crossed(series: CandleSeries) -> object:
    """The other library's run, as its guide has such a strategy."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        import pandas as pd  # noqa: PLC0415 - other benchmarks must not hold it
        from backtesting import Backtest, Strategy  # noqa: PLC0415 - the same
        from backtesting.lib import crossover  # noqa: PLC0415 - the same

        from alphaforge.indicators import atr, ema  # noqa: PLC0415 - the same TA-Lib for both

    class Cross(Strategy):  # type: ignore[misc] - the library has no types
        def init(self) -> None:
            self.fast, self.slow = self.I(ema, self.data.Close, 5), self.I(ema, self.data.Close, 13)
            self.range = self.I(atr, self.data.High, self.data.Low, self.data.Close, 14)

        def next(self) -> None:
            if self.position:
                return
            price, reach = self.data.Close[-1], self.range[-1]
            if crossover(self.fast, self.slow):
                self.buy(size=1, sl=price - 1.5 * reach, tp=price + 3 * reach)
            elif crossover(self.slow, self.fast):
                self.sell(size=1, sl=price + 1.5 * reach, tp=price - 3 * reach)

    mid = series.mid
    frame = pd.DataFrame(
        {"Open": mid.open, "High": mid.high, "Low": mid.low, "Close": mid.close},
        index=pd.to_datetime(series.time, unit="s"),
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return Backtest(frame, Cross, cash=1e6).run()


async def _filled(url: str) -> tuple[str, str]:
    """A year of three instruments with its warm-up, and when it begins and ends."""
    database = await Database.open(url)
    try:
        for seed, name in enumerate(FALLBACK_INSTRUMENTS):
            series = walk(name, YEAR + _WARM_UP, seed)
            for start in range(0, len(series), 20_000):
                async with database.write("candles") as connection:
                    await CandleRepository(connection, "import").keep(series.rows(start, start + 20_000))
    finally:
        await database.close()
    return rfc3339(int(series.time[_WARM_UP])), rfc3339(series.end)


def command(url: str, span: tuple[str, str], *more: str) -> tuple[float, float]:
    """Seconds of a command from its start to its end, and the most MB that its processes held together."""
    asked = [sys.executable, "-m", "alphaforge", "backtest", "--instruments", ",".join(FALLBACK_INSTRUMENTS)]
    asked += ["--from", span[0], "--to", span[1], "--source", "import", "--cores", "2", "--json", *more]
    began, peak = time.perf_counter(), 0.0
    with tempfile.TemporaryFile() as answer:
        process = subprocess.Popen(asked, stdout=answer, stderr=answer, env={"DATABASE_URL": url}, cwd=_anywhere())
        while process.poll() is None:
            peak = max(peak, _held(psutil.Process(process.pid)))
            time.sleep(0.05)
        if process.returncode:
            answer.seek(0)
            raise SystemExit(answer.read().decode())
    return time.perf_counter() - began, peak


def _held(root: psutil.Process) -> float:
    """MB of a process and its children; what they share counts once."""
    held = 0
    try:
        for process in (root, *root.children(recursive=True)):
            held += process.memory_full_info().pss
    except psutil.Error:  # it has just ended
        return 0.0
    return held / 1e6


def _anywhere() -> Path:
    """A folder without a settings file."""
    return Path(tempfile.gettempdir())
