"""Bodies end somewhere: 413 before more than the limit is held in memory."""

from http import HTTPStatus

from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import problem


class BodyLimit:
    """Refuses bodies longer than `limit` bytes, announced or not.

    A server that streams a body without announcing its length is stopped at the first byte too many: the exception
    passes through the parsing of the body (FastAPI lets HTTP exceptions through) and becomes the answer.
    """

    def __init__(self, app: ASGIApp, limit: int) -> None:
        self.app = app
        self._limit = limit
        self._detail = f"The body is longer than the {limit} bytes that this server accepts."

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        if _announced(scope) > self._limit:
            title = HTTPStatus.REQUEST_ENTITY_TOO_LARGE.phrase
            answer = problem(
                str(scope.get("alphaforge.request_id", "")),
                HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
                title,
                self._detail,
                headers={"Connection": "close"},
            )
            await answer(scope, receive, send)
            return
        read = 0

        async def counted() -> Message:
            nonlocal read
            message = await receive()
            read += len(message.get("body", b""))
            if read > self._limit:
                raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, self._detail)
            return message

        await self.app(scope, counted, send)


def _announced(scope: Scope) -> int:
    """The announced length; 0 where there is none or it is no number (counting then decides)."""
    for name, value in scope["headers"]:
        if name == b"content-length":
            return int(value) if value.isdigit() else 0
    return 0
