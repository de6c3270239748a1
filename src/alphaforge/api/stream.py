"""What happens, as it happens: server-sent events from memory, see alphaforge.stream."""

import asyncio
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from alphaforge.api.parameters import Asked, clean_text, known_instrument
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import stream as shapes
from alphaforge.api.services import Services
from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.stream.listeners import Stream
from alphaforge.stream.log import Choice, Cursor, Kind, parse_cursor

router = APIRouter(tags=["stream"])

MEDIA_TYPE = "text/event-stream"
_LATER = 5
_RETRY, _RETRY_SPREAD = 1_000, 2_000
"""Milliseconds after which a client that lost us comes again, and by how much they differ: not all come at once."""


class StreamQuery(BaseModel):
    """What a listener wants."""

    kinds: Annotated[
        str | None,
        Query(
            max_length=200,
            description="Which events, with commas between: " + ", ".join(Kind) + ". All of them by default.",
            examples=["signal,price"],
        ),
    ] = None
    instruments: Annotated[
        str | None,
        Query(max_length=2_000, description="Of which instruments, in any spelling.", examples=["GBP_USD,GOLD"]),
    ] = None
    last_event_id: Annotated[
        str | None, Query(max_length=100, description="For who cannot send the header `Last-Event-ID`, which wins.")
    ] = None

    def choice(self, services: Services) -> Choice:
        """What that means; raises InvalidInput naming what there is."""
        kinds = frozenset(_kind(word) for word in _words(self.kinds)) or frozenset(Kind)
        names = frozenset(_instrument(services, word) for word in _words(self.instruments))
        return Choice(kinds, names or None)


def _words(text: str | None) -> list[str]:
    return [word.strip() for word in clean_text(text or "").split(",") if word.strip()]


def _kind(word: str) -> Kind:
    if word.lower() not in list(Kind):
        message = f"kinds may be {', '.join(Kind)}, not {word[:40]!r}"
        raise InvalidInput(message)
    return Kind(word.lower())


def _instrument(services: Services, spelling: str) -> str:
    try:
        return known_instrument(services, spelling).name
    except UnknownInstrument as error:  # a filter that cannot be meant, not a thing that is missing
        raise InvalidInput(f"instruments: {error.message}", advice=error.advice) from None


class EventStream(Response):
    """The answer: events until the client goes, is too slow, or the server ends."""

    media_type = MEDIA_TYPE

    def __init__(self, events: Stream, choice: Choice, cursor: Cursor | None) -> None:
        super().__init__(headers={"Cache-Control": "no-store", "X-Accel-Buffering": "no"})
        self.raw_headers = [pair for pair in self.raw_headers if pair[0] != b"content-length"]
        self._events = events
        self._choice = choice
        self._cursor = cursor

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002 - ASGI's
        """Handle one ASGI connection."""
        with self._events.listening(self._choice, self._cursor) as listener:
            gone = asyncio.create_task(_gone(receive))
            gone.add_done_callback(lambda _: listener.end())
            try:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                retry = b"retry: %d\n\n" % (_RETRY + id(listener) // 16 % _RETRY_SPREAD)
                await send({"type": "http.response.body", "body": retry, "more_body": True})
                while (piece := await listener.next()) is not None:
                    await send({"type": "http.response.body", "body": piece, "more_body": True})
                if not gone.done():
                    await send({"type": "http.response.body", "body": b""})
            finally:
                gone.cancel()


async def _gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


@router.get(
    "/api/stream",
    summary="What happens, as it happens",
    status_code=HTTPStatus.OK,  # else FastAPI looks for it among the class's parameters
    response_class=EventStream,
    response_model=shapes.Streamed,
    response_description="Events without end; the shape is that of their `data`.",
    openapi_extra=documented(StreamQuery),
)
async def stream(
    request: Request, services: Asked, query: Annotated[StreamQuery, Depends(query_of(StreamQuery))]
) -> Response:
    """Server-sent events. Each has an id; who comes again with the last one as `Last-Event-ID` misses nothing.

    Who comes without one is told the status and the newest price of each instrument, then what happens. A `reset` says
    that the id is too old (five minutes are kept) or of another database: load anew what you show. When nothing happens
    a comment with an id comes at least every 15 s.
    """
    choice = query.choice(services)
    cursor = _cursor(request, query)
    if services.stream.is_full:
        raise HTTPException(
            HTTPStatus.SERVICE_UNAVAILABLE, "As many listen as this server has room for.", {"Retry-After": str(_LATER)}
        )
    if cursor is not None:
        await services.stream.caught_up(cursor.number)
    return EventStream(services.stream, choice, cursor)


def _cursor(request: Request, query: StreamQuery) -> Cursor | None:
    said = request.headers.get("last-event-id") or query.last_event_id
    return parse_cursor(said.strip()) if said and said.strip() else None
