"""What an answer that is no success means, in our words: neither bodies of gateways nor secrets get through."""

import re

import httpx2
import msgspec

from alphaforge.core.errors import (
    AccessDenied,
    MalformedAnswer,
    MarketError,
    MarketUnavailable,
    RateLimited,
    RequestRejected,
    TokenRejected,
)
from alphaforge.market.oanda.access import OandaAccess

_LONGEST = 200
WAIT = "AlphaForge keeps trying; nothing is decided on old data meanwhile."


class Garbled(MalformedAnswer):
    """Not JSON at all, as when something broke on the way: worth asking again."""


class _Refusal(msgspec.Struct):
    errorMessage: str = ""  # noqa: N815 - OANDA's spelling


def failure_of_status(status: int, body: bytes, access: OandaAccess, what: str) -> MarketError:
    """The error that an answer other than 200 stands for; `what` was asked, in plain words."""
    if status == httpx2.codes.UNAUTHORIZED:
        return TokenRejected(
            f"OANDA does not accept the token in the {access.environment} environment",
            advice=f"It was revoked, copied wrong, or belongs to the {access.other_environment} environment, "
            "whose tokens are refused in the same way. Check OANDA_API_KEY and OANDA_ENVIRONMENT.",
        )
    if status == httpx2.codes.FORBIDDEN:
        return AccessDenied(
            f"OANDA refuses {what}: the token may not do this",
            advice="Check that OANDA_ACCOUNT_ID belongs to the token, or leave it out.",
        )
    if status == httpx2.codes.TOO_MANY_REQUESTS:
        return RateLimited(
            "OANDA says that there are too many requests",
            advice="Does another program use the same internet address? AlphaForge keeps below the limit.",
        )
    if httpx2.codes.is_server_error(status):
        return MarketUnavailable(f"OANDA answered {what} with an error of its own ({status})", advice=WAIT)
    if httpx2.codes.is_client_error(status):
        said = cleaned(_error_message(body), access.token)
        return RequestRejected(f"OANDA rejects {what} ({status})" + (f": {said}" if said else ""))
    return MalformedAnswer(
        f"OANDA answered {what} with status {status}", advice="Check OANDA_API_URL: is that OANDA's address?"
    )


def failure_of_transport(error: httpx2.TransportError | httpx2.DecodingError, what: str) -> MarketUnavailable:
    """The error that no answer, or half of one, stands for."""
    if isinstance(error, httpx2.ConnectTimeout | httpx2.ConnectError):
        reason = "OANDA cannot be reached"
    elif isinstance(error, httpx2.TimeoutException):
        reason = f"OANDA did not answer {what} in time"
    else:
        reason = f"The connection to OANDA broke during {what}"
    return MarketUnavailable(reason, advice=WAIT)


def cleaned(message: str, token: str) -> str:
    """A message of the broker in one short line, without markup, control characters or the token."""
    if "<" in message and ">" in message:
        return ""
    line = re.sub(r"\s+", " ", "".join(c if c.isprintable() else " " for c in message)).strip()
    return line.replace(token, "[token]")[:_LONGEST]


def _error_message(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_Refusal).errorMessage
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""  # a gateway's page: the status says enough
