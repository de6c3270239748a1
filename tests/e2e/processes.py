"""Real processes for end-to-end tests: a sandbox, a server, and plain HTTP to both."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import Request, urlopen

NAMES = ("GBP_USD", "XAU_USD", "USD_JPY")
START_SECONDS = 60.0
PROGRAM = ("-m", "alphaforge")


@contextmanager
def sandbox(folder: Path, arguments: list[str]) -> Iterator[str]:
    """A sandbox process; its address."""
    port = free_port()
    with _process(["sandbox", "--port", str(port), *arguments], folder / "sandbox.log", {}) as process:
        url = f"http://127.0.0.1:{port}"
        until(lambda: "now" in ask(f"{url}/sandbox/clock"), "the sandbox answers", process)
        yield url


@contextmanager
def server(
    folder: Path,
    market: str | None,
    *,
    until_ready: bool = True,
    program: tuple[str, ...] = PROGRAM,
    port: int | None = None,
    **environment: str,
) -> Iterator["Server"]:
    """A server process over `market` (None: its own sandbox), ready; its database is `folder`/desk.db.

    `port`: a free one, unless it takes the place of another server.
    """
    port = port or free_port()
    settings = {
        "DATABASE_URL": f"sqlite:///{folder}/desk.db",
        "INSTRUMENTS": ",".join(NAMES),
        "PORT": str(port),
        "RATE_LIMIT_PER_MINUTE": "0",
        **({"OANDA_API_KEY": "sandbox", "OANDA_API_URL": market} if market else {}),
        **environment,
    }
    with _process(["serve"], folder / "server.log", settings, program) as process:
        running = Server(f"http://127.0.0.1:{port}", process)
        if until_ready:
            until(running.is_ready, "the server is ready", process)
        yield running


@contextmanager
def worker(folder: Path, market: str, name: str, **environment: str) -> Iterator[subprocess.Popen[bytes]]:
    """A worker process over `market`; it logs to `folder`/`name`.log."""
    settings = {"INSTRUMENTS": ",".join(NAMES), "OANDA_API_KEY": "sandbox", "OANDA_API_URL": market, **environment}
    with _process(["worker"], folder / f"{name}.log", settings) as process:
        yield process


class Server:
    """A running server."""

    def __init__(self, url: str, process: subprocess.Popen[bytes]) -> None:
        self.url = url
        self.process = process

    def get(self, path: str) -> dict[str, Any]:
        """The JSON answer."""
        return ask(self.url + path)

    def post(self, path: str, body: object = None, **headers: str) -> dict[str, Any]:
        """The JSON answer to a POST."""
        return ask(self.url + path, body if body is not None else {}, **headers)

    def is_ready(self) -> bool:
        """Whether it is."""
        return self.get("/health/ready").get("status") == "ready"

    def kill(self) -> None:
        """SIGKILL, and gone."""
        self.process.kill()
        self.process.wait()


@contextmanager
def _process(
    arguments: list[str], log: Path, settings: dict[str, str], program: tuple[str, ...] = PROGRAM
) -> Iterator[subprocess.Popen[bytes]]:
    foreign = ("OANDA_", "OTEL_", "DATABASE_URL", "REDIS_URL", "API_KEY", "HOST", "PORT", "LOG_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    with log.open("ab") as output:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, *program, *arguments],
            stdout=output,
            stderr=output,
            env=inherited | {"LOG_FORMAT": "json"} | settings,
            cwd=log.parent,
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def ask(url: str, body: object | None = None, **headers: str) -> dict[str, Any]:
    """The JSON answer to a GET, or to a POST of `body`; an error's body too, and `unreachable` without any answer."""
    data = None if body is None else json.dumps(body).encode()
    request = Request(url, data=data, headers={"Content-Type": "application/json"} | headers)  # noqa: S310 - loopback
    try:
        with urlopen(request, timeout=30) as answer:  # noqa: S310 - the same
            return dict(json.load(answer))
    except HTTPError as error:
        return dict(json.load(error))
    except (URLError, ConnectionError, TimeoutError, HTTPException) as error:  # also: killed in mid-answer
        return {"unreachable": str(error)}


def until(claim: Callable[[], bool], what: str, process: subprocess.Popen[bytes] | None = None) -> None:
    """Wait for something to become true; RuntimeError where it does not, or the process ended."""
    deadline = time.monotonic() + START_SECONDS
    while not claim():
        if process is not None and process.poll() is not None:
            raise RuntimeError(f"Waited until {what}, but the process ended with {process.returncode}: see its log")
        if time.monotonic() > deadline:
            raise RuntimeError(f"Waited {START_SECONDS:.0f} s until {what}")
        time.sleep(0.02)


def free_port() -> int:
    """A port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
