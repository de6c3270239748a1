"""Moments at the border: epoch seconds inside, RFC 3339 UTC with `Z` outside."""

from datetime import UTC, datetime

from alphaforge.core.errors import InvalidInput


def from_epoch(seconds: float) -> datetime:
    """The aware UTC datetime of `seconds` since 1970."""
    return datetime.fromtimestamp(seconds, UTC)


def to_epoch(moment: datetime) -> float:
    """Seconds since 1970 of an aware datetime; a naive one is refused."""
    if moment.tzinfo is None:
        message = f"{moment.isoformat()} has no time zone"
        raise InvalidInput(message, advice="Write it as RFC 3339, e.g. 2025-07-07T06:00:00Z.")
    return moment.timestamp()


def rfc3339(seconds: float) -> str:
    """`2025-07-07T06:00:00Z`; with microseconds only where there are any."""
    return from_epoch(seconds).isoformat().replace("+00:00", "Z")


def parse_rfc3339(text: str) -> float:
    """Epoch seconds of an RFC 3339 time with an offset; OANDA's nanoseconds are cut to microseconds.

    Raises InvalidInput for anything else, naive times included.
    """
    head, dot, tail = text.partition(".")
    if dot:
        digits = len(tail) - len(tail.lstrip("0123456789"))
        text = f"{head}.{tail[: min(digits, 6)].ljust(6, '0')}{tail[digits:]}"
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        message = f"{text!r} is not a time"
        raise InvalidInput(message, advice="Write it as RFC 3339, e.g. 2025-07-07T06:00:00Z.") from None
    return to_epoch(moment)
