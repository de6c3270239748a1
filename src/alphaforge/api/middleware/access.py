"""Who may ask: the API key, and without one no foreign web page."""

import hashlib
import hmac
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from alphaforge.api.errors import problem, request_id_of

LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""The origins that are always welcome: a web client on the same machine, on whatever port."""

_LOOPBACK_HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_OPEN_PATH = "/health/live"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Key:
    """The API key. Only its digest is kept, and what was given before and fitted, to be known again quickly."""

    def __init__(self, key: str) -> None:
        self._digest = _digest(key.encode())
        self._fitted = {b"authorization": b"", b"x-api-key": b""}

    def opens(self, scope: Scope) -> bool:
        """Whether one of a request's headers carries it."""
        return any([self._fits(name, value) for name, value in scope["headers"] if name in self._fitted])  # noqa: C419 - no early end

    def opens_again(self, headers: dict[bytes, bytes]) -> bool:
        """Whether a header is the very one that carried it before."""
        return any(
            before and hmac.compare_digest(headers.get(name, b""), before) for name, before in self._fitted.items()
        )

    def _fits(self, name: bytes, value: bytes) -> bool:
        given = value
        if name == b"authorization":
            scheme, _, credentials = value.partition(b" ")
            if scheme.lower() != b"bearer":
                return False
            given = credentials.strip()
        if not hmac.compare_digest(_digest(given), self._digest):
            return False
        self._fitted[name] = value
        return True


class ApiKey:
    """With a key set, everything but /health/live demands it: documentation and unknown paths too.

    It comes as `Authorization: Bearer <key>` or `X-API-Key: <key>` and is compared in constant time.
    """

    def __init__(self, app: ASGIApp, key: "Key") -> None:
        self.app = app
        self._key = key

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan" or scope["path"] == _OPEN_PATH or self._key.opens(scope):
            await self.app(scope, receive, send)
            return
        answer = problem(
            request_id_of(scope),
            HTTPStatus.UNAUTHORIZED,
            "Unauthorized",
            "This server asks for its API key, and the request carries none or a wrong one.",
            headers={"WWW-Authenticate": 'Bearer realm="AlphaForge"'},
            advice="Send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'.",
        )
        await answer(scope, receive, send)


def _digest(key: bytes) -> bytes:
    """Equal lengths, so that the comparison tells nothing of the key's."""
    return hashlib.sha256(key).digest()


class OwnNames:
    """This machine's names: loopback's, and those of the origins that are allowed."""

    _MOST = 16

    def __init__(self, allowed_origins: tuple[str, ...]) -> None:
        self._hosts = frozenset(urlsplit(origin).netloc.lower() for origin in allowed_origins)
        self._met: set[bytes] = set()

    def are_meant(self, scope: Scope) -> bool:
        """Whether every Host of the request is one of ours."""
        return all(self._is_ours(value) for name, value in scope["headers"] if name == b"host")

    def are_meant_again(self, headers: dict[bytes, bytes]) -> bool:
        """Whether the Host is one that was asked for before."""
        return headers.get(b"host", b"") in self._met

    def _is_ours(self, value: bytes) -> bool:
        host = value.decode("latin-1")
        if not _LOOPBACK_HOST.fullmatch(host) and host.lower() not in self._hosts:
            return False
        if len(self._met) < self._MOST:
            self._met.add(value)
        return True


class NoForeignPages:
    """Refuses what a web page of another origin makes its visitor's browser send.

    A browser may post to a server on loopback from any page. And a page whose own name is made to point at this
    machine (DNS rebinding) could even read the answers: it gives itself away by asking for that name. With an API key
    such a request lacks the key; this guard is for the server without one. Programs send no Origin and ask for this
    machine by its own names, or, as HTTP/1.0 lets them, for none.
    """

    def __init__(self, app: ASGIApp, names: "OwnNames", allowed_origins: tuple[str, ...]) -> None:
        self.app = app
        self._names = names
        self._allowed = frozenset(allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and not self._names.are_meant(scope):
            answer = problem(
                request_id_of(scope),
                HTTPStatus.MISDIRECTED_REQUEST,
                "Misdirected Request",
                "Without an API key this server answers only to this machine's own names, and another was asked for.",
                advice="Ask for localhost or 127.0.0.1. For another name set API_KEY, or name it in ALLOWED_ORIGINS.",
            )
            await answer(scope, receive, send)
            return
        if scope["type"] != "http" or scope["method"] in _SAFE_METHODS or self._admits(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        answer = problem(
            request_id_of(scope),
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            "Web pages of this origin may not change anything here.",
            advice="Set API_KEY on the server and send it along, or serve the page from this machine.",
        )
        await answer(scope, receive, send)

    def _admits(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") != "cross-site"
        return origin in self._allowed or re.fullmatch(LOOPBACK_ORIGIN, origin) is not None
