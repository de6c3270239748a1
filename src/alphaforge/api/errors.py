"""The one table from errors to HTTP, and problem details (RFC 9457) for all of them.

`detail` stays where the predecessor's clients look for it: a sentence, or for a request that does not fit its schema
a list of what is wrong where. Nothing of the inside gets out: no SQL, no path, no trace.
"""

import re
from dataclasses import dataclass
from http import HTTPStatus

import structlog
from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.types import Scope

from alphaforge.api.encoding import json_bytes
from alphaforge.core import errors

_log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"


@dataclass(frozen=True, slots=True)
class Verdict:
    """How an error is answered.

    `retry_after` in seconds, for what may pass by itself. `public` False keeps the error's own message inside,
    because it may name a file or a server; `title` then serves as the detail.
    """

    status: HTTPStatus
    title: str
    retry_after: int | None = None
    public: bool = True


VERDICTS: dict[type[errors.AlphaForgeError], Verdict] = {
    errors.InvalidInput: Verdict(HTTPStatus.UNPROCESSABLE_ENTITY, "The request cannot be meant"),
    errors.UnknownInstrument: Verdict(HTTPStatus.NOT_FOUND, "Unknown instrument"),
    errors.NotFound: Verdict(HTTPStatus.NOT_FOUND, "Not found"),
    errors.Conflict: Verdict(HTTPStatus.CONFLICT, "It contradicts what is stored"),
    errors.NotOffered: Verdict(HTTPStatus.NOT_IMPLEMENTED, "Not offered by this version"),
    errors.NoData: Verdict(HTTPStatus.SERVICE_UNAVAILABLE, "Not known at present", 5),
    errors.NotDelivered: Verdict(HTTPStatus.BAD_GATEWAY, "The receiver did not take the alert"),
    errors.MarketError: Verdict(HTTPStatus.BAD_GATEWAY, "The broker failed"),
    errors.RateLimited: Verdict(HTTPStatus.SERVICE_UNAVAILABLE, "The broker limits the rate of requests", 10),
    errors.MarketUnavailable: Verdict(HTTPStatus.SERVICE_UNAVAILABLE, "The broker cannot be reached", 5),
    errors.StorageError: Verdict(HTTPStatus.SERVICE_UNAVAILABLE, "The database cannot be used", 5, public=False),
    errors.DatabaseBusy: Verdict(HTTPStatus.SERVICE_UNAVAILABLE, "The database is busy, try again", 1, public=False),
}
"""Where a class is missing its nearest ancestor counts. A test holds every error of core/errors.py against it."""


def verdict_of(error: errors.AlphaForgeError) -> Verdict | None:
    """The table's answer; None for the bare root, which is nobody's verdict and answered as unexpected."""
    return next((VERDICTS[kind] for kind in type(error).__mro__ if kind in VERDICTS), None)


def public_words(error: Exception) -> str:
    """What may be said of an error to whoever asks."""
    verdict = verdict_of(error) if isinstance(error, errors.AlphaForgeError) else None
    if verdict is None or not isinstance(error, errors.AlphaForgeError):
        return "Something unexpected went wrong; the server's log has it."
    return error.message if verdict.public else f"{verdict.title}."


def problem(
    request_id: str,
    status: int,
    title: str,
    detail: object,
    *,
    kind: str = "about:blank",
    headers: dict[str, str] | None = None,
    **more: object,
) -> Response:
    """An answer of media type application/problem+json."""
    body = {"type": kind, "title": title, "status": int(status), "detail": detail}
    if request_id:
        body |= {"instance": f"urn:alphaforge:request:{request_id}", "request_id": request_id}
    body |= {name: value for name, value in more.items() if value}
    return Response(json_bytes(body), int(status), headers, MEDIA_TYPE)


def request_id_of(scope: Scope) -> str:
    """The id that the outermost middleware gave the request."""
    return str(scope.get("alphaforge.request_id", ""))


