"""What requests carry, read once for all routers: instruments, moments, pages, texts."""

import re
from collections.abc import Collection
from datetime import date
from typing import Annotated, cast

from fastapi import Depends, Path, Query, Request
from pydantic import AfterValidator, BeforeValidator, WithJsonSchema

from alphaforge.api.services import ApiOptions, Services
from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.core.times import parse_rfc3339

LARGEST_ID = 2**31 - 1
"""Ids are INTEGER columns: 32 bits in PostgreSQL."""

_EARLIEST, _LATEST = 0.0, 4_102_444_800.0  # 1970 to 2100: what databases and calendars agree on
_DAY = 86_400
_MOST_NAMED = 30
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


async def services_of(request: Request) -> Services:
    """The services that the application was built with."""
    return cast("Services", request.app.state.services)


async def options_of(request: Request) -> ApiOptions:
    """The options that the application was built with."""
    return cast("ApiOptions", request.app.state.options)


def most_of(request: Request) -> int:
    """The largest page that is answered."""
    return cast("ApiOptions", request.app.state.options).max_page_size


Asked = Annotated[Services, Depends(services_of)]
Options = Annotated[ApiOptions, Depends(options_of)]


def clean_text(text: str) -> str:
    """Refuse what no database stores and no file holds: NUL and lone surrogates."""
    if "\0" in text:
        message = "A text may not contain NUL characters"
        raise InvalidInput(message)
    try:
        text.encode()
    except UnicodeEncodeError:
        message = "A text must be valid Unicode"
        raise InvalidInput(message) from None
    return text


Text = Annotated[str, AfterValidator(clean_text)]


def parse_moment(value: object) -> float:
    """Epoch seconds of an RFC 3339 time with an offset, or of a date's midnight in UTC, between 1970 and 2100."""
    text = str(value).strip()
    if _DATE.fullmatch(text):
        text += "T00:00:00Z"
    head, space, offset = text.rpartition(" ")
    if space and "T" in head:
        text = f"{head}+{offset}"  # a plus sign that was not escaped arrives as a space
    try:
        moment = parse_rfc3339(text[:64])
    except OverflowError:
        moment = _LATEST
    if not _EARLIEST <= moment < _LATEST:
        message = "The time must lie between 1970 and 2100"
        raise InvalidInput(message)
    return moment


Moment = Annotated[
    float,
    BeforeValidator(parse_moment),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-03-02T06:00:00Z"]}),
]
From = Annotated[Moment | None, Query(alias="from", description="From here on; a date means its midnight in UTC.")]
To = Annotated[Moment | None, Query(alias="to", description="Up to but not including; a date means its midnight.")]


def parse_day(value: object) -> date:
    """A date between 1970 and 2100, written YYYY-MM-DD."""
    try:
        day = date.fromisoformat(str(value)) if _DATE.fullmatch(str(value)) else None
    except ValueError:
        day = None
    if day is None or not 1970 <= day.year < 2100:  # noqa: PLR2004 - the same years as for moments
        message = "Write the date as YYYY-MM-DD, a day in UTC"
        raise InvalidInput(message)
    return day


Day = Annotated[
    date | None,
    BeforeValidator(lambda value: None if value is None else parse_day(value)),
    Query(description="A day in UTC, YYYY-MM-DD; without it the newest day that has a record."),
]

TradingDay = Annotated[
    date | None,
    BeforeValidator(lambda value: None if value is None else parse_day(value)),
    WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-03-02"]}),
]
"""Ends at 17:00 in New York."""

Id = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The id as the lists give it.")]
Skip = Annotated[int, Query(ge=0, le=LARGEST_ID, description="How many rows to pass over.")]
Limit = Annotated[int | None, Query(description="How many rows at most, up to MAX_PAGE_SIZE.")]
Spelling = Annotated[
    str,
    Path(
        max_length=40,
        description="In any spelling: GBP_USD, GBP/USD (escaped), GBPUSD, gbp-usd; GOLD for XAU_USD.",
        examples=["GBP_USD"],
    ),
]


def page_size(limit: int | None, most: int, default: int) -> int:
    """The rows to answer: `limit` if it is within range, else the default as far as the range allows.

    Raises InvalidInput naming the range.
    """
    if limit is None:
        return min(default, most)
    if not 1 <= limit <= most:
        message = f"limit must lie between 1 and {most}"
        raise InvalidInput(message, advice="Ask for the rest with skip, or go on by cursor.")
    return limit


def known_instrument(services: Services, spelling: str) -> Instrument:
    """The instrument meant by a spelling, if the account has it. Raises UnknownInstrument naming those it has."""
    return services.instruments.known[_among(services.instruments.known, spelling)]


def watched_instrument(services: Services, spelling: str) -> str:
    """The name of an instrument that the desk evaluates. Raises UnknownInstrument naming them."""
    return _among(services.instruments.watched, spelling)


def _among(accepted: Collection[str], spelling: str) -> str:
    try:
        name = instrument_name(clean_text(spelling))
    except InvalidInput:
        name = ""
    if name not in accepted:
        more = f" and {len(accepted) - _MOST_NAMED} more" if len(accepted) > _MOST_NAMED else ""
        message = f"Invalid pair. Must be one of: {', '.join(list(accepted)[:_MOST_NAMED])}{more}"
        raise UnknownInstrument(message, advice="Any spelling will do: GBP_USD, GBP/USD, GBPUSD, gbp-usd.")
    return name


def day_of(moment: float) -> tuple[float, float]:
    """Start and end of the UTC day that `moment` falls into."""
    start = moment // _DAY * _DAY
    return start, start + _DAY


def full_minute(moment: float) -> float:
    """The minute that `moment` falls into: what answers count from that may be kept for a minute."""
    return moment // 60 * 60


def full_hour(moment: float) -> float:
    """The hour that `moment` falls into: days back are counted from it, so that answers may be kept for an hour."""
    return moment // 3_600 * 3_600
