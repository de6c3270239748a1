"""What does a kept answer cost, from the server's call to its last byte, without the server and the network?

In this process, the best of many rounds, so that other load on the machine hardly shows. Beside it the bare app, and
the same answer through every layer, where those go whose request was never seen in the same bytes. `--profile 1` says
where the time goes.
"""

import asyncio
import cProfile
import pstats
import shutil
import tempfile
import time
from collections.abc import Awaitable, Callable, MutableMapping
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.bootstrap import api_options, open_services
from alphaforge.settings import Settings
from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.request_lines import RequestLines
from benchmarks.bare import Answer, app_of
from benchmarks.data import filled_database
from benchmarks.report import show

App = Callable[..., Awaitable[None]]
Headers = list[tuple[bytes, bytes]]

ROUNDS = 300
CALLS = 100
"""Short rounds: among many of them some are disturbed by nobody."""

_HEADERS = [(b"host", b"localhost"), (b"accept-encoding", b"gzip")]


def run(profile: int = 0) -> None:
    """Print the figures."""
    print("A kept list of 100 signals, gzip, in process; best of many rounds")
    with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
        configure_logs("json", "INFO", stream=nowhere)
        path = shutil.copyfile(filled_database(), Path(name) / "filled.db")
        settings = Settings(
            database_url=SecretStr(f"sqlite:///{path}"), rate_limit_per_minute=10**9, background_tasks=False
        )
        asyncio.run(_measure(settings, RequestLines(nowhere), profile=bool(profile)))


async def _measure(settings: Settings, lines: RequestLines, *, profile: bool) -> None:
    async with open_services(settings) as services:
        app = create_app(services, api_options(settings))
        first = from_memory_first(app, lines.line)
        answer = await kept(first)
        if answer.header("x-cache") != "hit":
            raise RuntimeError(f"It is not kept: {answer}")
        unchanged = [*_HEADERS, (b"if-none-match", answer.etag.encode())]
        bare = await best(app_of(answer), _HEADERS)
        show("bare app", f"{bare:.1f} us")
        for what, headers in (("200", _HEADERS), ("304", unchanged)):
            took = await best(first, headers, lines.flush)
            show(what, f"{took:.1f} us", f"{took - bare:.1f} us beyond the bare app")
        layered = await best(app, _HEADERS)
        show("200 through every layer", f"{layered:.1f} us")
        if profile:
            await _profiled(first)


async def kept(app: App) -> Answer:
    """What it answers once it has it."""
    sent: list[MutableMapping[str, Any]] = []

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    for _ in range(3):
        await app(_scope(_HEADERS), _receive, send)
    start, body = sent[-2:]
    return Answer(start["status"], [*start["headers"]], body["body"])


async def best(app: App, headers: Headers, afterwards: Callable[[], None] = lambda: None) -> float:
    """Microseconds of one call in the best round, with its part of what is done `afterwards` for all of a round."""
    took = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        await asked(app, CALLS, headers)
        afterwards()
        took.append(time.perf_counter() - began)
    return min(took) / CALLS * 1e6


async def asked(app: App, calls: int, headers: Headers = _HEADERS) -> None:
    """So many questions, one after the other."""
    for _ in range(calls):
        await app(_scope(headers), _receive, _nowhere)


async def _profiled(app: App) -> None:
    profile = cProfile.Profile()
    profile.enable()
    await asked(app, 100 * CALLS)
    profile.disable()
    pstats.Stats(profile).sort_stats("tottime").print_stats(20)


async def _receive() -> dict[str, object]:
    return {"type": "http.request", "body": b"", "more_body": False}


async def _nowhere(_message: MutableMapping[str, Any]) -> None:
    pass


def _scope(headers: Headers) -> dict[str, object]:
    """What uvicorn makes of a request."""
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": "/api/signals",
        "raw_path": b"/api/signals",
        "query_string": b"limit=100",
        "headers": headers,
        "client": ("127.0.0.1", 40_000),
        "server": ("127.0.0.1", 5_000),
        "root_path": "",
    }
