"""How long do the database's queries take while all sorts of questions and writes come in?

The application in this process, without its cache, asked at a constant rate; each statement is timed where it
is handed to the driver, the way to the connection's thread and back included.
"""

import asyncio
import json
import random
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from sqlalchemy import Engine, event

from alphaforge.api.app import create_app
from alphaforge.bootstrap import api_options, open_services
from alphaforge.settings import Settings
from alphaforge.storage.sqlite_driver import ThreadConnection
from alphaforge.telemetry.logs import configure_logs
from benchmarks.data import filled_database
from benchmarks.report import percentile, show
from benchmarks.soak import ENTRY

RATE = 60
SECONDS = 6.0
WARM_UP = 2.0
MEAN_TARGET, P99_TARGET = 0.002, 0.020
READS = (
    *("/api/signals?limit=100", "/api/signals?limit=50&status=WON", "/api/signals?symbol=GOLD&limit=20"),
    *("/api/signals/17", "/api/signals/statistics", "/api/signals/performance", "/api/signals/pending"),
    *("/api/journal/entries?limit=50", "/api/journal/statistics", "/api/journal/entries/17"),
)
WRITES_OF_TEN = 1


def run() -> None:
    """Print the figures."""
    print(f"Query time, {RATE} uncached requests a second, one in ten a write")
    configure_logs("json", "WARNING")
    with tempfile.TemporaryDirectory() as name:
        path = shutil.copyfile(filled_database(), Path(name) / "filled.db")
        url = f"sqlite:///{path}"
        with timed_statements() as took:
            errors = asyncio.run(_asked(url, took))
    if errors:
        show("errors", str(errors), "none", met=False)
    mean, slow = sum(took) / len(took), percentile(took, 0.99)
    show(f"mean of {len(took):,} statements", f"{mean * 1e3:.2f} ms", "<= 2 ms", met=mean <= MEAN_TARGET)
    show("99th percentile; longest", f"{slow * 1e3:.1f}; {max(took) * 1e3:.1f} ms", "<= 20 ms", met=slow <= P99_TARGET)


@contextmanager
def timed_statements() -> Iterator[list[float]]:
    """The seconds of every statement of every engine."""
    took: list[float] = []

    def before(_connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, _many: Any) -> None:  # noqa: ANN401 - SQLAlchemy's
        context.began = time.perf_counter()

    def after(_connection: Any, _cursor: Any, _statement: Any, _values: Any, context: Any, _many: Any) -> None:  # noqa: ANN401 - the same
        took.append(time.perf_counter() - context.began)

    run = ThreadConnection.run

    async def timed(driver: ThreadConnection, work: Callable[[Any], Any]) -> Any:  # noqa: ANN401 - what the work gives
        if "fetch" not in work.__qualname__:
            return await run(driver, work)  # a cursor's: SQLAlchemy tells of it
        began = time.perf_counter()
        found = await run(driver, work)
        took.append(time.perf_counter() - began)
        return found

    event.listen(Engine, "before_cursor_execute", before)
    event.listen(Engine, "after_cursor_execute", after)
    ThreadConnection.run = timed  # type: ignore[method-assign]  # lists go past SQLAlchemy, page and count together
    try:
        yield took
    finally:
        ThreadConnection.run = run  # type: ignore[method-assign]
        event.remove(Engine, "before_cursor_execute", before)
        event.remove(Engine, "after_cursor_execute", after)


async def _asked(url: str, took: list[float]) -> dict[str, int]:
    """Ask as they fall due, whether or not others were answered; errors by status. The first seconds do not count."""
    settings = Settings(
        database_url=SecretStr(url), enable_cache=False, rate_limit_per_minute=0, background_tasks=False
    )
    dice, errors = random.Random(3), dict[str, int]()
    async with open_services(settings) as services:
        app = create_app(services, api_options(settings))
        async with asyncio.TaskGroup() as group:
            began = time.perf_counter()
            for number in range(int(RATE * (WARM_UP + SECONDS))):
                if number == int(RATE * WARM_UP):
                    took.clear()
                await asyncio.sleep(max(0.0, began + number / RATE - time.perf_counter()))
                group.create_task(_ask(app, dice, errors))
    return errors


async def _ask(app: Any, dice: random.Random, errors: dict[str, int]) -> None:  # noqa: ANN401 - an ASGI application
    if dice.randrange(10) < WRITES_OF_TEN:
        status = await ask(app, "POST", "/api/journal/entries", json.dumps(ENTRY).encode())
    else:
        status = await ask(app, "GET", dice.choice(READS))
    if status != 200:
        errors[str(status)] = errors.get(str(status), 0) + 1


async def ask(app: Any, method: str, target: str, body: bytes = b"") -> int:  # noqa: ANN401 - the same
    """One request without a network; its status."""
    path, _, query = target.partition("?")
    headers = [(b"host", b"localhost"), (b"content-type", b"application/json")]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": headers,
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 5000),
        "root_path": "",
    }
    statuses: list[int] = []

    async def receive() -> dict[str, object]:
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            statuses.append(message["status"])

    await app(scope, receive, send)
    return statuses[0]
