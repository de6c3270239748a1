"""Keeping secrets out of whatever is written down."""

import dataclasses
import re
from collections.abc import Iterable, Mapping, MutableMapping
from collections.abc import Set as AbstractSet
from functools import lru_cache
from typing import Any
from urllib.parse import quote, quote_plus

HIDDEN = "[hidden]"
_SHORTEST = 4
"""A configured secret shorter than this is not looked for: it would hide half of every line."""
_NAMES = r"token|api[_-]?key|password|passwd|secret"
_SECRET_KEY = re.compile(rf"(?i)(?:^|[_-])(?:{_NAMES}|authorization|cookie)$")
_SHAPES: tuple[tuple[re.Pattern[str], str], ...] = tuple(
    (re.compile(shape, re.IGNORECASE), replacement)
    for shape, replacement in (
        # a header as a line or as a pair
        (
            r"((?:authorization|x-api-key)[\"']?\s*[:=,]\s*(?:b?[\"'])?)(?:(?:bearer|basic)\s+)?[^\s\"',]+",
            rf"\1{HIDDEN}",
        ),
        (r"\b(bearer|basic)(\s+)[\w.~+/=-]+", rf"\1\2{HIDDEN}"),
        # in a query, a form, a setting: token=..., OANDA_API_KEY=...
        (rf"((?:{_NAMES})=)[^\s&;,\"')\]}}]+", rf"\1{HIDDEN}"),
        # in JSON or a mapping's repr: "token": "..."
        (rf"((?:{_NAMES})[\"']\s*:\s*b?[\"'])[^\"']*", rf"\1{HIDDEN}"),
        # in a URL: https://user:password@host
        (r"(://[^\s/:@]*:)[^\s/@]+(?=@)", rf"\1{HIDDEN}"),
        # OANDA's tokens and Telegram's, known by their shape even where they are nobody's setting
        (r"\b[0-9a-f]{32}-[0-9a-f]{32}\b", HIDDEN),
        (r"(?<!\d)\d{6,12}:[\w-]{30,}", HIDDEN),
    )
)
_SUSPECT = re.compile(rf"{_NAMES}|authorization|bearer|basic|://|[0-9a-f]{{32}}-|[0-9]{{6}}:", re.IGNORECASE)
"""Something that every shape above has: most texts have none of it and are done after one search."""
_OURS = frozenset({"timestamp", "level", "logger"})


class Redactor:
    """Replaces the given secrets, in every spelling that a URL or a repr gives them, and what looks like one."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        spellings: set[str] = set()
        for secret in secrets:
            if len(secret) >= _SHORTEST:
                spellings |= {secret, quote(secret), quote(secret, safe=""), quote_plus(secret)}
                spellings |= {repr(secret)[1:-1], secret.encode("unicode_escape").decode()}
        self._spellings = sorted(spellings, key=len, reverse=True)
        self._name = lru_cache(1024)(self.text)
        self._key_is_secret = lru_cache(1024)(lambda key: _SECRET_KEY.search(key) is not None)

    def text(self, text: str) -> str:
        """`text` without secrets."""
        for spelling in self._spellings:
            if spelling in text:
                text = text.replace(spelling, HIDDEN)
        if not _SUSPECT.search(text):
            return text
        for shape, replacement in _SHAPES:
            text = shape.sub(replacement, text)
        return text

    def value(self, value: object) -> object:
        """`value` without secrets: containers keep their shape, other objects become their redacted repr."""
        if value is None or isinstance(value, (bool, int, float)):
            return value
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, (bytes, bytearray)):
            return self.text(bytes(value).decode("utf-8", "replace"))
        return self._inner(value)

    def _inner(self, value: object) -> object:
        if isinstance(value, Mapping):
            return {str(self.value(key)): self._named(key, inner) for key, inner in value.items()}
        if isinstance(value, (list, tuple, AbstractSet)):
            return [self._member(inner) for inner in value]
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            fields = ((field.name, getattr(value, field.name)) for field in dataclasses.fields(value))
            return {name: self._named(name, inner) for name, inner in fields}
        return self.text(repr(value))

    def _named(self, key: object, value: object) -> object:
        name = key.decode("latin-1") if isinstance(key, bytes) else str(key)
        return HIDDEN if value is not None and self._key_is_secret(name) else self.value(value)

    def _member(self, value: object) -> object:
        """A member of a list; headers come as pairs of name and value."""
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], (str, bytes)):  # noqa: PLR2004 - a pair
            return [self.value(value[0]), self._named(value[0], value[1])]
        return self.value(value)

    def __call__(self, _logger: object, _method: str, event: MutableMapping[str, Any]) -> dict[str, Any]:
        """The processor for structlog: the last before the line is rendered."""
        return {self._name(key): value if key in _OURS else self._named(key, value) for key, value in event.items()}
