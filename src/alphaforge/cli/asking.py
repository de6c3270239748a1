"""Asking a running server over HTTP, with the key of the settings, which goes to that server and nowhere else."""

import json
from dataclasses import dataclass, field
from http import HTTPStatus
from http.client import HTTPException
from typing import TYPE_CHECKING, Any
from urllib.error import HTTPError
from urllib.parse import urlencode, urlsplit
from urllib.request import HTTPRedirectHandler, OpenerDirector, ProxyHandler, Request, build_opener

from alphaforge.core.errors import AlphaForgeError, InvalidInput, InvalidSetting, NoData, NotFound

if TYPE_CHECKING:
    from alphaforge.settings import Settings

_SECONDS = 5.0
_MOST_BYTES = 16 * 1024 * 1024
_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a server listens on, asked on this machine


class _NoRedirect(HTTPRedirectHandler):
    """Follows none: the key is for the server that was asked."""

    def redirect_request(self, *_: Any, **__: Any) -> None:  # noqa: ANN401 - as urllib has it
        return None


@dataclass(frozen=True, slots=True)
class Server:
    """A running server."""

    url: str
    key: str | None = field(default=None, repr=False)

    def get(self, path: str, **query: object) -> dict[str, Any]:
        """A JSON answer.

        Raises NoData where nothing sensible answers, InvalidSetting where the key is refused, NotFound for a 404.
        """
        if self.key and not (self.key.isascii() and self.key.isprintable()):
            raise InvalidSetting("API_KEY has characters that no request can carry", advice=_KEY)
        headers = {"Accept": "application/json"} | ({"X-API-Key": self.key} if self.key else {})
        target = f"{self.url}{path}" + (f"?{urlencode(query)}" if query else "")
        try:
            with _opener(self.url).open(Request(target, headers=headers), timeout=_SECONDS) as answer:  # noqa: S310 - http and https only, see `address`
                return _object(answer.read(_MOST_BYTES))
        except HTTPError as error:
            with error:
                raise self._refusal(error.code, _object_or_nothing(error)) from None
        except (OSError, HTTPException) as error:
            reason = getattr(error, "reason", None) or error
            why = getattr(reason, "strerror", None) or str(reason) or type(reason).__name__
            raise NoData(f"No server answers at {self.url}: {why}", advice=_NOBODY) from None
        except ValueError:
            raise NoData(f"What answers at {self.url} is no AlphaForge", advice=_NOBODY) from None

    def _refusal(self, status: int, problem: dict[str, Any]) -> AlphaForgeError:
        if status in {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}:
            how = "does not accept this API_KEY" if self.key else "wants an API_KEY"
            return InvalidSetting(f"The server at {self.url} {how}", advice=_KEY)
        detail, advice = problem.get("detail"), problem.get("advice")
        if not isinstance(detail, str):
            return NoData(f"What answers at {self.url} is no AlphaForge, or fails: it said {status}", advice=_NOBODY)
        if status == HTTPStatus.NOT_FOUND and advice:
            return NotFound(detail, advice=str(advice))
        if status == HTTPStatus.NOT_FOUND:
            return NotFound(f"The AlphaForge at {self.url} is an older one: it does not know this", advice=_NEWER)
        return NoData(f"The server at {self.url} said {status}: {detail}", advice=str(advice or ""))


_NOBODY = "Start one with `alphaforge serve`; HOST and PORT say where it is looked for, or --url."
_KEY = "API_KEY must be the one that the server was started with; it is read from the environment and .env."
_NEWER = "Start it again with the version that is installed here."


def address(settings: "Settings", url: str | None) -> str:
    """Where to ask: a given address, else that of the settings. Raises InvalidInput."""
    if url is None:
        if not settings.port:
            raise InvalidInput("PORT is 0, so nobody knows which one the server took", advice=_SAY)
        host = _EVERYWHERE.get(settings.host, settings.host)
        return f"http://{f'[{host}]' if ':' in host else host}:{settings.port}"
    try:
        parts = urlsplit(url.strip())
        fits = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        fits = False
    if not fits or parts.username or parts.password or parts.query or parts.fragment:
        raise InvalidInput("--url is no address of a server", advice=_SAY)
    return url.strip().rstrip("/")


_SAY = "It has http:// or https:// and a host, as --url http://127.0.0.1:5000; the key comes from API_KEY."


def _opener(url: str) -> OpenerDirector:
    """Without a proxy where the server is on this machine."""
    from alphaforge.settings import is_loopback  # noqa: PLC0415 - the command has read its settings by now

    here = [ProxyHandler({})] if is_loopback(urlsplit(url).hostname or "") else []
    return build_opener(_NoRedirect, *here)


def _object(content: bytes) -> dict[str, Any]:
    found = json.loads(content)
    if not isinstance(found, dict):
        raise ValueError  # noqa: TRY004 - JSON, but not ours: as bad as none
    return found


def _object_or_nothing(error: HTTPError) -> dict[str, Any]:
    """What a refusal says; nothing where it is not in our words."""
    try:
        return _object(error.read(_MOST_BYTES))
    except (OSError, HTTPException, ValueError):
        return {}
