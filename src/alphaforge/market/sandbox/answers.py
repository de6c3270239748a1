"""HTTP answers: JSON, gzipped where that is wanted, and errors in OANDA's form and in a gateway's."""

import zlib
from collections.abc import Iterable
from http import HTTPStatus

import msgspec
from starlette.requests import Request
from starlette.responses import Response

_WORTH_PACKING = 1_000
_GZIP_FORMAT = 31
_FROM_THE_GATEWAY = frozenset({500, 502})
_WORDS = {
    401: "Insufficient authorization to perform request.",
    403: "The provided request was forbidden.",
    404: "The requested resource was not found.",
    405: "Method Not Allowed",
    429: "Too many requests; rate limit exceeded.",
}


def packed(request: Request, pieces: Iterable[bytes]) -> tuple[bytes, bool]:
    """The body, gzipped piece by piece at the cheapest level where the client accepts it; and whether it was."""
    if "gzip" not in request.headers.get("accept-encoding", ""):
        return b"".join(pieces), False
    packer = zlib.compressobj(1, zlib.DEFLATED, _GZIP_FORMAT)
    parts = [packer.compress(piece) for piece in pieces]
    return b"".join((*parts, packer.flush())), True


def json_answer(body: tuple[bytes, bool], status: int = 200) -> Response:
    """An answer of JSON that `packed` has seen."""
    headers = {"content-encoding": "gzip", "vary": "accept-encoding"} if body[1] else None
    return Response(body[0], status, headers, "application/json")


def value_answer(request: Request, value: object, status: int = 200) -> Response:
    """An answer of a value."""
    body = msgspec.json.encode(value)
    return json_answer(packed(request, [body]) if len(body) > _WORTH_PACKING else (body, False), status)


def error_answer(status: int, message: str = "", *, html: bool | None = None) -> Response:
    """An error: OANDA's JSON, or the HTML of a gateway that knows nothing of it (by default for 500 and 502)."""
    phrase = HTTPStatus(status).phrase
    if html if html is not None else status in _FROM_THE_GATEWAY and not message:
        page = f"<html>\r\n<head><title>{status} {phrase}</title></head>\r\n<body>{status} {phrase}</body>\r\n</html>"
        return Response(page, status, media_type="text/html")
    return Response(
        msgspec.json.encode({"errorMessage": message or _WORDS.get(status, phrase)}),
        status,
        media_type="application/json",
    )
