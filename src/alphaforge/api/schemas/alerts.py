"""Alerts and their channels going out."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Next, Time


class SentAlert(Answer):
    """One message to one channel."""

    id: int
    kind: str = Field(description="signal, outcome, feed, token, task, channel; `summary` of several.")
    instrument: str | None
    signal_id: int | None
    title: str
    channel: str = Field(description="As it was called then.")
    alerts: int = Field(description="How many alerts the message tells of.")
    status: str = Field(description="queued, held (for quiet hours or its minute's end), sending, sent, failed.")
    attempts: int
    error: str | None = Field(description="Why the last attempt failed.")
    at: Time = Field(description="When what it tells of happened; of several the first.")
    created_at: Time
    due_at: Time = Field(description="Not sent before.")
    sent_at: Time | None


class AlertHistory(Answer):
    """Messages, newest first; they are kept for a week."""

    alerts: list[SentAlert]
    count: int
    next: Next = None


class AlertChannel(Answer):
    """Where alerts go, without its address."""

    name: str
    service: str = Field(description="The schema of its address.", examples=["tgram", "json"])
    kinds: list[str] = Field(description="What it wants to be told of; all where it is empty.")
    instruments: list[str] = Field(description="Of which instruments; all where it is empty.")
    min_confidence: float = Field(description="From which confidence on, 0 to 100.")
    quiet: str | None = Field(description="Hours in which alerts are held.", examples=["22:00-07:00@Europe/London"])
    enabled: bool = Field(description="Off after ten failures in a row, until somebody enables it.")
    failures: int = Field(description="In a row.")
    last_error: str | None
    disabled_at: Time | None
    last_sent_at: Time | None = Field(description="Of the last week.")


class AlertChannels(Answer):
    """The channels, in the order of ALERT_URLS."""

    channels: list[AlertChannel]
    count: int


class ChannelAnswer(Answer):
    """What was done to a channel."""

    success: bool
    channel: str
    message: str