async def answer_own_error(request: Request, error: Exception) -> Response:
    """Answer an AlphaForgeError by the table."""
    if not isinstance(error, errors.AlphaForgeError) or (verdict := verdict_of(error)) is None:
        return unexpected(request_id_of(request.scope), error)
    if verdict.status >= HTTPStatus.INTERNAL_SERVER_ERROR and verdict.status != HTTPStatus.NOT_IMPLEMENTED:
        _log.warning("request_failed", error=type(error).__name__, message=error.message)
    return problem(
        request_id_of(request.scope),
        verdict.status,
        verdict.title,
        public_words(error),
        kind=f"urn:alphaforge:problem:{_kebab(type(error).__name__)}",
        headers={"Retry-After": str(verdict.retry_after)} if verdict.retry_after else None,
        advice=error.advice if verdict.public else "The server's log says what is wrong with it.",
        errors=error.faults if isinstance(error, errors.InvalidRows) else None,
    )


async def answer_http_exception(request: Request, error: Exception) -> Response:
    """Answer what the router or a handler refused with a plain status."""
    if not isinstance(error, HTTPException):
        return unexpected(request_id_of(request.scope), error)
    headers = dict(error.headers) if error.headers else None
    return problem(
        request_id_of(request.scope),
        error.status_code,
        HTTPStatus(error.status_code).phrase,
        error.detail,
        headers=headers,
    )


async def answer_validation_error(request: Request, error: Exception) -> Response:
    """Answer a request that does not fit its schema: 422, `detail` a list as FastAPI's, inputs cut short."""
    if not isinstance(error, RequestValidationError):
        return unexpected(request_id_of(request.scope), error)
    found = [
        {
            "type": one["type"],
            "loc": [_short(part) for part in one["loc"]],
            "msg": _short(one["msg"].removeprefix("Value error, "), 300),
            "input": _echo(one["loc"], one.get("input")),
        }
        for one in error.errors()[:_MOST_ERRORS]
    ]
    return problem(
        request_id_of(request.scope),
        HTTPStatus.UNPROCESSABLE_ENTITY,
        "The request does not fit its schema",
        found,
        kind="urn:alphaforge:problem:invalid-request",
        advice=_advice_on_kind(request, found),
    )


def _advice_on_kind(request: Request, found: list[dict[str, object]]) -> str:
    """A body that does not say that it is JSON is bytes to the schema, which says so in words that help nobody."""
    is_whole = any(one["loc"] == ["body"] for one in found)
    is_json = any(b"json" in value.lower() for name, value in request.scope.get("headers", ()) if name == _KIND)
    return "Bodies are JSON, and say so: Content-Type: application/json." if is_whole and not is_json else ""


def unexpected(request_id: str, error: BaseException) -> Response:
    """Answer what nobody foresaw: the log has the trace, the client the request's id."""
    _log.error("unexpected_error", exc_info=error)
    return problem(
        request_id,
        HTTPStatus.INTERNAL_SERVER_ERROR,
        "Internal Server Error",
        "Something unexpected went wrong; the server's log has it under this request's id.",
    )


_KIND = b"content-type"
_MOST_ERRORS = 20
_MOST_TEXT = 100
_MOST_ITEMS = 20
_SECRET = re.compile(r"pass|secret|token|api.?key|authori[sz]ation", re.IGNORECASE)


def _kebab(name: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "-", name).lower()


def _short(value: object, most: int = _MOST_TEXT) -> object:
    """A value that is safe to give back: no megabytes, no lone surrogates, no numbers that JSON lacks."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int) and abs(value) < 2**63:
        return value
    if isinstance(value, float):
        return value
    text = value if isinstance(value, str) else f"<{type(value).__name__}>"
    text = text.encode("utf-8", "replace").decode()
    return text if len(text) <= most else text[: most - 1] + "…"


def _echo(loc: tuple[object, ...], value: object) -> object:
    """The refused input, as far as it may be shown: itself, or what lies directly in it."""
    if isinstance(value, dict):
        return {str(_short(str(key))): _shown((key,), item) for key, item in list(value.items())[:_MOST_ITEMS]}
    if isinstance(value, list):
        return [_shown(loc, item) for item in value[:_MOST_ITEMS]]
    return _shown(loc, value)


def _shown(loc: tuple[object, ...], value: object) -> object:
    if any(isinstance(part, str) and _SECRET.search(part) for part in loc):
        return "<hidden>"
    return _short(value)
