"""Column types that mean the same on SQLite, on PostgreSQL, and in the predecessor's tables on either."""

import math
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from sqlalchemy import Dialect
from sqlalchemy.types import UserDefinedType

from alphaforge.core.times import rfc3339

_EPOCH = datetime(1970, 1, 1)  # noqa: DTZ001 - what is kept carries no zone
_LENGTH = len("2025-07-07 06:00:00.000000")


class Word(UserDefinedType[str]):
    """A short word that the predecessor may have declared as a native enum or as VARCHAR.

    Its binds carry no cast: PostgreSQL then gives a parameter the type of the column it meets, whichever that is,
    where `$1::VARCHAR` beside an enum is refused.
    """

    cache_ok = True

    def __init__(self, length: int) -> None:
        self.length = length

    def get_col_spec(self, **_kw: object) -> str:
        """What a new table declares."""
        return f"VARCHAR({self.length})"


class Moment(UserDefinedType[float]):
    """Epoch seconds in Python; the predecessor's DATETIME in the database: naive UTC with microseconds.

    SQLite keeps text (`2025-07-07 06:00:00.000000`), PostgreSQL TIMESTAMP WITHOUT TIME ZONE.
    """

    cache_ok = True

    def get_col_spec(self, **_kw: object) -> str:
        """What a new table declares; both databases know this name (SQLite takes any)."""
        return "TIMESTAMP"

    def bind_processor(self, dialect: Dialect) -> Callable[[float | None], Any]:
        """Epoch seconds to what the database keeps."""
        if dialect.name == "sqlite":
            return _to_text
        return _to_naive

    def result_processor(self, dialect: Dialect, coltype: object) -> Callable[[Any], float | None]:  # noqa: ARG002 - SQLAlchemy's signature
        """What the database keeps to epoch seconds."""
        if dialect.name == "sqlite":
            return _from_text
        return _from_datetime

    def text_processor(self, dialect: Dialect) -> Callable[[Any], str | None]:
        """What the database keeps to RFC 3339 UTC with `Z`, without a number in between."""
        return _text_to_rfc3339 if dialect.name == "sqlite" else _datetime_to_rfc3339


def _to_naive(moment: float | None) -> datetime | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).replace(tzinfo=None)


@lru_cache(maxsize=1_024)  # many rows are written at one moment, and each has some moments twice
def _to_text(moment: float | None) -> str | None:
    return None if moment is None else datetime.fromtimestamp(moment, UTC).isoformat(" ", "microseconds")[:_LENGTH]


def _from_datetime(moment: datetime | None) -> float | None:
    if moment is None:
        return None
    if moment.tzinfo is not None:
        return moment.timestamp()
    return (moment - _EPOCH).total_seconds()


@lru_cache(maxsize=1_024)  # a row's times are mostly the same one, and lists are read again and again
def _from_text(text: str | None) -> float | None:
    return None if text is None else _from_datetime(datetime.fromisoformat(text))


def epochs_of_texts(texts: Sequence[str]) -> npt.NDArray[np.float64]:
    """Epoch seconds of a column of SQLite's times; NaN where a text is no time."""
    if all(isinstance(text, str) and len(text) == _LENGTH for text in texts):
        try:
            return np.array(texts, "datetime64[us]").astype(np.int64) / 1e6  # as everybody writes it
        except ValueError:
            pass  # one of them is no time, or in another form of the same length: looked at one by one
    return np.array([_epoch_of_text(text) for text in texts], np.float64)


def _epoch_of_text(text: str) -> float:
    try:
        found = _from_text(text)
    except (ValueError, TypeError):  # the column takes whatever is written to it
        return math.nan
    return math.nan if found is None else found


_WHOLE_SECOND = ".000000"


@lru_cache(maxsize=1_024)  # see above
def _text_to_rfc3339(text: str | None) -> str | None:
    if text is None:
        return None
    if len(text) != _LENGTH or text[10] != " ":  # not written by us or by the predecessor
        moment = _from_text(text)
        return None if moment is None else rfc3339(moment)
    return f"{text[:10]}T{text[11:19] if text.endswith(_WHOLE_SECOND) else text[11:]}Z"


@lru_cache(maxsize=1_024)
def _datetime_to_rfc3339(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return rfc3339(moment.timestamp()) if moment.tzinfo is not None else f"{moment.isoformat()}Z"
