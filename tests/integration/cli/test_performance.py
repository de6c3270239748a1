"""`alphaforge performance` against servers that run, that refuse, and that are not there."""

import os
import pty
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from alphaforge.api.services import ApiOptions
from alphaforge.cli.asking import Server
from alphaforge.cli.performance import Seen, look, look_again
from alphaforge.telemetry.minutes import CONNECTIONS, minute_of
from alphaforge.telemetry.slow import Slow, SlowLog
from command_line import Run
from measured import FakeMeasurements, snapshot
from measured_server import measured_server
from servers import free_port

KEY = "c4nary-key-nobody-may-see"
HIT = ("GET", "/api/signals", "200", "hit")


def measurements(seconds: float = 0.0002, *, at_once: int = 1_000) -> FakeMeasurements:
    """A hundred answers from memory in this minute, each of which took so long."""
    at = int(time.time()) // 60 * 60
    return FakeMeasurements([minute_of(snapshot({HIT: [seconds] * 100}), None, {CONNECTIONS: at_once}, at)])


def test_targets_stand_beside_what_was_measured(run: Run, database: Path) -> None:
    slow = SlowLog()
    slow.add(Slow(time.time(), "query", "signals.page", 0.25))
    with measured_server(database, measurements(), slow) as url:
        answer = run("performance", "--once", "--url", url)
    assert (answer.code, answer.err) == (0, "")
    lines = {line.split("  ")[0]: line.rstrip() for line in answer.out.splitlines()}
    assert "p99 0.199 ms" in lines["answers from memory"]
    assert "<= 1 ms" in lines["answers from memory"]
    assert lines["answers from memory"].endswith("met")
    assert "nothing measured" in lines["database statements"]
    assert "100 %" in lines["cache hit rate"]
    assert "/api/journal/statistics" in answer.out
    assert "query signals.page" in answer.out
    assert "Requests a second" in answer.out


def test_a_target_that_is_missed_is_code_1(run: Run, database: Path) -> None:
    with measured_server(database, measurements(0.002)) as url:
        answer = run("performance", "--once", "--url", url)
        as_json = run("performance", "--json", "--url", url)
    assert answer.code == as_json.code == 1
    assert "missed" in answer.out


def test_programs_get_one_document_with_everything(run: Run, database: Path) -> None:
    given = measurements()
    slow = SlowLog()
    slow.add(Slow(0, "query", "signals.page", 0.25))
    with measured_server(database, given, slow) as url:
        said = run("performance", "--json", "--window", 60, "--url", url).json
    assert (said["url"], said["window_seconds"], said["processes"]) == (url, 60, 1)
    assert {one["name"]: one["status"] for one in said["indicators"]}["response_time_cached"] == "met"
    assert [one["requests"] for one in said["history"]] == [100]
    assert [one["name"] for one in said["slow"]] == ["signals.page"]


