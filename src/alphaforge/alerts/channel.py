"""Channels as the settings name them: an address for apprise, with our own parameters (`af_...`) in its query.

An address is a secret. What is wrong with one is said by its place in the list and its schema, never by its text.
"""

import hashlib
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import time
from urllib.parse import quote, unquote, unquote_plus

from alphaforge.alerts.model import Kind
from alphaforge.alerts.quiet_hours import QuietHours
from alphaforge.core.errors import InvalidInput, InvalidSetting
from alphaforge.core.instruments import instrument_name

MOST_CHANNELS = 20
_PREFIX = "af_"
_SCHEMA = re.compile(r"([a-zA-Z][a-zA-Z0-9+.-]*)://")
_BETWEEN = re.compile(r"[\s,;]+(?=[a-zA-Z][a-zA-Z0-9+.-]*://)")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,39}")
_SPAN = re.compile(r"([01]\d|2[0-3]):([0-5]\d)-([01]\d|2[0-3]):([0-5]\d)")
_PARAMETERS = ("af_kinds", "af_instruments", "af_min_confidence", "af_quiet", "af_per_minute")
_USUAL_PER_MINUTE = 20
_TELEGRAM = "telegram"
_MOST_PER_MINUTE = 600
_LONG = 6
"""Parts of an address shorter than this are words like `api`, not secrets."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a channel wants to be told; empty sets restrict nothing. `min_confidence` from 0 to 100.

    `per_minute`: messages that it takes; what is more is told together at the minute's end.
    """

    kinds: frozenset[str] = frozenset()
    instruments: frozenset[str] = frozenset()
    min_confidence: float = 0.0
    quiet: QuietHours | None = None
    per_minute: int = _USUAL_PER_MINUTE

    def wants(self, kind: str, instrument: str | None = None, confidence: float | None = None) -> bool:
        """Whether it is to be told of this. What has no instrument and no confidence passes by its kind alone.

        A signal whose confidence nobody knows does not reach a minimum.
        """
        if self.kinds and kind not in self.kinds:
            return False
        if instrument is None:
            return True
        if self.instruments and instrument not in self.instruments:
            return False
        return not self.min_confidence or (confidence is not None and confidence >= self.min_confidence)


@dataclass(frozen=True, slots=True)
class Channel:
    """Where alerts go. `key`: a digest of the address, which is the channel's identity; `name` is for people."""

    key: str
    name: str
    schema: str
    url: str = field(repr=False)
    wanted: Wanted = Wanted()

    @property
    def lane(self) -> str:
        """Of these jobs one runs at a time."""
        return f"alert:{self.key}"


def channel_of(address: str) -> Channel:
    """The channel of one address. Raises InvalidInput that shows nothing of it but our parameters' names."""
    matched = _SCHEMA.match(address)
    if matched is None or re.search(r"\s", address):
        raise InvalidInput("an address begins with its service, like discord://, and has no spaces in it")
    schema = matched[1].lower()
    rest, mark, query = address.partition("?")
    parts = query.split("&") if mark else []
    own: dict[str, str] = {}
    for part in parts:
        name, _, value = part.partition("=")
        if name.lower().startswith(_PREFIX):
            if name.lower() in own:
                raise InvalidInput(f"{name.lower()} is there twice")
            own[name.lower()] = unquote_plus(value).strip()
    kept = "&".join(part for part in parts if not part.lower().startswith(_PREFIX))
    url = f"{rest}?{kept}" if kept else rest
    key = hashlib.sha256(url.encode()).hexdigest()[:16]
    name = _name(own.pop("af_name", f"{schema}-{key[:6]}"))
    return Channel(key, name, schema, url, _wanted(own))


def channels_of(addresses: str) -> tuple[Channel, ...]:
    """The channels of the setting ALERT_URLS: addresses with commas, spaces or line ends between.

    Raises InvalidSetting naming which of them is wrong, and why.
    """
    found: list[Channel] = []
    for number, address in enumerate(filter(None, _BETWEEN.split(addresses.strip(" \t\r\n,;"))), 1):
        try:
            found.append(_another(channel_of(address), found))
        except InvalidInput as error:
            schema = _SCHEMA.match(address)
            where = f"address {number}" + (f" ({schema[1].lower()}://...)" if schema else "")
            raise InvalidSetting(f"{where}: {error.message}") from None
    if len(found) > MOST_CHANNELS:
        raise InvalidSetting(f"{len(found)} addresses; accepted are up to {MOST_CHANNELS}")
    return tuple(found)


