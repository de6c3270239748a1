"""The outermost middleware: an id, a line in the log, and an answer even where everything failed."""

import re
import secrets
import time
from http import HTTPStatus

import structlog
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import unexpected

_log = structlog.get_logger(__name__)

_SANE_ID = re.compile(rb"[A-Za-z0-9._\-]{1,64}")
_NOSNIFF = (b"x-content-type-options", b"nosniff")


class RequestLog:
    """Names each request, logs it when it ends, and turns an escaped error into a 500 without its inside.

    A sane `X-Request-ID` (letters, digits, `.`, `_`, `-`, at most 64) is kept, anything else replaced.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope["alphaforge.request_id"] = request_id
        marks = ((b"x-request-id", request_id.encode()), _NOSNIFF)
        began, status, sent = time.perf_counter(), 0, 0

        async def mark(message: Message) -> None:
            nonlocal status, sent
            if message["type"] == "http.response.start":
                status = message["status"]
                message["headers"] = [*message.get("headers", ()), *marks]
            elif message["type"] == "http.response.body":
                sent += len(message.get("body", b""))
            await send(message)

        with structlog.contextvars.bound_contextvars(request_id=request_id):
            try:
                await self.app(scope, receive, mark)
            except Exception as error:
                if status:  # half an answer is out: only the server can end this connection
                    _log.exception("answer_broken_off")
                    raise
                await unexpected(request_id, error)(scope, receive, mark)
            finally:
                _log_line(scope, status, sent, time.perf_counter() - began)


def _request_id(scope: Scope) -> str:
    for name, value in scope["headers"]:
        if name == b"x-request-id" and _SANE_ID.fullmatch(value):
            return str(value.decode())
    return secrets.token_hex(8)


def _log_line(scope: Scope, status: int, sent: int, seconds: float) -> None:
    """One line a request. The route's pattern instead of the path: paths and queries are the client's text."""
    route = getattr(scope.get("route"), "path", None)
    write = _log.warning if status >= HTTPStatus.INTERNAL_SERVER_ERROR else _log.info
    write(
        "request",
        method=scope["method"],
        route=route or "unmatched",
        status=status,
        ms=round(seconds * 1000, 2),
        bytes=sent,
    )