def test_the_server_of_the_settings_is_asked_with_their_key(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with measured_server(database, measurements(), options=ApiOptions(api_key=KEY)) as url:
        monkeypatch.setenv("HOST", "0.0.0.0")  # noqa: S104 - asked on this machine
        monkeypatch.setenv("PORT", url.rpartition(":")[2])
        monkeypatch.setenv("API_KEY", KEY)
        answer = run("performance", "--once")
        as_json = run("performance", "--json")
    assert (answer.code, as_json.code) == (0, 0)
    assert as_json.json["url"] == url
    assert KEY not in answer.out + answer.err + as_json.out + as_json.err


@pytest.mark.parametrize(("key", "words"), [(None, "wants an API_KEY"), ("another", "does not accept this API_KEY")])
def test_a_key_that_is_missing_or_wrong_is_a_matter_of_settings(
    run: Run, database: Path, monkeypatch: pytest.MonkeyPatch, key: str | None, words: str
) -> None:
    if key:
        monkeypatch.setenv("API_KEY", key)
    with measured_server(database, measurements(), options=ApiOptions(api_key=KEY)) as url:
        answer = run("performance", "--url", url)
    assert answer.code == 2
    assert words in answer.err
    assert "started with" in answer.err
    assert "another" not in answer.err


@pytest.mark.parametrize("key", ["schlüssel", "two\nlines"])
def test_a_key_that_no_request_can_carry_is_said(run: Run, monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("API_KEY", key)
    answer = run("performance")
    assert answer.code == 2
    assert "API_KEY has characters" in answer.err
    assert key not in answer.err


def test_nobody_on_that_port_is_said_with_what_to_do(run: Run) -> None:
    url = f"http://127.0.0.1:{free_port()}"
    answer = run("performance", "--url", url)
    assert answer.code == 1
    assert f"No server answers at {url}: Connection refused" in answer.err
    assert "alphaforge serve" in answer.err
    assert run("performance", "--json", "--url", url).json["error"]["kind"] == "NoData"


def test_a_server_that_measures_nothing_names_the_setting(run: Run, database: Path) -> None:
    with measured_server(database, None) as url:
        answer = run("performance", "--url", url)
    assert answer.code == 1
    assert "ENABLE_METRICS" in answer.err


@pytest.mark.parametrize(
    "url",
    ["127.0.0.1:5000", "ftp://127.0.0.1", "http://", "http://me:secret@127.0.0.1", "http://127.0.0.1:x", "http://[::1"],
)
def test_what_is_no_address_is_wrong_use(run: Run, url: str) -> None:
    answer = run("performance", "--url", url)
    assert answer.code == 2
    assert "--url http://127.0.0.1:5000" in answer.err
    assert "secret" not in answer.err


def test_a_port_that_nobody_knows_is_asked_for(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "0")
    answer = run("performance")
    assert answer.code == 2
    assert "--url" in answer.err


@contextmanager
def stranger(status: int, body: bytes, location: str = "") -> Iterator[tuple[str, list[str]]]:
    """A server that is no AlphaForge, and what keys it was sent."""
    keys: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("X-API-Key", ""))
            self.send_response(status)
            self.send_header("Location", location)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", keys
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("status", "body"), [(200, b"<html>"), (200, b"[]"), (404, b"nothing"), (500, b"\xff"), (302, b"")]
)
def test_another_program_is_not_taken_for_a_server(run: Run, status: int, body: bytes) -> None:
    with stranger(status, body) as (url, _):
        answer = run("performance", "--url", url)
    assert answer.code == 1
    assert f"What answers at {url} is no AlphaForge" in answer.err


def test_the_key_is_for_the_server_that_was_asked(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("API_KEY", KEY)
    with stranger(200, b"{}") as (other, others), stranger(302, b"", f"{other}/api/performance") as (url, keys):
        assert run("performance", "--url", url).code == 1
    assert keys == [KEY]
    assert others == []


def test_it_goes_on_when_the_server_does(database: Path) -> None:
    port = free_port()
    server = Server(f"http://127.0.0.1:{port}")
    with measured_server(database, measurements(), port=port):
        seen = look(server, 900, Seen(server.url))
    gone = look_again(server, 900, look_again(server, 900, seen, 1_000.0), 1_002.0)
    assert "No server answers" in str(gone.trouble)
    assert (gone.trouble_since, gone.figures, gone.points) == (1_000.0, seen.figures, seen.points)
    with measured_server(database, measurements(0.002), port=port):
        back = look_again(server, 900, gone, 1_004.0)
    assert (back.trouble, back.trouble_since) == (None, None)
    assert back.figures["indicators"][0]["status"] == "missed"


def test_the_last_hour_is_not_asked_for_at_every_look(database: Path) -> None:
    given = measurements()
    with measured_server(database, given) as url:
        seen = Seen(url)
        for _ in range(11):
            seen = look(Server(url), 900, seen)
    assert len(given.asked) == 11 + 2
    assert [point["requests"] for point in seen.points] == [100]


def test_ctrl_c_ends_the_view_in_order(database: Path) -> None:
    with measured_server(database, measurements()) as url:
        master, slave = pty.openpty()
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-m", "alphaforge", "performance", "--url", url],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "80", "LINES": "40"},
        )
        os.close(slave)
        try:
            shown = _until(master, b"Requests a second")
            process.send_signal(signal.SIGINT)
            rest = _until(master, None)
            assert process.wait(20) == 0
        finally:
            process.kill()
            process.wait()
            os.close(master)
    assert b"answers from memory" in shown
    assert rest.rstrip().endswith((b"\x1b[?25h", b"\x1b[?1049l")), "the cursor and the screen are given back"
    assert b"Traceback" not in shown + rest


def _until(terminal: int, text: bytes | None) -> bytes:
    """What a terminal is told up to a text, or until nobody holds it any more."""
    told = b""
    while text is None or text not in told:
        try:
            more = os.read(terminal, 4096)
        except OSError:  # Linux's word for a terminal that nobody holds
            more = b""
        if not more:
            assert text is None, told
            break
        told += more
    return told
