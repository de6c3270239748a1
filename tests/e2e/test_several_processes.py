"""Several server processes on one address and one PostgreSQL: what clients ask survives their comings and goings."""

import http.client
import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Self

import pytest
from processes import Server, ask, server, until

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
CLIENTS = 6


def begun_by(process: int) -> list[int]:
    with suppress(FileNotFoundError):
        return [int(one) for one in Path(f"/proc/{process}/task/{process}/children").read_text().split()]
    return []


def log_of(folder: Path) -> str:
    return (folder / "server.log").read_text()


@contextmanager
def two_processes(folder: Path, database: str) -> Iterator[Server]:
    settings = {"DATABASE_URL": database, "WORKERS": "2", "BACKGROUND_TASKS": "false"}
    with server(folder, None, until_ready=False, **settings) as running:
        until(lambda: '"all_serving"' in log_of(folder), "both serve", running.process)
        yield running


class Crowd:
    """Clients that keep their connections and ask without a pause, each question once."""

    def __init__(self, url: str) -> None:
        self.statuses: Counter[object] = Counter()
        self._port = int(url.rpartition(":")[2])
        self._ends = threading.Event()
        self._threads = [threading.Thread(target=self._ask) for _ in range(CLIENTS)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.set()
        for thread in self._threads:
            thread.join()

    def _ask(self) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=30)
        paths = ("/api/signals?limit=5", "/health/live", "/api/journal/statistics")
        while not self._ends.is_set():
            for path in paths:
                try:
                    connection.request("GET", path)
                    answer = connection.getresponse()
                    answer.read()
                    self.statuses[answer.status] += 1
                except (OSError, http.client.HTTPException) as error:
                    self.statuses[repr(error)] += 1
                    connection.close()
        connection.close()


def test_all_are_replaced_under_load_without_a_failed_request_and_one_that_is_killed_is_begun_again(
    tmp_path: Path, postgres_database: str
) -> None:
    with two_processes(tmp_path, postgres_database) as running:
        own = running.process.pid
        first = set(begun_by(own))
        with Crowd(running.url) as crowd:
            until(lambda: crowd.statuses[200] > 50, "the crowd is answered")
            running.process.send_signal(signal.SIGHUP)
            until(lambda: log_of(tmp_path).count('"replaced"') == 2, "both are replaced", running.process)
            before = crowd.statuses[200]
            until(lambda: crowd.statuses[200] > before + 50, "the crowd is answered by the new ones")
        assert set(crowd.statuses) == {200}
        second = set(begun_by(own))
        assert len(second) == 2
        assert not first & second

        os.kill(min(second), signal.SIGKILL)
        for _ in range(8):
            assert "signals" in ask(f"{running.url}/api/signals?limit=5")
        until(lambda: len(set(begun_by(own)) - {min(second)}) == 2, "another took its place", running.process)

        running.process.terminate()
        assert running.process.wait(30) == 0
        assert not any(Path(f"/proc/{one}").exists() for one in (*first, *second))
        assert "Traceback" not in log_of(tmp_path)


def test_no_process_stays_when_the_one_that_watches_is_killed(tmp_path: Path, postgres_database: str) -> None:
    with two_processes(tmp_path, postgres_database) as running:
        family = begun_by(running.process.pid)
        assert len(family) == 2
        running.kill()
        until(lambda: not any(Path(f"/proc/{one}").exists() for one in family), "both have gone")
        assert "unreachable" in ask(f"{running.url}/health/live")


def serve(folder: Path, **settings: str) -> "subprocess.CompletedProcess[str]":
    foreign = ("DATABASE_URL", "API_KEY", "HOST", "OANDA_")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
    return subprocess.run(
        [sys.executable, "-m", "alphaforge", "serve", "--workers", "2", "--port", "0"],
        cwd=folder,
        env=inherited | settings,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_database_that_cannot_be_used_ends_all_and_is_told_once(tmp_path: Path, postgres_url: str) -> None:
    ended = serve(tmp_path, DATABASE_URL=f"{postgres_url.rpartition('/')[0]}/no_such_database")
    assert ended.returncode == 4
    assert ended.stderr.count("There is no such PostgreSQL database\n") == 1


def test_a_sqlite_file_is_refused_with_a_sentence(tmp_path: Path) -> None:
    ended = serve(tmp_path)
    assert ended.returncode == 2
    assert "WORKERS is 2, and a SQLite file belongs to one process" in ended.stderr
    assert not list(tmp_path.iterdir())
