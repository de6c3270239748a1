"""Who may ask: the API key, and without one no foreign web page."""

import hashlib
import hmac
import re
from http import HTTPStatus
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from alphaforge.api.errors import problem

LOOPBACK_ORIGIN = r"https?://(localhost|127\.0\.0\.1|\[::1\])(:\d{1,5})?"
"""The origins that are always welcome: a web client on the same machine, on whatever port."""

_LOOPBACK_HOST = re.compile(r"(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?", re.IGNORECASE)
_OPEN_PATH = "/health/live"
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class ApiKey:
    """With a key set, everything but /health/live demands it: documentation and unknown paths too.

    It comes as `Authorization: Bearer <key>` or `X-API-Key: <key>` and is compared in constant time.
    """

    def __init__(self, app: ASGIApp, key: str) -> None:
        self.app = app
        self._digest = _digest(key.encode())

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "lifespan" or scope["path"] == _OPEN_PATH or self._admits(Headers(scope=scope)):
            await self.app(scope, receive, send)
            return
        answer = problem(
            str(scope.get("alphaforge.request_id", "")),
            HTTPStatus.UNAUTHORIZED,
            "Unauthorized",
            "This server asks for its API key, and the request carries none or a wrong one.",
            headers={"WWW-Authenticate": 'Bearer realm="AlphaForge"'},
            advice="Send it as 'Authorization: Bearer <key>' or 'X-API-Key: <key>'.",
        )
        await answer(scope, receive, send)

    def _admits(self, headers: Headers) -> bool:
        given = [value.encode("latin-1") for value in headers.getlist("x-api-key")]
        for value in headers.getlist("authorization"):
            scheme, _, credentials = value.partition(" ")
            if scheme.lower() == "bearer":
                given.append(credentials.strip().encode("latin-1"))
        return any([hmac.compare_digest(_digest(key), self._digest) for key in given])  # noqa: C419 - no early end


def _digest(key: bytes) -> bytes:
    """Equal lengths, so that the comparison tells nothing of the key's."""
    return hashlib.sha256(key).digest()


class NoForeignPages:
    """Refuses what a web page of another origin makes its visitor's browser send.

    A browser may post to a server on loopback from any page. And a page whose own name is made to point at this
    machine (DNS rebinding) could even read the answers: it gives itself away by asking for that name. With an API key
    such a request lacks the key; this guard is for the server without one. Programs send no Origin and ask for this
    machine by its own names, or, as HTTP/1.0 lets them, for none.
    """

    def __init__(self, app: ASGIApp, allowed_origins: tuple[str, ...]) -> None:
        self.app = app
        self._allowed = frozenset(allowed_origins)
        self._hosts = frozenset(urlsplit(origin).netloc.lower() for origin in allowed_origins)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] == "http" and not self._is_here(scope):
            answer = problem(
                str(scope.get("alphaforge.request_id", "")),
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
            str(scope.get("alphaforge.request_id", "")),
            HTTPStatus.FORBIDDEN,
            "Forbidden",
            "Web pages of this origin may not change anything here.",
            advice="Set API_KEY on the server and send it along, or serve the page from this machine.",
        )
        await answer(scope, receive, send)

    def _is_here(self, scope: Scope) -> bool:
        """Whether every Host of the request is one of ours."""
        hosts = [value.decode("latin-1") for name, value in scope["headers"] if name == b"host"]
        return all(_LOOPBACK_HOST.fullmatch(host) or host.lower() in self._hosts for host in hosts)

    def _admits(self, headers: Headers) -> bool:
        origin = headers.get("origin")
        if origin is None:
            return headers.get("sec-fetch-site") != "cross-site"
        return origin in self._allowed or re.fullmatch(LOOPBACK_ORIGIN, origin) is not None
