"""The switch of the scheduled scans, kept over restarts, and what the last scan found, whichever process made it."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import structlog
from structlog.contextvars import bound_contextvars

from alphaforge.core.errors import AlphaForgeError
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.jobs import DONE, ENDED, FAILED, JobRepository
from alphaforge.storage.settings import SettingRepository
from alphaforge.storage.signal_values import OPEN
from alphaforge.workflows.collect_candles import collect_candles, is_late
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.recall_evaluations import newer_evaluations
from alphaforge.workflows.scan_market import ScanResult, scan_market
from alphaforge.workflows.settle_signals import Settlement, settle_signals

log = structlog.get_logger(__name__)

RUNNING_KEY = "strategy_running"
SCAN = "scan"
"""The kind of the scheduled scans' jobs."""


@dataclass(slots=True)
class Strategy:
    """Scans of this desk, scheduled or asked for, and whether the scheduled ones run. `scanned`: this process has."""

    desk: Desk
    is_running: bool = True
    last_scan_at: float | None = None
    last_results: dict[str, ScanResult] = field(default_factory=dict)
    last_failure: Exception | None = None
    scanned: asyncio.Event = field(default_factory=asyncio.Event)
    _last_job: int = 0
    _under_way: int = 0
    _scans: int = 0

    @property
    def settings(self) -> StrategySettings:
        """The numbers that it decides by."""
        return self.desk.strategy

    @property
    def is_scanning(self) -> bool:
        """Whether a scan is under way at this moment."""
        return self._under_way > 0

    async def restore(self) -> None:
        """Find the switch as it was left; a new desk scans."""
        async with self.desk.database.read() as connection:
            self.is_running = await SettingRepository(connection).get(RUNNING_KEY) != "false"

    async def recall(self) -> None:
        """Find what others decided since, and how the last scheduled scan ended. Raises StorageError."""
        known = {name: result.decision for name, result in self.last_results.items()}
        self.last_results |= await newer_evaluations(self.desk, known)
        async with self.desk.database.read() as connection:
            newest = next(iter(await JobRepository(connection).page((SCAN,), ENDED, limit=1)), None)
        if newest is None or newest.id <= self._last_job:
            return
        self._last_job = newest.id
        if newest.status == DONE and newest.result is not None:
            self.last_failure = None
            self.last_scan_at = max(self.last_scan_at or 0.0, newest.result["market_time"])
        elif newest.status == FAILED:
            self.last_failure = AlphaForgeError(newest.error or "")

    async def start(self) -> None:
        """Turn scheduled scans on."""
        await self._switch(on=True)

    async def stop(self) -> None:
        """Turn scheduled scans off; candles go on being collected."""
        await self._switch(on=False)

    async def _switch(self, *, on: bool) -> None:
        async with self.desk.database.write("app_settings") as connection:
            await SettingRepository(connection).put(RUNNING_KEY, "true" if on else "false")
        self.is_running = on
        log.info("strategy_switched", running=on)

    async def scan(self, names: Sequence[str] | None = None) -> Sequence[ScanResult]:
        """Scan now, whether the scheduled scans run or not; one line in the log says what came of it."""
        self._scans += 1
        self._under_way += 1
        began = self.desk.clock.now()
        try:
            with bound_contextvars(scan_id=self._scans):
                results = await scan_market(self.desk, tuple(names) if names else None)
                _log_scan(results, began)
        except Exception as error:
            self.last_failure = error
            raise
        finally:
            self._under_way -= 1
            self.scanned.set()
        self.last_failure = None
        self.last_scan_at = self.desk.clock.now()
        self.last_results.update((result.instrument, result) for result in results)
        return results

    async def settle(self, *, own_only: bool) -> Sequence[Settlement]:
        """Settle with the candles of now."""
        await (self.scan() if self.is_running else self.collect(self.desk.names))
        return await settle_signals(self.desk, own_only=own_only, scanning=self.is_running)

    async def settle_own(self) -> int:
        """Settle this desk's signals with the candles at hand; answers how many have ended."""
        found = await settle_signals(self.desk, own_only=True, scanning=self.is_running)
        return sum(one.status not in OPEN for one in found)

    async def collect(self, names: Sequence[str]) -> Sequence[ScanResult]:
        """Fetch what closed and decide nothing."""
        fetched = await collect_candles(self.desk, names)
        return [ScanResult(name, None, None, "strategy_stopped", late=is_late(fetched[name])) for name in names]


def _log_scan(results: Sequence[ScanResult], began: float) -> None:
    found: Mapping[str, str] = {result.instrument: result.reason or "signal" for result in results}
    log.info(
        "scan",
        market_time=round(began, 3),
        evaluated=sum(result.evaluated for result in results),
        late=[result.instrument for result in results if result.late],
        **found,
    )
