"""Queues alerts for the channels that want them, in the transaction of whoever raises them.

Rolled back, nothing was queued; committed, each is sent once, whatever dies when: its job's key is the alert's and the
channel's. In quiet hours, and beyond what a channel is told in a minute, alerts are gathered into one message.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from alphaforge.alerts.channel import Channel
from alphaforge.alerts.model import Alert, Why
from alphaforge.alerts.templates import gathered, joined, queued, queued_of
from alphaforge.core.errors import NotFound
from alphaforge.storage.alert_channels import ChannelRepository
from alphaforge.storage.alerts import AlertRepository
from alphaforge.storage.connection import AsyncConnection

_MINUTE = 60.0


@dataclass(frozen=True, slots=True)
class Alerts:
    """The channels of this desk, and how they are told."""

    channels: tuple[Channel, ...]

    def channel(self, name: str) -> Channel:
        """By its name. Raises NotFound naming those there are."""
        for channel in self.channels:
            if channel.name == name:
                return channel
        names = ", ".join(one.name for one in self.channels) or "none"
        raise NotFound(f"There is no channel {name[:40]!r}", advice=f"Channels: {names}. ALERT_URLS makes more.")

    def by_key(self, key: str) -> Channel | None:
        """By its key."""
        return next((one for one in self.channels if one.key == key), None)

    async def tell(self, connection: AsyncConnection, alerts: Sequence[Alert], *, but: str | None = None) -> None:
        """Queue alerts for every channel that wants them, except disabled ones and the channel of the key `but`.

        In a transaction that writes `jobs`.
        """
        if not self.channels or not alerts:
            return
        states = await ChannelRepository(connection).states()
        for channel in self.channels:
            state = states.get(channel.key)
            if channel.key == but or (state is not None and state.disabled_at is not None):
                continue
            wanted = [one for one in alerts if channel.wanted.wants(one.kind, one.instrument, one.confidence)]
            if wanted:
                await _Lane(channel, AlertRepository(connection)).take(wanted)


@dataclass(frozen=True, slots=True)
class _Lane:
    """One channel's part of a transaction."""

    channel: Channel
    repository: AlertRepository

    async def take(self, alerts: Sequence[Alert]) -> None:
        now = await self.repository.now()
        quiet = self.channel.wanted.quiet
        if quiet is not None and quiet.contains(now):
            await self._gather(alerts, Why.QUIET, quiet.ends_after(now), now)
            return
        most = self.channel.wanted.per_minute
        room = most - await self.repository.made_lately(self.channel.lane, _MINUTE, most)
        for alert in alerts[:room]:
            key = f"alert:{self.channel.key}:{alert.key}"
            await self.repository.queue(
                key, self.channel.lane, queued(self.channel, alert).payload(), trace=alert.trace
            )
        if rest := alerts[room:]:
            await self._gather(rest, Why.MANY, (now // _MINUTE + 1) * _MINUTE, now)

    async def _gather(self, alerts: Sequence[Alert], why: Why, until: float, now: float) -> None:
        """Into the message that waits for that moment, or into a new one where it is gone already."""
        key = f"alert:{self.channel.key}:gathered:{why}:{until:.0f}"
        waiting = await self.repository.waiting(key)
        if waiting is not None:
            more = joined(queued_of(waiting), alerts)
            await self.repository.change_waiting(key, more.payload())
            return
        payload = gathered(self.channel, alerts, why).payload()
        lane, delay, trace = self.channel.lane, until - now, alerts[0].trace
        if not await self.repository.queue(key, lane, payload, delay=delay, trace=trace):
            await self.repository.queue(f"{key}:{alerts[0].key}", lane, payload, delay=delay, trace=trace)
