"""The outermost middleware: an id, a count, a line in the log, and an answer even where everything failed."""

import re
import secrets
import time
from collections.abc import Iterable
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import unexpected
from alphaforge.telemetry.requests import NEVER_KEPT, UNMATCHED, RequestTimes, known_method
from alphaforge.telemetry.slow import Slow, SlowLog

_log = structlog.get_logger(__name__)

_SANE_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_NOSNIFF = (b"x-content-type-options", b"nosniff")
_ENDLESS = b"text/event-stream"
_FAILED = int(HTTPStatus.INTERNAL_SERVER_ERROR)


class RequestLog:
    """Names each request, counts and logs it when it ends, and turns an escaped error into a 500 without its inside.

    A sane `X-Request-ID` (letters, digits, `.`, `_`, `-`, at most 64) is kept, anything else replaced. An answer that
    never ends, `/api/stream`, is counted when its head goes out: how long somebody listens is no latency. What takes
    `slow_seconds` (0: nothing does) is warned of and kept in `slow`.
    """

    def __init__(
        self,
        app: ASGIApp,
        *,
        times: RequestTimes | None = None,
        slow: SlowLog | None = None,
        slow_seconds: float = 0.0,
    ) -> None:
        self.app = app
        self._times = times
        self._slow = slow or SlowLog()
        self._slow_seconds = slow_seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["alphaforge.request_id"] = request_id
        marks = ((b"x-request-id", request_id.encode()), _NOSNIFF)
        status, sent, is_counted, failed = 0, 0, False, False
        if self._times is not None:
            self._times.begin()
        began = time.perf_counter()

        async def mark(message: Message) -> None:
            nonlocal status, sent, is_counted
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *marks]
                if _is_endless(message["headers"]):
                    is_counted = True
                    self._count(scope, status, time.perf_counter() - began)
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, mark)
            except Exception as error:
                failed = True
                if status:  # half an answer is out: only the server can end this connection
                    _log.exception("answer_broken_off")
                    raise
                await unexpected(request_id, error)(scope, receive, mark)
            finally:
                seconds = time.perf_counter() - began
                _log_line(scope, status, sent, seconds)
                if not is_counted:
                    self._count(scope, _FAILED if failed else status, seconds)

    def _count(self, scope: Scope, status: int, seconds: float) -> None:
        route = _route(scope)
        if self._times is not None:
            self._times.end(scope["method"], route, status, _cache(scope), seconds)
        if not self._slow_seconds or seconds < self._slow_seconds:
            return
        if self._times is not None:
            self._times.slow[route] += 1
        method = known_method(scope["method"])
        _log.warning("slow_request", method=method, route=route, status=status, ms=round(seconds * 1000, 2))
        trace = structlog.contextvars.get_contextvars().get("trace_id")
        detail = f"request {scope['alphaforge.request_id']}"
        self._slow.add(Slow(time.time(), "request", f"{method} {route}", seconds, status, trace, detail))


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)


def _is_endless(headers: Iterable[tuple[bytes, bytes]]) -> bool:
    return any(name == b"content-type" and value.startswith(_ENDLESS) for name, value in headers)


def _route(scope: Scope) -> str:
    """The route's pattern instead of the path: paths and queries are the client's text."""
    return getattr(scope.get("route"), "path", None) or UNMATCHED


def _cache(scope: Scope) -> str:
    return str(scope.get("alphaforge.cache", NEVER_KEPT))


def _log_line(scope: Scope, status: int, sent: int, seconds: float) -> None:
    """One line a request."""
    write = _log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _log.info
    write(
        "request",
        method=scope["method"],
        route=_route(scope),
        status=status,
        cache=_cache(scope),
        ms=round(seconds * 1000, 2),
        bytes=sent,
    )
