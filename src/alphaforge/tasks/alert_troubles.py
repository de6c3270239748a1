"""Alerts about the desk itself: prices, the token, background work. Each trouble is told once, and its end once.

That something is wrong is noted in the database, in the transaction that queues the alert: neither a restart nor
another process tells it again.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import structlog

from alphaforge.alerts.model import Kind
from alphaforge.alerts.templates import trouble_alert
from alphaforge.core.errors import StorageError
from alphaforge.market.feed_status import FeedStatus
from alphaforge.storage.alerts import ALERT, AlertRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import Job
from alphaforge.tasks.alerts import Alerts

log = structlog.get_logger(__name__)

LASTING_SECONDS = 45.0
"""So long after prices became stale they are a trouble: a minute after the last one."""
LOOK_SECONDS = 5.0
_FEED, _TOKEN = Kind.FEED.value, Kind.TOKEN.value


@dataclass(frozen=True, slots=True)
class Troubles:
    """What is wrong with the desk."""

    database: Database
    alerts: Alerts

    async def begin(self, name: str, kind: Kind, title: str, reason: str) -> None:
        """Something is wrong; told where that is new. Raises StorageError."""
        if not self.alerts.channels:
            return
        async with self.database.write("jobs", "app_settings") as connection:
            repository = AlertRepository(connection)
            now = await repository.now()
            if await repository.trouble_begins(name, now):
                alert = trouble_alert(f"trouble:{name}:{now:.3f}", kind, now, title, reason)
                await self.alerts.tell(connection, [alert])

    async def end(self, name: str, kind: Kind, title: str) -> None:
        """It is right again; told where it was wrong. Raises StorageError."""
        async with self.database.read() as connection:
            if not await AlertRepository(connection).is_trouble(name):
                return
        async with self.database.write("jobs", "app_settings") as connection:
            repository = AlertRepository(connection)
            now, since = await repository.now(), await repository.trouble_ends(name)
            if since is not None:
                reason = f"It was not for {(now - since) / 60:.0f} minutes."
                alert = trouble_alert(f"trouble:{name}:{since:.3f}:over", kind, now, title, reason)
                await self.alerts.tell(connection, [alert])

    async def job_failed(self, job: Job, why: str) -> None:
        """A job was given up: what an engine is told to call. Alerts about alerts would never end."""
        if job.kind == ALERT:
            return
        try:
            await self.begin(f"task:{job.kind}", Kind.TASK, f"Task failing: {job.kind}", why)
        except StorageError as error:
            log.error("alert_not_queued", trouble=job.kind, error=error.message)  # noqa: TRY400 - said in words

    async def jobs_work(self) -> None:
        """Tell of each kind of job that failed and has been done since. Raises StorageError."""
        async with self.database.read() as connection:
            found = await AlertRepository(connection).troubles_over("task:")
        for name in found:
            kind = name.removeprefix("task:")
            await self.end(name, Kind.TASK, f"Task works again: {kind}")


@dataclass(frozen=True, slots=True)
class MarketTrouble:
    """What is wrong with prices, in words; `refused`: it is the token that OANDA does not accept."""

    reason: str
    refused: bool = False


def market_trouble(status: FeedStatus, now: float, *, problem: str = "", refused: bool = False) -> MarketTrouble | None:
    """What is wrong by the price feed at a monotonic moment; None where nothing is, or not for long enough.

    `problem`: what the broker answered last, where that was none; `refused`: it was that it does not accept the token.
    """
    if refused:
        return MarketTrouble(problem, refused=True)
    if status.stale_since is None:
        return None
    since = max(status.stale_since, status.since) if status.last_price is None else status.stale_since
    if now - since < LASTING_SECONDS:
        return None
    return MarketTrouble(f"No new price for {now - since:.0f} s in an open market. {problem or status.reason}".strip())


@dataclass(slots=True)
class TroubleWatch:
    """Looks every few seconds whether prices come and failed work goes on.

    `market` says what is wrong there, None for nothing. Only the process whose matter it is looks (`is_mine`), and one
    that told of a trouble until it is over.
    """

    troubles: Troubles
    market: Callable[[], MarketTrouble | None]
    is_mine: Callable[[], bool]
    wait: Callable[[float], Awaitable[None]] = asyncio.sleep
    _last: str | None = None

    async def run(self) -> None:
        """Look until cancelled; without channels, return."""
        if not self.troubles.alerts.channels:
            return
        while True:
            try:
                if self.is_mine() or self._last:
                    await self.look()
            except StorageError as error:
                log.error("troubles_not_told", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
            await self.wait(LOOK_SECONDS)

    async def look(self) -> None:
        """Tell what began or ended. Raises StorageError."""
        trouble = self.market()
        name = "" if trouble is None else _TOKEN if trouble.refused else _FEED
        if name != self._last:  # the first time whatever was left by those before
            if trouble is not None:
                await self.troubles.begin(name, Kind(name), _WRONG[name], trouble.reason)
            else:
                for over in _WRONG:
                    await self.troubles.end(over, Kind(over), _AGAIN[over])
            self._last = name
        await self.troubles.jobs_work()


_WRONG = {_FEED: "No prices", _TOKEN: "OANDA refuses the token"}
_AGAIN = {_FEED: "Prices again", _TOKEN: "OANDA accepts the token again"}
