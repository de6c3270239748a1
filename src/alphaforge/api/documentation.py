"""The OpenAPI document, and the same as a page to read: our own, because the usual ones load scripts from elsewhere."""

import asyncio
from html import escape
from typing import Any

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.openapi.utils import get_openapi

from alphaforge.api.encoding import json_answer
from alphaforge.api.reads import reads_of
from alphaforge.api.schemas.common import Problem

router = APIRouter(include_in_schema=False)

_DESCRIPTION = """\
A self-hosted signal desk and trading journal for forex and gold.

Times are RFC 3339 in UTC. Instruments may be written GBP_USD, GBP/USD, GBPUSD or gbp-usd, and GOLD means XAU_USD.
Answers may gain keys. Errors are problem details (RFC 9457) whose `detail` says what is wrong, and a 503 says in
`Retry-After` when to ask again. Where `simulated` is true, the built-in sandbox invented the prices.

An answer with an `ETag` is not sent twice: ask again with `If-None-Match`, and 304 says that it is what you have. Every
answer says in `RateLimit` how many more requests are allowed; beyond these it is 429 with `Retry-After`.
"""

_TAGS = [
    {"name": "signals", "description": "What the desk, or you, would trade, and what became of it."},
    {"name": "evaluation", "description": "Evaluating closed candles, and every reason for no signal."},
    {"name": "journal", "description": "Your own trades."},
    {"name": "prices", "description": "Quotes of now."},
    {"name": "candles", "description": "Closed candles."},
    {"name": "instruments", "description": "What is watched, and what was last thought of it."},
    {"name": "stream", "description": "What happens, as it happens."},
    {"name": "alerts", "description": "What was told to whom, and the channels."},
    {"name": "jobs", "description": "Work in the background: scans, downloads, files; how far it is, what came of it."},
    {"name": "system", "description": "How the system is, and its switch."},
    {
        "name": "backtests",
        "description": "The rules that run live, over stored candles, and what the evidence supports.",
    },
]

_HEADERS = {
    "ETag": ("Which text this is: as `If-None-Match` it saves the body.", '"cdbe76489e5222b08380d7a6"'),
    "X-Cache": ("`hit`: kept from before; `miss`: made now; `bypass`: never kept.", "hit"),
    "RateLimit": ("How many requests are left, and the seconds until all are.", "limit=1200, remaining=1199, reset=42"),
}
_OF_KEPT_ANSWERS = {name: {"$ref": f"#/components/headers/{name}"} for name in _HEADERS}

