"""What a setting can be: how it may be written, and what is accepted, in words.

A value that cannot be meant raises ValueError, which pydantic turns into a finding; `settings` puts it into a sentence.
"""

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, SecretStr
from pydantic_settings import NoDecode

from alphaforge.alerts.channel import channels_of
from alphaforge.core.errors import InvalidSetting, UnknownInstrument
from alphaforge.core.instruments import instrument_name

if TYPE_CHECKING:
    from alphaforge.core.market_hours import MarketHours

_DATABASES = frozenset({"sqlite", "postgresql", "postgres"})
_HEADER_NAME = re.compile(r"[a-z0-9!#$%&'*+.^_`|~-]+")
_ENVIRONMENTS = {"demo": "practice", "fxpractice": "practice", "fxtrade": "live", "real": "live"}


@dataclass(frozen=True, slots=True)
class About:
    """What a setting accepts, in words."""

    accepts: str


def _stripped(value: object) -> object:
    return value.strip() if isinstance(value, str) else value


def _database_url(value: SecretStr) -> SecretStr:
    if value.get_secret_value().partition("://")[0].partition("+")[0] not in _DATABASES:
        raise ValueError
    return value


def _broker_url(value: str) -> str:
    parts = urlsplit(value)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.username:
        raise ValueError
    return value.rstrip("/")


def _alert_urls(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        try:
            channels_of(value.get_secret_value())
        except InvalidSetting as error:
            raise ValueError(error.message) from None
    return value


def header_pairs(text: str) -> dict[str, str]:
    """Headers written as OpenTelemetry has them, `name=value,name=value`, percent-encoded where need be.

    Raises ValueError that says what is wrong and shows nothing of it.
    """
    found = {}
    for number, part in enumerate(filter(None, (part.strip() for part in text.split(","))), 1):
        name, mark, value = part.partition("=")
        name, value = name.strip().lower(), unquote(value.strip())
        if not mark or not _HEADER_NAME.fullmatch(name) or not value.isascii() or not value.isprintable():
            raise ValueError(f"header {number} is none: name=value with commas between, others percent-encoded")
        found[name] = value
    return found


def _headers(value: SecretStr | None) -> SecretStr | None:
    if value is not None:
        header_pairs(value.get_secret_value())
    return value


def _environment(value: object) -> object:
    folded = value.strip().lower() if isinstance(value, str) else value
    return _ENVIRONMENTS.get(folded, folded) if isinstance(folded, str) else folded


def _instruments(value: object) -> object:
    spellings = value.split(",") if isinstance(value, str) else value
    if not isinstance(spellings, (list, tuple)):
        raise ValueError  # noqa: TRY004 - pydantic turns ValueError, and only that, into a finding
    try:
        names = [instrument_name(spelling) for spelling in spellings if spelling.strip()]
    except UnknownInstrument as error:
        raise ValueError(error.message) from None
    return tuple(dict.fromkeys(names))


def hours_as_set(breaks: tuple[str, ...], instrument: str) -> "MarketHours":
    """When an instrument trades, by the setting `market_hours`: as set there, or as usual."""
    from alphaforge.core.market_hours import MarketHours, hours_of  # noqa: PLC0415 - numpy, at the start of everything

    own = _breaks_by_name(breaks).get(instrument)
    return hours_of(instrument) if own is None else MarketHours(*own)


def _breaks_by_name(breaks: tuple[str, ...]) -> dict[str, tuple[int, int]]:
    """The daily breaks of texts like `XAU_USD=17:00-18:00`, in minutes after midnight.

    Raises ValueError, and UnknownInstrument for what names none.
    """
    found = {}
    for text in breaks:
        name, _, span = text.partition("=")
        start, end = (_minute(moment) for moment in span.split("-"))
        if start > end:
            raise ValueError
        found[instrument_name(name)] = start, end
    return found


def _minute(moment: str) -> int:
    """Of `17:03`, after midnight."""
    matched = re.fullmatch(r"\s*([01]?\d|2[0-3]):([0-5]\d)\s*", moment)
    if matched is None:
        raise ValueError
    return int(matched[1]) * 60 + int(matched[2])


def _breaks(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        breaks = _breaks_by_name(tuple(part for part in value.split(",") if part.strip()))
    except UnknownInstrument as error:
        raise ValueError(error.message) from None
    return tuple(
        f"{name}={start // 60:02}:{start % 60:02}-{end // 60:02}:{end % 60:02}" for name, (start, end) in breaks.items()
    )


def _origins(value: object) -> object:
    if not isinstance(value, str):
        return value
    return tuple(part.strip().rstrip("/") for part in value.split(",") if part.strip())


def _lower(value: object) -> object:
    return value.strip().lower() if isinstance(value, str) else value


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


TEXT = About("text")

Text = Annotated[str, BeforeValidator(_stripped), Field(min_length=1), TEXT]
Secret = Annotated[SecretStr, BeforeValidator(_stripped), Field(min_length=1), TEXT]
Switch = Annotated[bool, About("true or false")]
DatabaseUrl = Annotated[
    SecretStr,
    BeforeValidator(_stripped),
    AfterValidator(_database_url),
    About("sqlite:///path or postgresql://user:password@host/name"),
]
RedisUrl = Annotated[SecretStr | None, BeforeValidator(_stripped), About("redis://host:port/number")]
AlertUrls = Annotated[
    SecretStr | None,
    BeforeValidator(_stripped),
    AfterValidator(_alert_urls),
    About("addresses of apprise, like discord://id/token, with commas or spaces between"),
]
HeaderPairs = Annotated[
    SecretStr | None,
    BeforeValidator(_stripped),
    AfterValidator(_headers),
    About("headers as name=value with commas between"),
]
BrokerUrl = Annotated[str, BeforeValidator(_stripped), AfterValidator(_broker_url)]
Environment = Annotated[Literal["practice", "live"], BeforeValidator(_environment), About("practice or live")]
Instruments = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_instruments),
    Field(min_length=1, max_length=60),
    About("1 to 60 names with commas between, as GBP_USD, GBP/USD, GBPUSD or gbp-usd; GOLD for XAU_USD"),
]
Breaks = Annotated[
    tuple[str, ...],
    NoDecode,
    BeforeValidator(_breaks),
    About("daily breaks in New York's time as XAU_USD=17:00-18:00 with commas between"),
]
Origins = Annotated[
    tuple[str, ...], NoDecode, BeforeValidator(_origins), About("origins as https://host with commas between")
]
LogFormat = Annotated[Literal["auto", "console", "json"], BeforeValidator(_lower), About("auto, console or json")]
LogLevel = Annotated[
    Literal["DEBUG", "INFO", "WARNING", "ERROR"], BeforeValidator(_upper), About("DEBUG, INFO, WARNING or ERROR")
]