def _another(channel: Channel, among: Sequence[Channel]) -> Channel:
    if channel.key in {one.key for one in among}:
        raise InvalidInput("it is there twice")
    if channel.name in {one.name for one in among}:
        raise InvalidInput("af_name is another channel's already")
    return channel


def telegram_channel(token: str, chat: str) -> Channel:
    """The channel of the settings TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID."""
    url = f"tgram://{quote(token, safe=':')}/{quote(chat, safe='@-')}/"
    return Channel(hashlib.sha256(url.encode()).hexdigest()[:16], _TELEGRAM, "tgram", url)


def secret_parts(url: str) -> tuple[str, ...]:
    """What of an address must not be shown anywhere: the whole, and each part that may be a token or a password.

    A host by its name or number is none: logs speak of `127.0.0.1`. One without a dot is: Discord's is a token, and so
    is Telegram's, with a colon in it.
    """
    rest, _, query = url.partition("?")
    rest = rest.partition("://")[2]
    place, _, path = rest.partition("/")
    login, _, host = place.rpartition("@")
    parts = [*login.split(":"), *re.split(r"[/]", path)]
    parts += [piece.partition("=")[2] for piece in query.split("&")]
    if "." not in host and not host.startswith(("localhost", "[")):
        parts += [host, *host.split(":")]
    long = [spelling for part in parts for spelling in (part, unquote(part)) if len(spelling) >= _LONG]
    return tuple(dict.fromkeys([url, *long]))


def _name(text: str) -> str:
    if not _NAME.fullmatch(text):
        raise InvalidInput("af_name takes up to 40 letters, digits and . _ -")
    if text.lower() == _TELEGRAM:
        raise InvalidInput("af_name is that of the channel of TELEGRAM_BOT_TOKEN")
    return text


def _wanted(own: dict[str, str]) -> Wanted:
    unknown = sorted(own.keys() - set(_PARAMETERS))
    if unknown:
        raise InvalidInput(f"{unknown[0][:30]} is no parameter; there are {', '.join(('af_name', *_PARAMETERS))}")
    return Wanted(
        kinds=_kinds(own.get("af_kinds")),
        instruments=_instruments(own.get("af_instruments")),
        min_confidence=_confidence(own.get("af_min_confidence")),
        quiet=_quiet(own.get("af_quiet")),
        per_minute=_per_minute(own.get("af_per_minute")),
    )


def _kinds(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    found = {word.strip().lower() for word in text.split(",") if word.strip()}
    if not found or not found <= set(Kind):
        raise InvalidInput(f"af_kinds takes {', '.join(Kind)} with commas between")
    return frozenset(found)


def _instruments(text: str | None) -> frozenset[str]:
    if text is None:
        return frozenset()
    try:
        found = frozenset(instrument_name(word) for word in text.split(",") if word.strip())
    except InvalidInput:
        found = frozenset()
    if not found:
        raise InvalidInput("af_instruments takes names like GBP_USD with commas between")
    return found


def _confidence(text: str | None) -> float:
    if text is None:
        return 0.0
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 <= value <= 100:  # noqa: PLR2004 - confidence goes from 0 to 100
        raise InvalidInput("af_min_confidence takes a number from 0 to 100")
    return value


def _per_minute(text: str | None) -> int:
    if text is None:
        return _USUAL_PER_MINUTE
    if not re.fullmatch(r"[0-9]{1,3}", text) or not 1 <= int(text) <= _MOST_PER_MINUTE:
        raise InvalidInput(f"af_per_minute takes a whole number from 1 to {_MOST_PER_MINUTE}")
    return int(text)


def _quiet(text: str | None) -> QuietHours | None:
    if text is None:
        return None
    from zoneinfo import ZoneInfo, ZoneInfoNotFoundError  # noqa: PLC0415 - only who wants quiet needs the zones

    span, mark, zone = text.partition("@")
    matched = _SPAN.fullmatch(span.strip())
    try:
        place = ZoneInfo(zone.strip() if mark else "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        matched = None
    if matched is not None:
        start, end = time(int(matched[1]), int(matched[2])), time(int(matched[3]), int(matched[4]))
        if start != end:
            return QuietHours(start, end, place)
    raise InvalidInput("af_quiet takes hours like 22:00-07:00@Europe/London; without a zone they are UTC's")
