"""The servers that are measured: AlphaForge, the bare one, and the reference. Each has a core of its own."""

import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from benchmarks.bare import Answer
from benchmarks.machine import client_core, pin, server_core

sys.path += [str(Path(__file__).parents[1] / "tests" / "e2e"), str(Path(__file__).parents[1] / "tests")]
from processes import Server, ask, free_port, sandbox, server, until

from servers import postgres_server

__all__ = [
    "WEEKDAY",
    "Server",
    "alphaforge",
    "answer_of",
    "ask",
    "bare",
    "desk_alone",
    "desk_processes",
    "even_market",
    "port_of",
    "postgres_server",
    "reference",
    "sandbox",
    "until",
]

WEEKDAY = ["--from", "2025-07-08T09:00:00Z"]
"""A sandbox whose market is open."""

_ROOT = Path(__file__).parents[1]
_USUAL = {"RATE_LIMIT_PER_MINUTE": "1000000000", "MAX_PAGE_SIZE": "500", "LOG_LEVEL": "INFO"}


@contextmanager
def alphaforge(
    folder: Path,
    database: Path | None = None,
    market: str | None = None,
    *,
    log: bool = True,
    **environment: str,
) -> Iterator[Server]:
    """AlphaForge over a copy of `database`, with its limits, metrics and logs on; nobody reaches the limit."""
    folder.mkdir(parents=True, exist_ok=True)
    if database is not None:
        shutil.copyfile(database, folder / "desk.db")
    if not log:
        (folder / "server.log").symlink_to("/dev/null")
    with server(folder, market, until_ready=True, **(_USUAL | environment)) as running:
        pin(running.process.pid, server_core())
        yield running


@contextmanager
def desk_alone(folder: Path, database: Path, *, log: bool = True, **environment: str) -> Iterator[Server]:
    """AlphaForge with its market elsewhere, as OANDA is: in the same process a sandbox would cost a tenth of a core."""
    folder.mkdir(parents=True, exist_ok=True)
    with sandbox(folder, WEEKDAY) as market, alphaforge(folder, database, market, log=log, **environment) as running:
        yield running


@contextmanager
def desk_processes(folder: Path, database: str, market: str, workers: int) -> Iterator[Server]:
    """AlphaForge as so many processes over a PostgreSQL, on whichever cores there are."""
    folder.mkdir()
    settings = {"DATABASE_URL": database, "WORKERS": str(workers), "BACKGROUND_TASKS": "false"}
    with server(folder, market, until_ready=True, **(_USUAL | settings)) as running:
        until(lambda: workers == 1 or "all_serving" in (folder / "server.log").read_text(), "all serve")
        yield running


@contextmanager
def bare(folder: Path, answer: Answer) -> Iterator[Server]:
    """An ASGI app that sends this answer."""
    path = folder / "answer"
    path.write_bytes(msgspec.msgpack.encode(answer))
    port = free_port()
    with _python(["benchmarks.bare", str(path), str(port)], port, folder) as running:
        yield running


@contextmanager
def reference(folder: Path, database: Path, market: str | None = None) -> Iterator[Server]:
    """The plain reference implementation over a copy of `database`."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(database, folder / "reference.db")
    port = free_port()
    with _python(["benchmarks.reference", str(folder / "reference.db"), str(port), market or ""], port, folder) as one:
        yield one


@contextmanager
def even_market(folder: Path, speed: float) -> Iterator[str]:
    """A market whose prices come one by one; its address."""
    port = free_port()
    with _python(["benchmarks.even_market", str(port), str(speed)], port, folder) as running:
        pin(running.process.pid, client_core())
        yield running.url


@contextmanager
def _python(module: list[str], port: int, folder: Path) -> Iterator[Server]:
    with (folder / "reference.log").open("ab") as log:
        process = subprocess.Popen([sys.executable, "-m", *module], stdout=log, stderr=log, cwd=_ROOT)
    running = Server(f"http://127.0.0.1:{port}", process)
    try:
        until(lambda: _listens(port), "it listens", process)
        pin(process.pid, server_core())
        yield running
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    try:
        answer_of(port, "/")
    except (OSError, HTTPException):
        return False
    return True


def port_of(running: Server) -> int:
    """Where it listens."""
    port = urlsplit(running.url).port
    assert port is not None
    return port


def answer_of(port: int, path: str, headers: Mapping[str, str] | None = None) -> Answer:
    """What a server answers, without what the server beneath it writes itself."""
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    connection.request("GET", path, headers={"Host": "localhost", "Accept-Encoding": "identity", **(headers or {})})
    response = connection.getresponse()
    body = response.read()
    given = [(name.lower(), value) for name, value in response.getheaders()]
    connection.close()
    kept = [(name.encode(), value.encode("latin-1")) for name, value in given if name != "date"]
    return Answer(response.status, kept, body)
