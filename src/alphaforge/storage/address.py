"""DATABASE_URL in every spelling that the predecessor, SQLAlchemy and PostgreSQL's own tools accept."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sqlalchemy import URL, make_url
from sqlalchemy.exc import ArgumentError

from alphaforge.core.errors import InvalidSetting

_ADVICE = "Write sqlite:///./trading_signals.db or postgresql://user:password@host/database."
_LIBPQ_ONLY = frozenset({"channel_binding", "gssencmode", "target_session_attrs"})


@dataclass(frozen=True, slots=True)
class Address:
    """Where the database is. `path` for SQLite, `url` and `connect_args` for PostgreSQL."""

    dialect: str
    for_people: str
    path: Path | None = None
    url: URL | None = None
    connect_args: dict[str, Any] = field(default_factory=dict)


def parse_address(text: str) -> Address:
    """Read a database URL; raises InvalidSetting, which never repeats the URL (it may hold a password)."""
    try:
        url = make_url(text.strip())
    except (ArgumentError, ValueError):
        message = "DATABASE_URL cannot be read"
        raise InvalidSetting(message, advice=_ADVICE) from None
    backend = url.drivername.partition("+")[0]
    if backend == "sqlite":
        return _sqlite(url)
    if backend in {"postgresql", "postgres"}:
        return _postgresql(url)
    message = f"DATABASE_URL names {backend!r}, which is not supported"
    raise InvalidSetting(message, advice=_ADVICE)


def _sqlite(url: URL) -> Address:
    name = url.database or ""
    if name in {"", ":memory:"} or name.startswith("file:"):
        message = "DATABASE_URL must name a SQLite file: what lives in memory is lost with the process"
        raise InvalidSetting(message, advice=_ADVICE)
    # resolved, so that two names of one file meet at one lock
    path = Path(name).expanduser().resolve()
    return Address("sqlite", f"sqlite:///{path}", path=path)


def _postgresql(url: URL) -> Address:
    if not url.database:
        message = "DATABASE_URL names no database"
        raise InvalidSetting(message, advice=_ADVICE)
    query = dict(url.query)
    connect_args: dict[str, Any] = {}
    # the names of libpq, which the predecessor's driver used, in asyncpg's words
    if "sslmode" in query:
        connect_args["ssl"] = query.pop("sslmode")
    if "application_name" in query:
        connect_args["server_settings"] = {"application_name": query.pop("application_name")}
    if "connect_timeout" in query:
        connect_args["timeout"] = float(str(query.pop("connect_timeout")))
    for name in _LIBPQ_ONLY:
        query.pop(name, None)
    plain = url.set(drivername="postgresql+asyncpg", query=query)
    people = url.set(drivername="postgresql", query={}).render_as_string(hide_password=True)
    return Address("postgresql", people, url=plain, connect_args=connect_args)
