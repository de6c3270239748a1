"""Fixtures of every room: real databases and servers, each test with its own."""

import asyncio
import gc
import os
import shutil
import signal
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from itertools import count, groupby
from pathlib import Path
from typing import Any

import asyncpg
import pytest
import structlog
from hypothesis import settings

from alphaforge.storage.engine import Database
from servers import Unavailable, postgres_server, valkey_server

EmptyDatabase = Callable[[pytest.FixtureRequest, Path], AbstractContextManager[str]]

_numbers = count(1)

# by itself structlog draws the locals of every frame, which takes a quarter of a minute for a 500
structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.dev.ConsoleRenderer(colors=False, exception_formatter=structlog.dev.plain_traceback),
    ]
)


_enum_of = signal._int_to_enum  # type: ignore[attr-defined] - private, and its meaning stays what it was
signal._int_to_enum = lambda value, kind: _enum_of(value, kind) if isinstance(value, int) else value  # type: ignore[attr-defined]
"""After each run of a loop asyncio asks for the handler of SIGINT, and `signal` asks an enumeration whether that is one
of its members: the refusal writes the handler out, with the task and all that its result refers to. Whole markets with
every candle were printed so after each asynchronous fixture, for nobody: a second each time."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Deal the end-to-end tests out among the others: together they are minutes, most of which they wait.

    Each process of xdist begins with a piece of the list. Modules stay whole, for the sake of what their tests share.
    """
    long = [item for item in items if _LONG in item.path.parents]
    rest = [list(module) for _, module in groupby((one for one in items if one not in long), lambda item: item.path)]
    each, passed, items[:] = sum(map(len, rest)) / (len(long) or 1), 0, []
    for module in rest:
        while long and len(items) - passed >= passed * each:
            items.append(long.pop(0))
            passed += 1
        items += module
    items += long


_LONG = Path(__file__).with_name("e2e")


settings.register_profile("untimed", deadline=None)  # how long an example takes says how busy the machine is
settings.load_profile("untimed")

gc.disable()  # until all is collected


def pytest_collection_finish() -> None:
    """What was imported and collected stays to the end: each full search for rubbish went through all of it."""
    gc.collect()
    gc.freeze()
    gc.enable()


def run_apart(work: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine in a thread with a loop of its own: fixtures serve tests with and without a loop."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """A PostgreSQL server: the URL of its maintenance database, for a user who may create databases."""
    given = os.environ.get("ALPHAFORGE_TEST_POSTGRES_URL")
    if given:
        yield given
        return
    try:
        with postgres_server(in_memory=True) as url:
            yield url
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    """A Valkey (Redis) server."""
    given = os.environ.get("ALPHAFORGE_TEST_REDIS_URL")
    if given:
        yield given
        return
    try:
        with valkey_server() as url:
            yield url
    except Unavailable as reason:
        pytest.skip(str(reason))


async def _on_server(url: str, *statements: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()


def _new_database(server: str, template: str = "template0") -> str:
    name = f"alphaforge_test_{os.getpid()}_{next(_numbers)}"
    run_apart(_on_server(server, f"CREATE DATABASE {name} TEMPLATE {template}"))
    return f"{server.rpartition('/')[0]}/{name}"


def _drop_database(server: str, url: str) -> None:
    run_apart(_on_server(server, f"DROP DATABASE {url.rpartition('/')[2]} WITH (FORCE)"))


@pytest.fixture
def postgres_database(postgres_url: str) -> Iterator[str]:
    """The URL of an empty PostgreSQL database of the test's own."""
    url = _new_database(postgres_url)
    yield url
    _drop_database(postgres_url, url)


@pytest.fixture
def sqlite_database(tmp_path: Path) -> str:
    """The URL of a SQLite file that does not exist yet."""
    return f"sqlite:///{tmp_path / 'alphaforge.db'}"


async def _created(url: str) -> None:
    await (await Database.open(url)).close()


@pytest.fixture(scope="session")
def _postgres_template(postgres_url: str) -> Iterator[str]:
    """A database with our tables, to copy: creating them takes longer."""
    url = _new_database(postgres_url)
    run_apart(_created(url))
    yield url.rpartition("/")[2]
    _drop_database(postgres_url, url)


@pytest.fixture(scope="session")
def _sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("template") / "alphaforge.db"
    run_apart(_created(f"sqlite:///{path}"))
    return path


@pytest.fixture(params=["sqlite", "postgresql"])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a database with our tables and nothing in them: SQLite, then PostgreSQL."""
    with _empty_database(request, tmp_path) as url:
        yield url


@pytest.fixture(scope="session")
def empty_database() -> EmptyDatabase:
    """Makes a database for whoever wants it for longer than a test: of his fixture's request, in a folder of his."""
    return _empty_database


@contextmanager
def _empty_database(request: pytest.FixtureRequest, folder: Path) -> Iterator[str]:
    """A database with our tables and nothing in them, of the kind that the fixture's parameter says."""
    if request.param == "sqlite":
        path = folder / "alphaforge.db"
        shutil.copyfile(request.getfixturevalue("_sqlite_template"), path)
        yield f"sqlite:///{path}"
        return
    server = request.getfixturevalue("postgres_url")
    url = _new_database(server, request.getfixturevalue("_postgres_template"))
    yield url
    _drop_database(server, url)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    """An open database: SQLite, then PostgreSQL."""
    opened = await Database.open(database_url)
    yield opened
    await opened.close()
