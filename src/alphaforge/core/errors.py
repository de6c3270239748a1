"""Every error that AlphaForge raises on purpose.

    AlphaForgeError
    ├── InvalidInput            what was asked cannot be meant          (HTTP 422 or 400)
    │   ├── UnknownInstrument
    │   ├── InvalidCandle
    │   ├── InvalidRows         some of many: none was taken
    │   └── InvalidSetting
    │       └── Contradiction   settings that are possible each, but not together
    ├── NotFound                no such row                             (404)
    ├── Conflict                it contradicts what is stored           (409)
    ├── NotOffered              known, but not offered by this version  (501)
    ├── NoData                  the truth is not known at present       (503)
    ├── NotDelivered            an alert that its receiver did not take (502)
    ├── MarketError             the broker's side                       (502, 503)
    │   ├── TokenRejected           401: wrong, revoked or of another environment
    │   ├── AccessDenied            403: the token may not use this account
    │   ├── RequestRejected         400, 404, 405: the broker names what was wrong
    │   ├── RateLimited             429 that outlasted the retries
    │   ├── MarketUnavailable       5xx, resets, timeouts, open circuit
    │   └── MalformedAnswer         an answer that is not what OANDA documents
    └── StorageError            the database                            (503)
        ├── DatabaseBusy            pool exhausted; try again
        ├── DatabaseInUse           a second process on one SQLite file
        ├── DatabaseNewer           written by a newer AlphaForge
        ├── DatabaseForeign         not a database of ours
        └── DatabaseUnwritable      cannot be written

A message says what is wrong; `advice` says what to do about it. Neither carries a secret.
"""

from collections.abc import Mapping, Sequence


class AlphaForgeError(Exception):
    """The root: a message in plain words and, where there is any, advice."""

    def __init__(self, message: str, *, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice


class InvalidInput(AlphaForgeError, ValueError):
    """What was asked cannot be meant."""


class UnknownInstrument(InvalidInput):
    """No instrument is known by this name."""


class InvalidCandle(InvalidInput):
    """A candle that no market can have made."""


class InvalidRows(InvalidInput):
    """Some of many rows cannot be meant, and none was taken.

    `faults` say what is wrong where: {row, loc, msg}, `row` counting from 0 and `loc` the way to the field within it.
    There may be fewer of them than the message counts.
    """

    def __init__(self, message: str, faults: Sequence[Mapping[str, object]] = (), *, advice: str = "") -> None:
        super().__init__(message, advice=advice)
        self.faults = faults


class InvalidSetting(InvalidInput):
    """A setting with an unknown name or an impossible value."""


class Contradiction(InvalidSetting):
    """Settings that are possible each, but not together."""


class NotFound(AlphaForgeError):
    """No such row."""


class Conflict(AlphaForgeError):
    """The request contradicts what is stored."""


class NotOffered(AlphaForgeError):
    """A known request that this version does not serve."""


class NoData(AlphaForgeError):
    """The truth is not known at present: no price yet, still warming up."""


class NotDelivered(AlphaForgeError):
    """An alert that its receiver refused, or did not answer to."""


class MarketError(AlphaForgeError):
    """The broker refused, failed or answered nonsense."""


class TokenRejected(MarketError):
    """The broker does not accept the token: wrong, revoked, or of the other environment."""


class AccessDenied(MarketError):
    """The token is valid but may not do this."""


class RequestRejected(MarketError):
    """The broker says that the request itself is wrong."""


class RateLimited(MarketError):
    """The broker kept refusing for too many requests."""


class MarketUnavailable(MarketError):
    """The broker cannot be reached or fails."""


class MalformedAnswer(MarketError):
    """The broker's answer is not what its documents promise."""


class StorageError(AlphaForgeError):
    """The database cannot do what was asked."""


class DatabaseBusy(StorageError):
    """No connection became free in time."""


class DatabaseInUse(StorageError):
    """Another process owns this SQLite file."""


class DatabaseNewer(StorageError):
    """A newer AlphaForge wrote this database."""


class DatabaseForeign(StorageError):
    """This database is not one of ours."""


class DatabaseUnwritable(StorageError):
    """The database or its folder cannot be written."""
