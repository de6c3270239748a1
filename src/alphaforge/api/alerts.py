"""Alerts: what was sent to whom, and the channels."""

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel

from alphaforge.alerts.templates import queued_of
from alphaforge.api.encoding import json_answer
from alphaforge.api.listing import DEFAULT_PAGE, AskedCursor, CursorOf, cursor_position, cursor_text, link_to
from alphaforge.api.parameters import Asked, Limit, clean_text, most_of, page_size
from alphaforge.api.query import documented, query_of
from alphaforge.api.schemas import alerts as shapes
from alphaforge.api.services import ChannelFacts
from alphaforge.core.times import rfc3339
from alphaforge.storage.alerts import ALERT, STATUSES, alert_status
from alphaforge.storage.jobs import DONE, Job, JobRepository
from alphaforge.storage.rows import Position

router = APIRouter(tags=["alerts"])


class AlertQuery(BaseModel):
    """Messages of one status, or all."""

    status: Annotated[
        Literal["queued", "sending", "sent", "failed"] | None,
        Query(description="queued (held ones too), sending, sent or failed."),
    ] = None
    limit: Limit = None
    cursor: AskedCursor = None


@router.get(
    "/api/alerts",
    summary="Alerts, newest first",
    response_model=shapes.AlertHistory,
    openapi_extra=documented(AlertQuery),
)
async def alerts(
    request: Request, services: Asked, query: Annotated[AlertQuery, Depends(query_of(AlertQuery))]
) -> Response:
    """Every message to every channel: what it told, when it was sent, what stood in the way."""
    size = page_size(query.limit, most_of(request), DEFAULT_PAGE)
    behind = None if query.cursor is None else cursor_position(query.cursor, (CursorOf.ALERTS,))[1].id
    statuses = () if query.status is None else (STATUSES[query.status],)
    async with services.database.read() as connection:
        found = await JobRepository(connection).page((ALERT,), statuses, before=behind, limit=size + 1)
    page = found[:size]
    last = Position(0.0, page[-1].id) if len(found) > size else None
    following = cursor_text(CursorOf.ALERTS, last)
    body = {"alerts": [_message_body(job) for job in page], "count": len(page), "next": following}
    return json_answer(body, headers=link_to(request, following))


def _message_body(job: Job) -> dict[str, object]:
    one = queued_of(job.payload)
    return {
        "id": job.id,
        "kind": one.kind,
        "instrument": one.instrument,
        "signal_id": one.signal_id,
        "title": one.title,
        "channel": one.name,
        "alerts": one.count,
        "status": alert_status(job),
        "attempts": job.attempts,
        "error": job.error,
        "at": rfc3339(one.at),
        "created_at": rfc3339(job.created_at),
        "due_at": rfc3339(job.run_at),
        "sent_at": rfc3339(job.finished_at) if job.status == DONE and job.finished_at is not None else None,
    }


@router.get("/api/alerts/channels", summary="The channels of alerts", response_model=shapes.AlertChannels)
async def channels(services: Asked) -> Response:
    """What each wants to be told, whether it is enabled, and how its last attempts went."""
    bodies = [_channel_body(facts) for facts in await services.alerts.facts()]
    return json_answer({"channels": bodies, "count": len(bodies)})


def _channel_body(facts: ChannelFacts) -> dict[str, object]:
    return {
        "name": facts.name,
        "service": facts.service,
        "kinds": facts.kinds,
        "instruments": facts.instruments,
        "min_confidence": facts.min_confidence,
        "quiet": facts.quiet,
        "enabled": facts.disabled_at is None,
        "failures": facts.failures,
        "last_error": facts.last_error,
        "disabled_at": None if facts.disabled_at is None else rfc3339(facts.disabled_at),
        "last_sent_at": None if facts.last_sent_at is None else rfc3339(facts.last_sent_at),
    }


Refusals = dict[int | str, dict[str, Any]]
ChannelName = Annotated[str, Path(max_length=60, description="As /api/alerts/channels gives it.")]
_NO_CHANNEL: Refusals = {404: {"description": "No channel of this name."}}
_NOT_TAKEN: Refusals = {502: {"description": "The receiver did not take it; `detail` says why."}}


@router.post(
    "/api/alerts/channels/{name}/test",
    summary="Send a test message",
    response_model=shapes.ChannelAnswer,
    responses={**_NO_CHANNEL, **_NOT_TAKEN},
)
async def test_channel(services: Asked, name: ChannelName) -> Response:
    """At once, whatever the channel wants, and whether it is enabled or not; answers when the receiver did."""
    await services.alerts.test(clean_text(name))
    return json_answer({"success": True, "channel": name, "message": "The receiver took the test message."})


@router.post(
    "/api/alerts/channels/{name}/enable",
    summary="Enable a channel again",
    response_model=shapes.ChannelAnswer,
    responses=_NO_CHANNEL,
)
async def enable_channel(services: Asked, name: ChannelName) -> Response:
    """Forget its failures, and try at once what waits for it."""
    await services.alerts.enable(clean_text(name))
    return json_answer({"success": True, "channel": name, "message": "The channel is enabled."})
