"""Sending a crowd to a server."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import msgspec

from benchmarks.clients.tally import Load, Seen

_ROOT = Path(__file__).parents[2]


def request(path: str, headers: Mapping[str, str] | None = None, body: bytes | None = None, method: str = "") -> bytes:
    """A request's bytes. GET, or POST where it has a body, unless `method` says otherwise."""
    method = method or ("GET" if body is None else "POST")
    lines = [f"{method} {path} HTTP/1.1", "host: localhost"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body is not None:
        lines += ["content-type: application/json", f"content-length: {len(body)}"]
    return "\r\n".join([*lines, "", ""]).encode() + (body or b"")


def send(load: Load) -> Seen:
    """What a crowd in a process of its own sees. Raises RuntimeError where it breaks."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.clients"],
        input=msgspec.msgpack.encode(load),
        capture_output=True,
        cwd=_ROOT,
        check=False,
        timeout=load.seconds + load.warm_up + 60,
    )
    if done.returncode:
        raise RuntimeError(f"The clients broke: {done.stderr.decode()[-2000:]}")
    return msgspec.msgpack.decode(done.stdout, type=Seen)
