"""How fast are thirty instruments decided, and does the event loop keep turning meanwhile?

A sandbox process answers every request after 80 ms. The desk's candles are loaded cold, then the market's clock is set
to just before a close again and again. The lag of the loop is how late a timer of every two milliseconds is: each
moment at which it was due counts, so that a long stall weighs as much as it lasts.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import structlog
import uvloop
from pydantic import SecretStr

from alphaforge.api.services import Services
from alphaforge.bootstrap import open_services
from alphaforge.core.memory import settle_down
from alphaforge.market.sandbox.listings import LISTED_INSTRUMENTS
from alphaforge.settings import Settings
from benchmarks.generation import GENERATE, LATENCY, MARKET, _get, _post, _timed
from benchmarks.report import median, percentile, show
from benchmarks.servers import Server, ask, sandbox, server

INSTRUMENTS = LISTED_INSTRUMENTS[:30]
M5 = 300
EVERY = 0.002
LAG_TARGET = 0.020
BEYOND = 0.150


def run(closes: int = 10) -> None:
    """Print the figures, over so many closes."""
    print(f"Thirty instruments, OANDA imitated at {LATENCY} ms a request")
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))
    with tempfile.TemporaryDirectory() as name, sandbox(Path(name), MARKET) as market:
        trip = median(_timed(_get(market, "/v3/accounts"), 20))
        show("one round trip (reference)", f"{trip * 1e3:.1f} ms")
        uvloop.run(_lags(market, Path(name) / "desk.db", closes))
        with server(Path(name), market, INSTRUMENTS=",".join(INSTRUMENTS)) as desk:
            _generation(desk, market, trip, closes)


def _generation(desk: Server, market: str, trip: float, closes: int) -> None:
    """From request to answer: right after a close, when every candle is new, and with nothing new."""
    time.sleep(25)  # two new connections a second
    generate = _post(desk.url, GENERATE)
    generate()
    anew = []
    for _ in range(closes):
        boundary = _before_close(market)
        generate()  # by this answer the desk knows what the time is
        time.sleep(max(0.0, boundary + 0.15 - float(ask(f"{market}/sandbox/clock")["now"])))
        anew += _timed(generate, 1)
        time.sleep(2)
    limit = 2 * trip + BEYOND
    met = median(anew) <= limit
    show("warm generation after a close", f"{median(anew) * 1e3:.0f} ms", f"<= {limit * 1e3:.0f} ms", met=met)
    show("  fastest; slowest", f"{min(anew) * 1e3:.0f}; {max(anew) * 1e3:.0f} ms")
    again = _timed(generate, 2 * closes)
    show("warm generation with nothing new", f"{median(again) * 1e3:.0f} ms")


def _before_close(market: str) -> int:
    """Set the market's clock to two seconds before its next close; answers the close."""
    now = float(ask(f"{market}/sandbox/clock")["now"])
    boundary = int(now // M5) * M5 + M5
    if boundary - 2 <= now:
        boundary += M5
    ask(f"{market}/sandbox/clock", {"advance_by": boundary - 2 - now})
    return boundary


@dataclass(slots=True)
class Lag:
    """How late each of many moments was noticed, and what the loop itself worked between two looks, in seconds.

    The second figure knows nothing of other programs that the machine is busy with.
    """

    late: list[float] = field(default_factory=list)
    worked: list[float] = field(default_factory=list)
    _due: float = 0.0

    @asynccontextmanager
    async def watched(self, counts: Callable[[], bool] = lambda: True) -> AsyncIterator[None]:
        """While the block lasts; only what comes while `counts` says so."""
        loop = asyncio.get_running_loop()
        self._due = loop.time() + EVERY
        going, spent = True, time.thread_time()

        def tick() -> None:
            nonlocal spent
            now, counted = loop.time(), counts()
            before, spent = spent, time.thread_time()
            if counted:
                self.worked.append(spent - before)
            while self._due <= now:
                if counted:
                    self.late.append(now - self._due)
                self._due += EVERY
            if going:
                loop.call_later(max(EVERY / 2, self._due - now), tick)  # uvloop counts in whole milliseconds

        loop.call_later(EVERY, tick)
        try:
            yield
        finally:
            going = False

    def show(self, what: str, target: float | None = None) -> None:
        """Print it."""
        p99 = percentile(self.late, 0.99)
        limit, met = ("", None) if target is None else (f"<= {target * 1e3:.0f} ms", p99 <= target)
        show(f"lag of the loop {what}, p99", f"{p99 * 1e3:.1f} ms", limit, met=met)
        middle, longest = percentile(self.late, 0.5), max(self.late)
        show("  median; longest; moments", f"{middle * 1e3:.1f}; {longest * 1e3:.0f} ms; {len(self.late)}")
        own = percentile(self.worked, 0.99), max(self.worked)
        show("  of its own work between two looks: p99; longest", f"{own[0] * 1e3:.1f}; {own[1] * 1e3:.1f} ms")


async def _lags(market: str, path: Path, closes: int) -> None:
    settings = Settings(
        database_url=SecretStr(f"sqlite:///{path}"),
        oanda_api_key=SecretStr("sandbox"),
        oanda_api_url=market,
        instruments=INSTRUMENTS,
    )
    cold, scanning, idle = Lag(), Lag(), Lag()
    began = time.perf_counter()
    async with open_services(settings) as services:
        settle_down()  # as the server does when it serves
        async with cold.watched():
            await _until(lambda: services.strategy.last_scan_at is not None)
        show("loaded cold and decided within", f"{time.perf_counter() - began:.1f} s")
        async with idle.watched():
            await asyncio.sleep(25)  # two new connections a second
        for _ in range(closes):
            await _scan_of(services, market, scanning)
    idle.show("with nothing to do (reference)")
    cold.show("while loading cold", LAG_TARGET)
    scanning.show("while scanning", LAG_TARGET)


async def _scan_of(services: Services, market: str, lag: Lag) -> None:
    """One scheduled scan, from the close to its end."""
    boundary = await asyncio.to_thread(_before_close, market)
    await services.desk.scan(INSTRUMENTS[:1])  # by this answer the desk knows what the time is
    async with lag.watched(lambda: services.strategy.is_scanning):
        await _until(lambda: (services.strategy.last_scan_at or 0) > boundary)


async def _until(claim: Callable[[], bool]) -> None:
    while not claim():  # noqa: ASYNC110 - what is measured has no event for it
        await asyncio.sleep(0.02)
