"""Which OANDA, with which token."""

import hashlib
import re
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Self
from urllib.parse import urlsplit

from alphaforge.core.errors import InvalidSetting

_HOSTS: MappingProxyType[str, tuple[str, str]] = MappingProxyType(
    {
        "practice": ("https://api-fxpractice.oanda.com", "https://stream-fxpractice.oanda.com"),
        "live": ("https://api-fxtrade.oanda.com", "https://stream-fxtrade.oanda.com"),
    }
)
_SANDBOX = "sandbox"
_LONGEST_NAME = 40
"""What the columns of the database hold."""
_TOKEN = re.compile(r"[\x21-\x7e]{1,512}")


@dataclass(frozen=True, slots=True)
class OandaAccess:
    """Where OANDA is and how it is entered. `account_id` None: the token's first account.

    The token is left out of the representation. Raises InvalidSetting.
    """

    token: str = field(repr=False)
    account_id: str | None
    api_url: str
    stream_url: str
    environment: str

    def __post_init__(self) -> None:
        if not _TOKEN.fullmatch(self.token):
            raise InvalidSetting(
                "OANDA_API_KEY is not a token", advice="Copy it again: it is one word of letters, digits and dashes."
            )
        if self.environment not in _HOSTS and self.environment != _SANDBOX:
            message = f"OANDA_ENVIRONMENT is {self.environment[:40]!r}"
            raise InvalidSetting(message, advice="Write practice or live.")
        for name, url in (("OANDA_API_URL", self.api_url), ("OANDA_STREAM_URL", self.stream_url)):
            _refuse_bad_url(name, url)

    @classmethod
    def of(
        cls,
        environment: str,
        token: str,
        *,
        account_id: str | None = None,
        api_url: str | None = None,
        stream_url: str | None = None,
    ) -> Self:
        """Access with the environment's hosts where none are given.

        Where only `api_url` is given, prices are streamed from there too: a token meant for another server
        must not travel to OANDA.
        """
        hosts = _HOSTS.get(environment, (api_url or "", api_url or ""))
        return cls(
            token.strip(),
            (account_id or "").strip() or None,
            (api_url or hosts[0]).rstrip("/"),
            (stream_url or api_url or hosts[1]).rstrip("/"),
            environment,
        )

    @property
    def source_name(self) -> str:
        """What candles and signals of this access are kept under: `oanda-practice`, `oanda-live`.

        A server that is not OANDA's own has its host in the name (`oanda-practice@host:port`): what it says must not
        be taken for OANDA's.
        """
        place = urlsplit(self.api_url)
        for environment, (api_url, _) in _HOSTS.items():
            if place.hostname == urlsplit(api_url).hostname:
                return f"oanda-{environment}"
        return _fitting(f"oanda-{self.environment}@{place.netloc.lower()}")

    @property
    def other_environment(self) -> str:
        """The environment that a token refused here may belong to."""
        return "live" if self.environment == "practice" else "practice"


def _fitting(name: str) -> str:
    """A name that the database has room for; a longer one ends in a digest of the whole."""
    if len(name) <= _LONGEST_NAME:
        return name
    digest = hashlib.blake2b(name.encode(), digest_size=4).hexdigest()
    return f"{name[: _LONGEST_NAME - len(digest) - 1]}~{digest}"


def _refuse_bad_url(name: str, url: str) -> None:
    parts = urlsplit(url)
    plain = not (parts.username or parts.password or parts.query or parts.fragment)
    if parts.scheme not in ("http", "https") or not parts.hostname or not plain:
        message = f"{name} is not the address of a server"
        raise InvalidSetting(message, advice="Write it as https://host or http://host:port, without credentials.")
