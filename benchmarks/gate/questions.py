"""What the gate asks, each question with its reference: a bare ASGI app, plain SQL, a fixed piece of numpy's work."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
import numpy as np
from pydantic import SecretStr

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.bootstrap import api_options, open_services
from alphaforge.settings import Settings
from alphaforge.signals.analysis import analyse
from alphaforge.storage.engine import Database
from alphaforge.storage.lists import SIGNAL_COLUMNS
from alphaforge.storage.signals import SignalCriteria, SignalRepository
from alphaforge.storage.totals import counted_statement
from alphaforge.telemetry.request_lines import RequestLines
from benchmarks import hits
from benchmarks.bare import app_of
from benchmarks.evaluation import WINDOW, decided, walk
from benchmarks.gate.pair import Pair, Work
from benchmarks.hits import App, kept
from benchmarks.queries import ask

COMPRESSED = [(b"host", b"localhost"), (b"accept-encoding", b"gzip")]
_AT_ONCE = 50
"""Answers whose lines are written to the log together, as the server does."""

_OPERATIONS, _COPIES = 800, 8
SIGNALS, ENTRIES = 1_000, 2_000
LIST, STATISTICS = "/api/signals?limit=100", "/api/journal/statistics"
_LIST_STATEMENT = f"SELECT {', '.join(SIGNAL_COLUMNS)} FROM trading_signals ORDER BY timestamp DESC, id DESC LIMIT ?"  # noqa: S608 - names of the table


@asynccontextmanager
async def asked(path: Path, nowhere_: IO[str]) -> AsyncIterator[list[Pair]]:
    """All questions, ready to be measured while the block lasts, over the SQLite database at `path`."""
    settings = Settings(
        database_url=SecretStr(f"sqlite:///{path}"),
        oanda_api_key=SecretStr("nobody"),
        oanda_api_url="http://127.0.0.1:9",
        rate_limit_per_minute=10**9,
        background_tasks=False,
    )
    uncached = settings.model_copy(update={"enable_cache": False})
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        app = create_app(services, api_options(settings))
        anew = create_app(services, api_options(uncached))
        plain = sqlite3.connect(path)
        stack.callback(plain.close)
        yield [
            *await _from_memory(app, RequestLines(nowhere_, services.requests)),
            *_from_the_database(services.database, anew, plain),
            *_decisions(),
        ]


async def _from_memory(app: Any, lines: RequestLines) -> list[Pair]:  # noqa: ANN401 - FastAPI's
    first = from_memory_first(app, lines.line)
    answer = await kept(first)
    if answer.header("x-cache") != "hit":
        raise RuntimeError(f"It is not kept: {answer.status}")
    unchanged = [*COMPRESSED, (b"if-none-match", answer.etag.encode())]

    def asking(application: App, headers: list[tuple[bytes, bytes]]) -> Work:
        async def some() -> None:
            await hits.asked(application, _AT_ONCE, headers)
            lines.flush()

        return some

    bare = asking(app_of(answer), COMPRESSED)
    return [
        Pair("kept answer, 200", "bare ASGI app", asking(first, COMPRESSED), bare, 500),
        Pair("kept answer, 304", "bare ASGI app", asking(first, unchanged), bare, 500),
        Pair("kept answer through every layer", "bare ASGI app", asking(app, COMPRESSED), bare, 300),
    ]


def _from_the_database(database: Database, anew: App, plain: sqlite3.Connection) -> list[Pair]:
    async def listed() -> None:
        async with database.read() as connection:
            await SignalRepository(connection).listed(SignalCriteria(), limit=100)

    async def rows() -> list[Any]:
        return plain.execute(_LIST_STATEMENT, (100,)).fetchall()

    async def as_json() -> bytes:
        return msgspec.json.encode([dict(zip(SIGNAL_COLUMNS, row, strict=True)) for row in await rows()])

    async def counted() -> bytes:
        return msgspec.json.encode(plain.execute(counted_statement("sqlite")).fetchone())

    return [
        Pair("query of 100 signals", "plain SQL, rows", listed, rows, 800),
        Pair("list of 100 signals, uncached", "plain SQL to JSON", _get(anew, LIST), as_json, 800),
        Pair("journal statistics, uncached", "plain SQL to JSON", _get(anew, STATISTICS), counted, 800),
    ]


def _get(app: App, path: str) -> Work:
    async def once() -> None:
        if await ask(app, "GET", path) != 200:
            raise RuntimeError(f"GET {path} failed")

    return once


def _decisions() -> list[Pair]:
    """Against small operations of numpy, which follow the interpreter, and copies, which follow the memory."""
    series, few = walk("GBP_USD", WINDOW, 1), np.arange(50.0)

    async def newest() -> None:
        decided(series)

    async def stretch() -> None:
        analyse(series)

    async def plain() -> None:
        for _ in range(_OPERATIONS):
            np.add(few, 1.0) * few
        for _ in range(_COPIES):
            for column in series.columns():
                column.copy()

    against = "numpy and memcpy, fixed"
    return [
        Pair("decision on the newest candle", against, newest, plain, 1_000),
        Pair("analysis of 13,000 candles", against, stretch, plain, 120),
    ]
