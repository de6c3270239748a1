"""Answers as ready bytes: msgspec encodes, FastAPI only passes them on."""

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
from fastapi import Response

_encode = msgspec.json.Encoder().encode


def json_bytes(body: object) -> bytes:
    """Compact JSON; NaN and infinities, which JSON does not have, become null."""
    return _encode(body)


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(json_bytes(body), status, dict(headers) if headers else None, "application/json")


def stored_time(value: datetime | None) -> str | None:
    """RFC 3339 UTC with `Z` of a DATETIME column, which holds naive UTC."""
    if value is None:
        return None
    if value.tzinfo is not None:
        value = value.astimezone(UTC).replace(tzinfo=None)
    return value.isoformat() + "Z"


def short_time(value: datetime | None) -> str | None:
    """The predecessor's short form in the journal: `2025-11-20 14:55`, UTC."""
    if value is None:
        return None
    if value.tzinfo is not None:
        value = value.astimezone(UTC)
    return value.strftime("%Y-%m-%d %H:%M")


def machine_now() -> str:
    """The moment of this answer by the machine's clock, as the predecessor's `timestamp` means it."""
    return datetime.now(UTC).isoformat().replace("+00:00", "Z")
