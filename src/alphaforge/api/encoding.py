"""Answers as ready bytes: msgspec encodes, FastAPI only passes them on."""

import time
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from fastapi import Response

from alphaforge.core.times import from_epoch, rfc3339

_MANY = 1_000  # rows repeat their times, and lists repeat their rows; what changes brings new ones without end

_encode = msgspec.json.Encoder().encode


def json_bytes(body: object) -> bytes:
    """Compact JSON; NaN and infinities, which JSON does not have, become null."""
    return _encode(body)


def json_answer(body: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """An answer with a JSON body."""
    return Response(json_bytes(body), int(status), dict(headers) if headers else None, "application/json")


Columns = Mapping[str, Sequence[Any]]
"""Rows by column, all of one length: their keys in order, each with its values."""


def bodies(noun: str, columns: Columns) -> list[object]:
    """The rows, as objects that are encoded with these keys in this order."""
    return list(map(_shape(noun, tuple(columns)), *columns.values()))


@lru_cache(maxsize=256)
def _shape(noun: str, names: tuple[str, ...]) -> type[msgspec.Struct]:
    """A class that msgspec makes and encodes faster than a dict."""
    return msgspec.defstruct(noun, list(names), frozen=True, gc=False)


@lru_cache(maxsize=_MANY)
def stored_time(moment: float | None) -> str | None:
    """RFC 3339 UTC with `Z` of epoch seconds, where there are any."""
    return None if moment is None else rfc3339(moment)


@lru_cache(maxsize=_MANY)
def short_time(moment: float | None) -> str | None:
    """The predecessor's short form in the journal: `2025-11-20 14:55`, UTC."""
    return None if moment is None else from_epoch(moment).strftime("%Y-%m-%d %H:%M")


def machine_now() -> str:
    """The moment of this answer by the machine's clock, as the predecessor's `timestamp` means it."""
    return rfc3339(time.time())
