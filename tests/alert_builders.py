"""Channels, receivers and signals for tests of alerts."""

from dataclasses import dataclass, field

from alphaforge.alerts.channel import Channel, channels_of
from alphaforge.alerts.notifier import Message
from alphaforge.core.errors import NotDelivered
from alphaforge.core.instruments import Instrument
from alphaforge.signals.model import Direction, Status
from alphaforge.storage.alerts import ALERT
from alphaforge.storage.engine import Database
from alphaforge.storage.jobs import Job, JobRepository
from alphaforge.storage.signals import NewSignal, SignalRepository
from alphaforge.tasks.alert_dispatch import AlertDispatch
from alphaforge.tasks.alerts import Alerts

HOOK = channels_of("json://h.example/hook?af_name=hook")[0]
PHONE = channels_of("ntfy://phone?af_name=phone&af_kinds=outcome,task,channel")[0]


@dataclass
class FakeNotifier:
    """Remembers what was sent; a channel that is `dead` takes nothing."""

    dead: set[str] = field(default_factory=set)
    sent: list[tuple[str, Message]] = field(default_factory=list)
    tried: list[str] = field(default_factory=list)

    async def send(self, channel: Channel, message: Message) -> None:
        self.tried.append(channel.name)
        if channel.name in self.dead:
            raise NotDelivered("Failed to send: error=503.")
        self.sent.append((channel.name, message))


def channel(query: str) -> Channel:
    """A webhook that wants this."""
    return channels_of(f"json://h.example/hook?{query}")[0]


def dispatch(database: Database, *channels: Channel) -> AlertDispatch:
    """What tells these channels."""
    return AlertDispatch(database, Alerts(channels), Instrument)


def new_signal(
    instrument: str = "GBP_USD", status: Status = Status.PENDING, confidence: float | None = 78.0
) -> NewSignal:
    """A signal made by hand."""
    return NewSignal(
        instrument, Direction.BUY, 1.31, 1.308, 1.314, created_at=1.7e9, confidence_score=confidence, status=status
    )


async def signal(
    database: Database, instrument: str = "GBP_USD", status: Status = Status.PENDING, confidence: float | None = 78.0
) -> int:
    """One of these, committed."""
    async with database.write("trading_signals") as connection:
        return await SignalRepository(connection).create(new_signal(instrument, status, confidence))


async def messages(database: Database) -> list[Job]:
    """Every message that was queued, oldest first."""
    async with database.read() as connection:
        return (await JobRepository(connection).page((ALERT,), limit=1_000))[::-1]


async def titles(database: Database) -> list[tuple[str, str]]:
    """Channel and title of each."""
    return [(job.payload["name"], job.payload["title"]) for job in await messages(database)]
