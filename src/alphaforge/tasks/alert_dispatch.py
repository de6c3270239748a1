"""Tells the channels of new signals and outcomes: what is behind the cursor among the events.

Events are written in the transaction of what they tell of. One transaction queues the alerts of a batch and moves the
cursor, so that each is told once, whoever dies when; the cursor's row is held meanwhile, so that of several processes
one tells at a time.
"""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

import structlog

from alphaforge.alerts.model import Alert
from alphaforge.alerts.templates import outcome_alert, signal_alert
from alphaforge.core.errors import InvalidInput, StorageError
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.storage.alerts import AlertRepository, News
from alphaforge.storage.engine import Database
from alphaforge.storage.signal_values import OPEN
from alphaforge.tasks.alerts import Alerts

log = structlog.get_logger(__name__)

BATCH = 200
TOO_OLD_SECONDS = 86_400.0
"""Of what is older nobody is told any more."""
_LOOK_SECONDS = 30.0
"""How often it looks though nothing was announced."""
_AGAIN_SECONDS = 2.0
_OPEN = tuple(status.value for status in OPEN)


class AlertDispatch:
    """Queues alerts of events. `instrument` says what is known of one."""

    def __init__(self, database: Database, alerts: Alerts, instrument: Callable[[str], Instrument]) -> None:
        self._database = database
        self._alerts = alerts
        self._instrument = instrument
        self._seen = 0

    async def run(self) -> None:
        """Tell until cancelled; without channels, only forget how far others had told, and return."""
        if not self._alerts.channels:
            await self._forget()
            return
        with self._database.commits.heard("events") as woken:
            while True:
                woken.clear()
                try:
                    while await self.dispatch() == BATCH:
                        pass
                except StorageError as error:
                    log.error("alerts_not_queued", error=error.message, advice=error.advice)  # noqa: TRY400 - said in words
                    await asyncio.sleep(_AGAIN_SECONDS)
                    continue
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LOOK_SECONDS):
                        await woken.wait()

    async def dispatch(self) -> int:
        """Queue the alerts of the next batch; answers how many events there were in it."""
        async with self._database.read() as connection:  # most events are candles: nobody is told of them
            repository = AlertRepository(connection)
            cursor = await repository.cursor()
            if cursor is not None:
                news, newest = await repository.news(max(cursor, self._seen), 1)
                if not news:
                    self._seen = newest
                    return 0
        async with self._database.write("jobs", "app_settings") as connection:
            repository = AlertRepository(connection)
            if cursor is None:
                await repository.begin_at_newest()
            held = await repository.cursor(hold=True)
            if held is None:  # a process without channels forgot it just now
                return 0
            news, upto = await repository.news(held, BATCH)
            now = await repository.now()
            await self._alerts.tell(connection, self._alerts_of(news, now))
            if upto > held:
                await repository.move_cursor(upto)
        self._seen = upto
        return len(news)

    async def _forget(self) -> None:
        async with self._database.read() as connection:
            known = await AlertRepository(connection).cursor()
        if known is not None:
            async with self._database.write("app_settings") as connection:
                await AlertRepository(connection).forget_cursor()

    def _alerts_of(self, news: Sequence[News], now: float) -> list[Alert]:
        fresh = [one for one in news if now - one.at <= TOO_OLD_SECONDS]
        return [alert for one in fresh if (alert := self._alert(one)) is not None]

    def _alert(self, one: News) -> Alert | None:
        """None for what is no news: a signal that was taken in with its end, and one of no instrument."""
        row = one.row
        if one.kind == "signal" and row["status"] not in _OPEN and row["origin"] != "strategy":
            return None
        try:
            name = row["instrument"] or instrument_name(row["symbol"])
        except InvalidInput:
            log.warning("alert_of_no_instrument", signal=row["id"])
            return None
        template = signal_alert if one.kind == "signal" else outcome_alert
        return replace(template(f"event:{one.id}", row, self._instrument(name), one.at), trace=one.trace)
