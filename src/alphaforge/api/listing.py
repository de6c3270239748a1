"""Lists as clients ask for them: which page, which fields, and where the next page is.

A cursor is the place behind a row, not a count of rows: whatever is written meanwhile, the next page goes on exactly
there. It is opaque, says which list it belongs to, and carries a digest, so that a mistyped one is refused.
"""

import base64
import binascii
import hashlib
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import Annotated, Any, Literal
from urllib.parse import quote

from fastapi import Query, Request
from pydantic import BaseModel

from alphaforge.api.parameters import LARGEST_ID, Limit, Skip, page_size
from alphaforge.core.errors import InvalidInput
from alphaforge.storage.rows import Position

DEFAULT_PAGE = 100
WHOLE = 10_000
"""Rows of a list that is asked for as a whole. The predecessor's clients know no pages; a table of any length at once
would take the memory and the time of everybody else."""
_BODY = struct.Struct(">Bdq")
_DIGEST = 4
_LATEST = 4_102_444_800.0  # 2100


class CursorOf(IntEnum):
    """The list that a cursor belongs to."""

    SIGNALS = 1
    JOURNAL = 2
    REJECTIONS = 3
    HISTORY_REJECTION = 4
    HISTORY_SIGNAL = 5
    JOBS = 6
    ALERTS = 7
    BACKTESTS = 8


Fields = Annotated[Literal["full", "minimal"], Query(description="`minimal`: only the columns that a table shows.")]
AskedCursor = Annotated[
    str | None,
    Query(
        max_length=100,
        description="The `next` of the page before, as it came. Goes on behind that page's last row, whatever was"
        " written meanwhile; takes the place of `skip`.",
    ),
]


class CursorQuery(BaseModel):
    """The page that is asked for by its cursor."""

    cursor: AskedCursor = None
    limit: Limit = None

    def size(self, most: int) -> int:
        """Rows of the page. Raises InvalidInput naming the range."""
        return page_size(self.limit, most, DEFAULT_PAGE)

    def size_or_whole(self, most: int) -> int:
        """The same for a list that comes as a whole unless a part of it is asked for."""
        return WHOLE if self.limit is None and self.cursor is None else self.size(most)

    def behind(self, *lists: CursorOf) -> tuple[CursorOf, Position] | None:
        """Where the page begins, by the cursor; raises InvalidInput for one that no page of these lists gave."""
        return None if self.cursor is None else cursor_position(self.cursor, lists)


class PageQuery(CursorQuery):
    """The same, or by how many rows come before it."""

    skip: Skip = 0

    def behind(self, *lists: CursorOf) -> tuple[CursorOf, Position] | None:
        """See above; raises InvalidInput for both at once as well."""
        if self.cursor is not None and self.skip:
            message = "Give skip or cursor, not both"
            raise InvalidInput(message)
        return super().behind(*lists)


def cursor_text(of: CursorOf, position: Position | None) -> str | None:
    """The cursor behind a row; None where there is no next page."""
    if position is None:
        return None
    body = _BODY.pack(of, position.time, position.id)
    return base64.urlsafe_b64encode(body + _digest(body)).rstrip(b"=").decode()


def cursor_position(text: str, lists: Collection[CursorOf]) -> tuple[CursorOf, Position]:
    """What a cursor says; raises InvalidInput for one that no page of these lists gave."""
    try:
        raw = base64.b64decode(text.encode() + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
        of, time, identity = _BODY.unpack(raw[:-_DIGEST])
        position = Position(time, identity)
        sound = cursor_text(CursorOf(of), position) == text  # digest, padding and spare bits, all at once
    except (binascii.Error, struct.error, UnicodeEncodeError, ValueError):
        sound = False
    if not sound or of not in lists or not 0 <= time < _LATEST or not 0 <= identity <= LARGEST_ID:
        message = "cursor must be the `next` of another page of this list, as it came"
        raise InvalidInput(message, advice="Begin without a cursor; every page says where the next one begins.")
    return CursorOf(of), position


def _digest(body: bytes) -> bytes:
    return hashlib.blake2b(body, digest_size=_DIGEST, person=b"cursor").digest()


def link_to(request: Request, cursor: str | None) -> dict[str, str] | None:
    """The `Link` header (RFC 8288) to the next page: the same question behind the cursor."""
    if cursor is None:
        return None
    kept = [part for part in request.scope["query_string"].decode("latin-1").split("&") if part]
    kept = [part for part in kept if part.partition("=")[0] not in ("cursor", "skip")]
    query = quote("&".join([*kept, f"cursor={cursor}"]), safe="%&=+-._~:,/@!$'()*;?")
    return {"Link": f'<{quote(request.scope["path"])}?{query}>; rel="next"'}


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns of a list: all there are, those of `fields=minimal`, and the parts one may ask for or do without.

    `hidden`: columns that come only when asked for.
    """

    every: tuple[str, ...]
    minimal: tuple[str, ...]
    parts: Mapping[str, tuple[str, ...]]
    hidden: tuple[str, ...] = ()

    def columns(self, fields: str, include: str | None, exclude: str | None) -> tuple[str, ...]:
        """The columns asked for, in the table's order; raises InvalidInput naming the parts there are."""
        added, taken = self._named("include", include), self._named("exclude", exclude)
        if both := sorted(added & taken):
            message = f"{', '.join(both)}: included and excluded at once"
            raise InvalidInput(message)
        chosen = set(self.minimal) if fields == "minimal" else set(self.every) - set(self.hidden)
        chosen = chosen - taken | added
        return tuple(name for name in self.every if name in chosen)

    def _named(self, parameter: str, text: str | None) -> set[str]:
        found: set[str] = set()
        for word in (part.strip() for part in (text or "").split(",")):
            if word and word not in self.parts:
                message = f"{parameter} takes {', '.join(self.parts)}, separated by commas"
                raise InvalidInput(message)
            found.update(self.parts.get(word, ()))
        return found


def part_list(parameter: str, choice: Choice) -> Any:  # noqa: ANN401 - as FastAPI's Query
    """The query parameter that names parts to include or exclude."""
    if parameter == "include":
        says = "Parts that come only when asked for, or that `fields=minimal` leaves out"
    else:
        says = "Parts to do without"
    accepted = ", ".join(f"`{part}`" for part in choice.parts)
    return Query(max_length=200, description=f"{says}: any of {accepted}, separated by commas.")
