"""A finished answer in every encoding: compressed once, headers ready-made, sent as often as asked for."""

import gzip
import hashlib
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache

import brotli  # type: ignore[import-untyped]  # has no stubs
import msgspec

if sys.version_info >= (3, 14):
    from compression import zstd as zstandard

    def _zstd(body: bytes) -> bytes:
        return zstandard.compress(body, 4)
else:
    import zstandard

    def _zstd(body: bytes) -> bytes:
        return zstandard.ZstdCompressor(level=4).compress(body)


Header = tuple[bytes, bytes]

WORTH_COMPRESSING = 500
"""Bytes below which an encoding costs more than it saves."""

_ENCODERS: dict[bytes, Callable[[bytes], bytes]] = {
    b"zstd": _zstd,
    b"br": lambda body: bytes(brotli.compress(body, quality=4)),
    b"gzip": lambda body: gzip.compress(body, 5, mtime=0),
}
"""By preference: quickest to read for its size first."""

IDENTITY = b""
_FRESHNESS = (b"cache-control", b"private, no-cache")
_VARY = (b"vary", b"Accept-Encoding")


@lru_cache(maxsize=256)
def coding_of(accept_encoding: bytes) -> bytes:
    """The coding to answer with: the one we prefer of those accepted at all; identity where there is none."""
    return next((coding for coding in _ENCODERS if accepts(accept_encoding, coding)), IDENTITY)


def accepts(accept_encoding: bytes, coding: bytes) -> bool:
    """Whether a coding is accepted at all."""
    accepted: dict[bytes, bool] = {}
    for part in accept_encoding.lower().split(b","):
        name, _, parameters = part.partition(b";")
        quality = parameters.replace(b" ", b"").removeprefix(b"q=")
        accepted[name.strip()] = quality.rstrip(b"0") not in (b"", b"0.") if parameters else True
    return accepted.get(coding, accepted.get(b"*", False))


@dataclass(frozen=True, slots=True)
class Variant:
    """One encoding of an answer. `headers` are those of a 200, `unchanged` those of a 304."""

    etag: bytes
    body: bytes
    headers: tuple[Header, ...]
    unchanged: tuple[Header, ...]


class Stored(msgspec.Struct, array_like=True):
    """What another process needs to answer the same."""

    body: bytes
    headers: list[Header]


@dataclass(slots=True)
class KeptAnswer:
    """The body of a 200 and the headers that belong to it (its type, its links)."""

    body: bytes
    headers: tuple[Header, ...]
    _digest: bytes = b""
    _variants: dict[bytes, Variant] = field(default_factory=dict)

    @property
    def size(self) -> int:
        """Bytes of the body, as it came."""
        return len(self.body) + sum(len(name) + len(value) for name, value in self.headers)

    def variant(self, coding: bytes) -> tuple[Variant, int]:
        """The answer in a coding, and how many bytes it newly takes."""
        if len(self.body) < WORTH_COMPRESSING:
            coding = IDENTITY
        found = self._variants.get(coding)
        if found is not None:
            return found, 0
        made = self._variants[coding] = self._made(coding)
        return made, len(made.body) if coding else 0

    def _made(self, coding: bytes) -> Variant:
        self._digest = (
            self._digest or hashlib.sha256(self.body).hexdigest()[:24].encode()
        )  # processors have it built in
        etag = b'"' + self._digest + (b"-" + coding if coding else b"") + b'"'
        body = _ENCODERS[coding](self.body) if coding else self.body
        unchanged = ((b"etag", etag), _FRESHNESS, _VARY)
        headers = (*self.headers, (b"content-length", str(len(body)).encode()), *unchanged)
        if coding:
            headers = (*headers, (b"content-encoding", coding))
        return Variant(etag, body, headers, unchanged)

    def packed(self) -> bytes:
        """For the second level."""
        return _pack(Stored(self.body, list(self.headers)))

    @classmethod
    def unpacked(cls, data: bytes) -> "KeptAnswer":
        """From the second level. Raises ValueError for what was not packed here."""
        try:
            stored = _unpack(data)
        except msgspec.MsgspecError as error:
            raise ValueError(str(error)) from None
        return cls(stored.body, tuple(stored.headers))


_pack = msgspec.msgpack.Encoder().encode
_unpack = msgspec.msgpack.Decoder(Stored).decode


def is_unchanged(if_none_match: bytes, etag: bytes) -> bool:
    """Whether one of the tags that a client names is the present one (RFC 9110: compared weakly)."""
    if if_none_match == etag:
        return True
    named = [tag.strip().removeprefix(b"W/") for tag in if_none_match.split(b",")]
    return etag in named or named == [b"*"]
