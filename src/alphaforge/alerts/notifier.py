"""What the desk asks of whoever sends alerts."""

from dataclasses import dataclass
from typing import Protocol

from alphaforge.alerts.channel import Channel


@dataclass(frozen=True, slots=True)
class Message:
    """Plain text for a channel. `key` is the same however often it is sent."""

    key: str
    title: str
    body: str


class Notifier(Protocol):
    """Sends messages."""

    async def send(self, channel: Channel, message: Message) -> None:
        """Send it; returns when the receiver has taken it, raises NotDelivered where it did not."""
        ...
