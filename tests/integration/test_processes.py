"""Watching server processes: real ones, but so small that they begin in no time. The real server: tests/e2e."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from processes import until

from servers import free_port

SMALL = """
import os, select, signal, socket, sys
listener, line = (socket.socket(fileno=int(one)) for one in os.environ["ALPHAFORGE_SEAT"].split(","))
folder = sys.argv[1]
number = len(os.listdir(folder))
open(f"{folder}/{os.getpid()}", "w").close()
exec(open(f"{folder}.plan").read())
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
line.send(b".")
while True:
    ready, _, _ = select.select([listener, line], [], [])
    if line in ready:
        sys.exit(0)
    client, _ = listener.accept()
    client.sendall(b"%d" % os.getpid())
    client.close()
"""
"""Answers every client with the number of its process. `plan` is what it does first; `number` counts those before."""

WATCH = """
import sys
from alphaforge.processes import serve_with
from alphaforge.telemetry.logs import configure_logs
configure_logs("json")
sys.exit(serve_with(2, [sys.executable, "-S", "-c", sys.argv[1], sys.argv[2]], "127.0.0.1", int(sys.argv[3])))
"""


class Watched:
    """The one that watches, its log, and those that it began."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, port: int) -> None:
        self.process = process
        self.folder = folder
        self.port = port

    def plan(self, text: str) -> None:
        """What those that are begun from now on do first."""
        self.folder.with_suffix(".plan").write_text(text)

    def begun(self) -> set[int]:
        return {int(one.name) for one in self.folder.iterdir()}

    def living(self) -> set[int]:
        return {one for one in self.begun() if is_there(one)}

    def said(self, event: str) -> list[dict[str, object]]:
        lines = self.folder.with_suffix(".log").read_text().splitlines()
        return [line for line in map(json.loads, lines) if line["event"] == event]

    def answer(self) -> int:
        with socket.create_connection(("127.0.0.1", self.port), timeout=20) as client:
            return int(client.recv(100))

    def until(self, event: str, times: int = 1) -> None:
        until(lambda: len(self.said(event)) >= times, f"{event} is said", self.process)


def is_there(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@contextmanager
def watching(folder: Path, plan: str = "") -> Iterator[Watched]:
    begun = folder / "begun"
    begun.mkdir()
    port = free_port()
    begun.with_suffix(".plan").write_text(plan)
    with begun.with_suffix(".log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603 - our own program
            [sys.executable, "-c", WATCH, SMALL, str(begun), str(port)], stderr=log
        )
    watched = Watched(process, begun, port)
    try:
        yield watched
    finally:
        process.kill()
        process.wait()
        until(lambda: not watched.living(), "whoever was begun has gone")


pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")


def test_both_serve_and_the_one_that_dies_is_begun_again(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        first = watched.living()
        assert len(first) == 2
        until(lambda: {watched.answer() for _ in range(8)} == first, "both answer")
        victim = min(first)
        os.kill(victim, signal.SIGKILL)
        assert {watched.answer() for _ in range(16)} <= watched.begun() - {victim}
        until(lambda: len(watched.living()) == 2, "another took its place")
        (ended,) = watched.said("process_ended")
        assert (ended["process"], ended["signal"], ended["again_in_seconds"]) == (victim, "SIGKILL", 0)


def test_who_dies_again_at_once_waits_and_leaves_its_clients_to_the_others(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        survivor, victim = sorted(watched.living())
        watched.plan("sys.exit(4)")
        os.kill(victim, signal.SIGKILL)
        watched.until("process_ended", 2)
        pauses = [(one.get("exit_code"), one["again_in_seconds"]) for one in watched.said("process_ended")]
        assert pauses == [(None, 0), (4, 1)]
        assert {watched.answer() for _ in range(32)} == {survivor}
        watched.plan("")
        watched.process.send_signal(signal.SIGHUP)  # what was wrong is mended: no need to wait
        until(lambda: survivor not in watched.living() and len(watched.living()) == 2, "all are new")


def test_where_the_first_cannot_serve_all_ends_with_its_exit_code_and_no_second_is_begun(tmp_path: Path) -> None:
    with watching(tmp_path, "sys.exit(4)") as watched:
        assert watched.process.wait(20) == 4
        assert len(watched.begun()) == 1
        assert watched.said("process_cannot_serve")


def test_on_sighup_each_is_replaced_after_its_replacement_serves(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        first = watched.living()
        watched.process.send_signal(signal.SIGHUP)
        watched.until("replaced", 2)
        assert len(watched.begun()) == 4
        assert watched.living() == watched.begun() - first
        assert {watched.answer() for _ in range(16)} <= watched.living()
        assert not watched.said("process_ended")


def test_a_replacement_that_cannot_serve_leaves_everybody_in_place(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        first = watched.living()
        watched.plan("sys.exit(2)")
        watched.process.send_signal(signal.SIGHUP)
        watched.until("not_replaced")
        assert watched.said("not_replaced")[0]["exit_code"] == 2
        assert watched.living() == first
        assert len(watched.begun()) == 3


@pytest.mark.parametrize("ending", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_to_end_ends_all(tmp_path: Path, ending: signal.Signals) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        watched.process.send_signal(ending)
        assert watched.process.wait(20) == 0
        assert not watched.living()


def test_it_can_be_ended_while_the_first_is_still_loading(tmp_path: Path) -> None:
    with watching(tmp_path, "signal.pause()") as watched:
        until(lambda: bool(watched.begun()), "one was begun")
        watched.process.terminate()
        assert watched.process.wait(20) == 0
        assert not watched.living()


def test_nobody_stays_when_the_one_that_watches_is_killed(tmp_path: Path) -> None:
    with watching(tmp_path) as watched:
        watched.until("all_serving")
        watched.process.kill()
        until(lambda: not watched.living(), "all have gone")


ON_A_TERMINAL = """
import os, pty, sys
process, terminal = pty.fork()
if process == 0:
    os.execv(sys.executable, [sys.executable, "-c", *sys.argv[1:]])
sys.stdin.readline()
os.close(terminal)
sys.exit(os.waitstatus_to_exitcode(os.waitpid(process, 0)[1]))
"""
"""Runs a program on a terminal of its own, which goes away when a line comes in; ends as the program does."""


def test_a_terminal_that_goes_away_ends_all_and_replaces_nobody(tmp_path: Path) -> None:
    begun = tmp_path / "begun"
    begun.mkdir()
    begun.with_suffix(".plan").write_text("")
    port = free_port()
    command = [sys.executable, "-c", ON_A_TERMINAL, WATCH, SMALL, str(begun), str(port)]
    with subprocess.Popen(command, stdin=subprocess.PIPE) as process:  # noqa: S603 - our own program
        watched = Watched(process, begun, port)
        until(lambda: len(watched.begun()) == 2, "both are begun", process)
        until(lambda: bool(watched.answer()), "one answers", process)
        process.communicate(b"\n", timeout=20)
    assert process.returncode in {0, 120}  # Python's own: its last words found no terminal
    assert len(watched.begun()) == 2
    assert not watched.living()
