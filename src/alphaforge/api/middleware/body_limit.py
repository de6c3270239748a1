"""Bodies end somewhere: in length, in time and in depth, before anything is made of them.

What sends a body waits here until it is whole, so that behind this nothing waits for a client, and a refusal is an
answer like any other.
"""

import asyncio
import time
from http import HTTPStatus

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import problem, request_id_of
from alphaforge.api.nesting import is_deeper

MOST_DEPTH = 32
SECONDS = 30.0
LEAST_RATE = 65_536
_NO_JSON = (b"text/csv", b"application/x-ndjson")
"""What is not one JSON text, and is looked at a line at a time by whoever reads it."""
_BODILESS = frozenset({"GET", "HEAD", "OPTIONS"})


class _Refused(Exception):
    """A body that is not taken, with the answer's status, words and headers."""

    def __init__(
        self, status: HTTPStatus, detail: str, advice: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.advice = advice
        self.headers = headers or {}


class BodyLimit:
    """Refuses bodies longer than `limit` bytes, announced or not, slow ones, compressed ones and deeply nested ones.

    A body has `seconds`, and one more for every 64 KiB that arrived: a slow uplink may send a screenshot, and nobody
    holds a connection with a byte now and then.
    """

    def __init__(self, app: ASGIApp, limit: int, *, seconds: float = SECONDS, depth: int = MOST_DEPTH) -> None:
        self.app = app
        self._limit = limit
        self._seconds = seconds
        self._depth = depth

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["method"] in _BODILESS:
            await self.app(scope, receive, send)
            return
        try:
            headers = dict(scope["headers"])
            self._look_at_head(headers)
            body = await self._whole(receive)
            if not headers.get(b"content-type", b"").lower().startswith(_NO_JSON):
                self._look_at_body(body)
        except _Refused as refused:
            await self._answer(refused)(scope, receive, send)
        except ClientDisconnect:
            return  # nobody is there to be answered
        else:
            await self.app(scope, _once(body, receive), send)

    def _look_at_head(self, headers: dict[bytes, bytes]) -> None:
        coding = headers.get(b"content-encoding", b"").strip().lower()
        if coding not in (b"", b"identity"):
            raise _Refused(
                HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
                "The body has a Content-Encoding, and this server takes bodies as they are.",
                "Send it without Content-Encoding (identity).",
                {"Accept-Encoding": "identity", "Connection": "close"},
            )
        announced = headers.get(b"content-length", b"")
        if announced.isdigit() and int(announced[:20]) > self._limit:
            raise self._too_long()

    def _look_at_body(self, body: bytes) -> None:
        if is_deeper(body, self._depth):
            raise _Refused(
                HTTPStatus.UNPROCESSABLE_ENTITY,
                f"The body's lists and objects lie more than {self._depth} deep in one another.",
            )

    async def _whole(self, receive: Receive) -> bytes:
        parts: list[bytes] = []
        began, read, more = time.monotonic(), 0, True
        while more:
            left = began + self._seconds + read / LEAST_RATE - time.monotonic()
            try:
                async with asyncio.timeout(left):
                    message = await receive()
            except TimeoutError:
                raise _Refused(
                    HTTPStatus.REQUEST_TIMEOUT,
                    f"The body did not arrive within {self._seconds:g} s and one more for each 64 KiB.",
                    headers={"Connection": "close"},
                ) from None
            if message["type"] == "http.disconnect":
                raise ClientDisconnect
            parts.append(message.get("body", b""))
            read += len(parts[-1])
            if read > self._limit:
                raise self._too_long()
            more = message.get("more_body", False)
        return b"".join(parts)

    def _too_long(self) -> _Refused:
        detail = f"The body is longer than the {self._limit} bytes that this server accepts."
        return _Refused(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, detail, headers={"Connection": "close"})

    def _answer(self, refused: _Refused) -> ASGIApp:
        async def answer(scope: Scope, receive: Receive, send: Send) -> None:
            request_id = request_id_of(scope)
            found = problem(
                request_id,
                refused.status,
                refused.status.phrase,
                refused.detail,
                headers=refused.headers,
                advice=refused.advice,
            )
            await found(scope, receive, send)

        return answer


def _once(body: bytes, receive: Receive) -> Receive:
    """The whole body in one message, then what the connection says."""
    was_read = False

    async def received() -> Message:
        nonlocal was_read
        if was_read:
            return await receive()
        was_read = True
        return {"type": "http.request", "body": body, "more_body": False}

    return received
