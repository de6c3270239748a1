"""The web client: a page and its files, which hold no data and hence ask for no key."""

import re
from dataclasses import dataclass
from http import HTTPStatus
from mimetypes import guess_type
from pathlib import Path

from starlette.responses import FileResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from alphaforge.api.errors import problem, request_id_of

BUILT = Path(__file__).parents[1] / "web"
"""Where `make web` puts what it builds: `index.html`, and `assets/` whose names change with their content."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""Nothing from anywhere else, and nothing that stands in the page itself. Screenshots are pasted as data and blobs."""

_ASSET = re.compile(r"/assets/([A-Za-z0-9._-]+)")
_PAGE, _FILE = "/ (web client)", "/assets/{name}"
_FOR_EVER = "public, max-age=31536000, immutable"
_BROTLI = ".br"


@dataclass(frozen=True, slots=True)
class _Route:
    """What requests are counted under; see `RequestLog`."""

    path: str


class WebClient:
    """Answers browsers at `/`, where programs get JSON as ever, and the files that the page asks for.

    The page is asked for anew each time (it names the files), the files never again. Beside a file may lie the same
    compressed by brotli. `folder` without a page: the client was not built, and browsers are told how that is done.
    """

    def __init__(self, app: ASGIApp, folder: Path = BUILT) -> None:
        self.app = app
        self._folder = folder

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one ASGI connection."""
        if scope["type"] != "http" or scope["method"] not in {"GET", "HEAD"}:
            await self.app(scope, receive, send)
        elif scope["path"] == "/":
            await self._root(scope, receive, send)
        elif asset := _ASSET.fullmatch(scope["path"]):
            await self._asset(asset[1], scope, receive, send)
        else:
            await self.app(scope, receive, send)

    async def _root(self, scope: Scope, receive: Receive, send: Send) -> None:
        if b"text/html" in _header(scope, b"accept"):
            await self._page(scope, receive, send)
            return

        async def vary(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), (b"vary", b"Accept")]
            await send(message)

        await self.app(scope, receive, vary)

    async def _page(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = _Route(_PAGE)
        page = self._folder / "index.html"
        if not page.is_file():
            answer = problem(
                request_id_of(scope),
                HTTPStatus.SERVICE_UNAVAILABLE,
                "The web client was not built",
                "The API works; the page that shows it in a browser is made at set-up and is not there.",
                advice="Run `make web` in AlphaForge's folder and start it anew. The documentation is at /docs.",
            )
            await answer(scope, receive, send)
            return
        headers = {
            "Cache-Control": "no-cache",
            "Content-Security-Policy": POLICY,
            "Cross-Origin-Opener-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "Vary": "Accept",
        }
        await FileResponse(page, headers=headers, media_type="text/html")(scope, receive, send)

    async def _asset(self, name: str, scope: Scope, receive: Receive, send: Send) -> None:
        scope["route"] = _Route(_FILE)
        path = self._folder / "assets" / name
        if name.endswith(_BROTLI) or not path.is_file():
            answer = problem(
                request_id_of(scope),
                HTTPStatus.NOT_FOUND,
                "Not found",
                "There is no such file of the web client; a newer one may have taken its place.",
                advice="Load the page anew.",
            )
            await answer(scope, receive, send)
            return
        headers = {"Cache-Control": _FOR_EVER, "Vary": "Accept-Encoding"}
        compressed = path.with_name(name + _BROTLI)
        if b"br" in _header(scope, b"accept-encoding") and compressed.is_file():
            path = compressed
            headers["Content-Encoding"] = "br"
        kind = guess_type(name)[0] or "application/octet-stream"
        await FileResponse(path, headers=headers, media_type=kind)(scope, receive, send)


def _header(scope: Scope, wanted: bytes) -> bytes:
    return b",".join(value for name, value in scope["headers"] if name == wanted)
