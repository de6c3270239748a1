"""The process itself: how it starts, answers, refuses a second one, and ends."""

import http.client
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import ask as answer_of
from processes import until

from alphaforge.settings import Settings
from servers import free_port

CANARY = "c4nary-key-nobody-may-see"


def environment(**settings: str) -> dict[str, str]:
    """This machine's, without its settings of AlphaForge."""
    names = {name.upper() for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name not in names} | settings


@contextmanager
def serving(folder: Path, *arguments: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
    """A server that has said that it serves."""
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "alphaforge", "serve", *arguments],
        cwd=folder,
        env=environment(LOG_FORMAT="json", **settings),
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = []
        for line in process.stderr:
            said.append(line)
            if '"serving"' in line:
                break
        else:
            pytest.fail("".join(said))
        yield process
    finally:
        process.kill()
        process.communicate()


def ask(port: int, path: str, **headers: str) -> tuple[int, object]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    body = json.loads(answer.read())
    connection.close()
    return answer.status, body


def run(folder: Path, *arguments: str, **settings: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(  # noqa: S603 - our own program
        [sys.executable, "-m", "alphaforge", *arguments],
        cwd=folder,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize("ending", [signal.SIGINT, signal.SIGTERM])
def test_it_answers_and_ends_in_order_when_asked_to(tmp_path: Path, ending: signal.Signals) -> None:
    port = free_port()
    with serving(tmp_path, "--port", str(port)) as process:
        assert ask(port, "/health/live") == (200, {"status": "alive"})
        status, body = ask(port, "/api/signals")
        assert status == 200
        assert body
        process.send_signal(ending)
        _, said = process.communicate(timeout=30)
        assert process.returncode == 0
        assert "Traceback" not in said
    assert (tmp_path / "trading_signals.db").exists()


def test_it_measures_what_it_answers_from_memory_and_otherwise(tmp_path: Path) -> None:
    port, settings = free_port(), {"BACKGROUND_TASKS": "false", "SLOW_REQUEST_MS": "0.001"}
    with serving(tmp_path, "--port", str(port), **settings) as process:
        for _ in range(5):
            ask(port, "/api/signals")
        _, body = ask(port, "/api/metrics")
        assert isinstance(body, dict)
        told = {name: family["samples"] for name, family in body["metrics"].items()}
        counts = {sample["labels"]["cache"]: sample["count"] for sample in told["alphaforge_request_seconds"]}
        assert counts == {"miss": 1, "hit": 4}
        assert told["alphaforge_connections_open"][0]["value"] >= 1
        assert told["alphaforge_slow_requests_total"] == [{"labels": {"route": "/api/signals"}, "value": 1}]
        process.send_signal(signal.SIGTERM)
        _, said = process.communicate(timeout=30)
        assert '"event": "slow_request"' in said


def test_it_can_be_ended_while_the_desk_is_still_loading(tmp_path: Path) -> None:
    port = free_port()
    process = subprocess.Popen(  # noqa: S603 - our own program
        [sys.executable, "-m", "alphaforge", "serve", "--port", str(port)],
        cwd=tmp_path,
        env=environment(),
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        until(lambda: answer_of(f"http://127.0.0.1:{port}/health/live") == {"status": "alive"}, "it answers")
        process.terminate()
        _, said = process.communicate(timeout=30)
    finally:
        process.kill()
    assert process.returncode == 0
    assert "Traceback" not in said


def test_commands_read_beside_it_and_a_second_server_is_refused(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, PORT=str(port), BACKGROUND_TASKS="false") as process:  # else a signal may be there already
        listed = run(tmp_path, "signals", "list", "--json")
        assert json.loads(listed.stdout) == {"signals": [], "total": 0}
        doctor = json.loads(run(tmp_path, "doctor", "--json", PORT=str(port)).stdout)
        assert f"AlphaForge is running on 127.0.0.1:{port}" in {check["found"] for check in doctor["checks"]}
        second = run(tmp_path, "serve", "--port", str(free_port()))
        assert second.returncode == 4
        assert f"in use by process {process.pid}" in second.stderr


def test_the_key_is_asked_for_and_never_logged(tmp_path: Path) -> None:
    port = free_port()
    with serving(tmp_path, PORT=str(port), API_KEY=CANARY, LOG_LEVEL="DEBUG") as process:
        assert ask(port, "/api/signals")[0] == 401
        assert ask(port, f"/api/signals?token={CANARY}", Authorization=f"Bearer {CANARY}")[0] == 200
        process.send_signal(signal.SIGINT)
        _, said = process.communicate(timeout=30)
        assert "request" in said
        assert CANARY not in said


def test_help_loads_nothing_that_only_a_command_needs() -> None:
    slow = (
        "{'numpy', 'sqlalchemy', 'fastapi', 'starlette', 'pydantic', 'httpx2', 'talib', 'uvicorn', 'rich', 'msgspec'}"
    )
    code = f"import sys; from alphaforge.cli.app import app; print(sorted({slow} & set(sys.modules)))"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert loaded.stdout.strip() == "[]"


def test_the_server_loads_nothing_that_it_does_not_use() -> None:
    unused = (
        "{'alembic', 'asyncpg', 'numpy.ma', 'numpy.random', 'pandas', 'polars', 'pydantic.v1', 'pydoc',"
        " 'redis', 'rich', 'sqlalchemy.ext.asyncio', 'sqlalchemy.orm', 'unittest'}"
    )
    code = (
        "import sys; from alphaforge.cli.serve import _load_structlog_alone; _load_structlog_alone();"
        f" from alphaforge.asgi import _load; _load(); print(sorted({unused} & set(sys.modules)))"
    )
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603 - ours
    assert loaded.stdout.strip() == "[]"