_METHODS = ("get", "post", "put", "delete")
_KEYLESS = "/health/live"


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` answer the document, composed once and only when somebody asks."""

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _document(app)
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign] # FastAPI documents this way of extending the document


def _document(app: FastAPI) -> dict[str, Any]:
    document = get_openapi(
        title=app.title,
        version=app.version,
        summary="Signals that explain themselves",
        description=_DESCRIPTION,
        routes=app.routes,
        tags=_TAGS,
        servers=[{"url": "/", "description": "This server"}],
    )
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    schemas.pop("HTTPValidationError", None)
    schemas.pop("ValidationError", None)
    schemas["Problem"] = Problem.model_json_schema()
    content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    components["responses"] = {"Problem": {"description": "What went wrong.", "content": content}}
    components["headers"] = {
        name: {"description": says, "schema": {"type": "string"}, "example": example}
        for name, (says, example) in _HEADERS.items()
    }
    components["securitySchemes"] = {
        "bearer": {"type": "http", "scheme": "bearer", "description": "The server's API_KEY, where one is set."},
        "header": {"type": "apiKey", "in": "header", "name": "X-API-Key", "description": "The same."},
    }
    document["security"] = [{}, {"bearer": []}, {"header": []}]
    for path, operations in document["paths"].items():
        for method in _METHODS:
            if method in operations:
                _complete(path, operations[method])
        if "get" in operations and reads_of(path) is not None:
            _say_that_it_is_kept(operations["get"]["responses"])
    return document


def _complete(path: str, operation: dict[str, Any]) -> None:
    """Every operation may fail as a problem; what else it said of an error becomes the description."""
    for status in [status for status in operation["responses"] if status.startswith(("4", "5"))]:
        said = operation["responses"].pop(status)
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        operation["responses"][status] = {"description": said["description"], "content": content}
    for status in ("4XX", "5XX"):
        operation["responses"][status] = {"$ref": "#/components/responses/Problem"}
    if path == _KEYLESS:
        operation["security"] = []


def _say_that_it_is_kept(responses: dict[str, Any]) -> None:
    """What comes with an answer that the cache may keep, and without it where the client has it already."""
    if "200" in responses:  # refusals are not kept
        responses["200"]["headers"] = _OF_KEPT_ANSWERS
        responses["304"] = {"description": "It is what you have, by `If-None-Match`.", "headers": _OF_KEPT_ANSWERS}


async def _composed(request: Request) -> dict[str, Any]:
    """The document; beside the event loop, since composing it takes a second the first time."""
    return await asyncio.to_thread(request.app.openapi)


@router.get("/openapi.json")
async def openapi_document(request: Request) -> Response:
    """The document for programs."""
    return json_answer(await _composed(request))


_STYLE = """
:root{color-scheme:light dark}body{font:16px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}
code,pre{font:14px/1.4 ui-monospace,monospace}pre{overflow:auto;padding:.6rem;border:1px solid #8884;border-radius:6px}
summary{cursor:pointer;padding:.3rem 0}.m{display:inline-block;min-width:4rem;font-weight:600}
table{border-collapse:collapse}td,th{text-align:left;padding:.2rem .8rem .2rem 0;vertical-align:top}
section{border-top:1px solid #8884;margin-top:1.5rem}.n{opacity:.75}
"""
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"


@router.get("/docs")
async def documentation_page(request: Request) -> Response:
    """The document for people: no script, nothing loaded from anywhere."""
    return Response(
        page(await _composed(request)), media_type="text/html", headers={"Content-Security-Policy": _POLICY}
    )


def page(document: dict[str, Any]) -> str:
    """The document as one HTML page."""
    info = document["info"]
    sections = []
    for tag in document["tags"]:
        operations = "".join(
            _operation(method, path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if method in _METHODS and operation.get("tags", [None])[0] == tag["name"]
        )
        sections.append(
            f"<section><h2>{escape(tag['name'])}</h2><p class=n>{escape(tag['description'])}</p>{operations}</section>"
        )
    title = escape(info["title"])
    text = "".join(f"<p>{escape(part)}</p>" for part in info["description"].split("\n\n"))
    shapes = "".join(_shape(name, schema) for name, schema in sorted(document["components"]["schemas"].items()))
    return (
        f"<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title} API</title><style>{_STYLE}</style><h1>{title} {escape(info['version'])}</h1>"
        f"{text}<p>For programs: <a href='openapi.json'>openapi.json</a></p>{''.join(sections)}"
        f"<section><h2>Shapes</h2>{shapes}</section></html>"
    )


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(one['name'])}</code><td>{escape(one['in'])}<td>{escape(_kind(one['schema']))}"
        f"<td>{escape(one.get('description', ''))}"
        for one in operation.get("parameters", [])
    )
    parameters = f"<table>{rows}</table>" if rows else ""
    body = _content(operation.get("requestBody"), "Body")
    answers = "".join(
        _content(answer, f"Answer {status}") for status, answer in operation["responses"].items() if status < "4"
    )
    return (
        f"<details><summary><span class=m>{method.upper()}</span> <code>{escape(path)}</code> "
        f"{escape(operation.get('summary', ''))}</summary><p>{escape(operation.get('description', ''))}</p>"
        f"{parameters}{body}{answers}</details>"
    )


def _content(part: dict[str, Any] | None, title: str) -> str:
    """A body by the names of its shapes."""
    if part is None or "content" not in part:
        return ""
    kinds = ", ".join(f"{media}: {_kind(content.get('schema', {}))}" for media, content in part["content"].items())
    return f"<p>{escape(title)}: <code>{escape(kinds)}</code></p>"


def _shape(name: str, schema: dict[str, Any]) -> str:
    required = schema.get("required", [])
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in required else ' <span class=n>optional</span>'}"
        f"<td>{escape(_kind(kind))}<td>{escape(kind.get('description', ''))}"
        for field, kind in schema.get("properties", {}).items()
    )
    return f"<details><summary><code>{escape(name)}</code></summary><table>{rows}</table></details>"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in a few words."""
    if "$ref" in schema:
        return str(schema["$ref"]).rpartition("/")[2]
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return " | ".join(str(one) for one in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}"
    if isinstance(more := schema.get("additionalProperties"), dict) and more:
        return f"{_kind(more)} by name"
    return str(schema.get("format") or schema.get("type") or "anything")
