"""Brings one message to one channel: a job of its own in the channel's lane, tried again while the receiver is away.

Whoever takes the job sends it, and the engine marks it: a process that is killed between the receiver's answer and the
mark sends it again, with the same key.
"""

import asyncio
import time
from collections.abc import Callable

import structlog

from alphaforge.alerts.channel import Channel
from alphaforge.alerts.model import Kind
from alphaforge.alerts.notifier import Message, Notifier
from alphaforge.alerts.templates import message_of, queued_of, trouble_alert
from alphaforge.core.errors import NoData, NotDelivered, StorageError
from alphaforge.storage.alert_channels import ChannelRepository, ChannelState
from alphaforge.storage.alerts import ALERT, AlertRepository
from alphaforge.storage.engine import Database
from alphaforge.tasks.alerts import Alerts
from alphaforge.tasks.kinds import GiveUp, Running, TaskKind
from alphaforge.telemetry import tracing

log = structlog.get_logger(__name__)

ATTEMPTS = 10
PAUSES = (5.0, 30.0, 120.0, 600.0, 3_600.0)
"""Seconds after the first failure, the second ...; ten attempts take about six hours."""
MOST_FAILURES = 10
"""In a row; then the channel is disabled until somebody enables it."""
_TIMEOUT = 60.0


class AlertDelivery:
    """Delivers messages. Without channels there is no `notifier`, and what is queued is given up."""

    def __init__(
        self,
        database: Database,
        alerts: Alerts,
        notifier: Notifier | None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._database = database
        self._alerts = alerts
        self._notifier = notifier
        self._clock = clock

    @property
    def kind(self) -> TaskKind:
        """How these jobs are run: each channel has a place, so that a dead receiver takes nobody's."""
        places = len(self._alerts.channels)
        return TaskKind(ALERT, self.run, "alerts", _TIMEOUT, ATTEMPTS, PAUSES, places=places)

    async def run(self, running: Running) -> None:
        """Send the message of a job. Raises NotDelivered, and GiveUp where there is nobody to send it to."""
        job = running.job
        one = queued_of(job.payload)
        channel = self._alerts.by_key(one.channel)
        if channel is None:
            raise GiveUp("Its channel is not among ALERT_URLS any more")
        async with self._database.read() as connection:
            state = await ChannelRepository(connection).state(channel.key)
        if state.disabled_at is not None:
            raise GiveUp(f"The channel was disabled after {state.failures} failures in a row")
        try:
            await self._send(channel, message_of(job.key or f"alert:{job.id}", one, self._clock()))
        except NotDelivered as error:
            await self._failed(channel, error.message)
            raise
        if state.failures:
            await self._works_again(channel)

    async def test(self, name: str) -> None:
        """Send a test message now, whatever the channel wants. Raises NotFound and NotDelivered."""
        channel = self._alerts.channel(name)
        now = self._clock()
        await self._send(channel, trial_message(channel, now))

    async def enable(self, name: str) -> None:
        """Forget a channel's failures, and try at once what waits for it. Raises NotFound."""
        await self._forget_failures(self._alerts.channel(name))

    async def states(self) -> list[tuple[Channel, ChannelState, float | None]]:
        """Each channel, how it does, and when it last took a message (epoch seconds, of those kept)."""
        async with self._database.read() as connection:
            states = await ChannelRepository(connection).states()
            sent = await AlertRepository(connection).last_sent()
        return [(one, states.get(one.key, ChannelState()), sent.get(one.lane)) for one in self._alerts.channels]

    async def _send(self, channel: Channel, message: Message) -> None:
        """Send it, to its end though this task be cancelled: half sent may have arrived, and would come twice."""
        if self._notifier is None:
            raise NoData("No channel is open in this process")
        with tracing.span(f"alert {channel.schema}", "client", {"alphaforge.channel": channel.name}):
            sending = asyncio.ensure_future(self._notifier.send(channel, message))
            try:
                await asyncio.shield(sending)
            except asyncio.CancelledError:
                await asyncio.wait({sending})
                if sending.exception() is not None:
                    raise

    async def _works_again(self, channel: Channel) -> None:
        """After a message that got through; whatever happens here, that one must not be sent again."""
        try:
            await self._forget_failures(channel)
        except StorageError as error:
            log.warning("alert_channel_not_noted", channel=channel.name, error=error.message)

    async def _forget_failures(self, channel: Channel) -> None:
        async with self._database.write("jobs") as connection:
            repository = ChannelRepository(connection)
            await repository.works(channel.key)
            await repository.hasten(channel.lane)

    async def _failed(self, channel: Channel, error: str) -> None:
        """One more failure: let the whole lane wait, or give the channel up and tell the others."""
        async with self._database.write("jobs") as connection:
            repository = ChannelRepository(connection)
            state = await repository.failed(channel.key, error, MOST_FAILURES)
            if state.failures != MOST_FAILURES or state.disabled_at is None:
                pause = PAUSES[min(state.failures, len(PAUSES)) - 1]
                await repository.postpone(channel.lane, pause)
                return
            now = await AlertRepository(connection).now()
            title = f"Channel {channel.name} disabled"
            advice = f"POST /api/alerts/channels/{channel.name}/enable turns it on again."
            reason = f"{state.failures} failures in a row, the last: {error} {advice}"
            alert = trouble_alert(f"disabled:{channel.key}:{now:.0f}", Kind.CHANNEL, now, title, reason)
            await self._alerts.tell(connection, [alert], but=channel.key)
        log.error("alert_channel_disabled", channel=channel.name, failures=state.failures, error=error, advice=advice)


def trial_message(channel: Channel, now: float) -> Message:
    """What a test says; each has a key of its own."""
    body = f"The channel {channel.name} of AlphaForge works."
    return Message(f"alert:{channel.key}:test:{now:.3f}", "AlphaForge test", body)
