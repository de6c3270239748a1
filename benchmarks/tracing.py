"""What do traces cost an answer from memory: off, and on at 1 %, sent to a collector that is a process of its own?

Over the network as clients have it: the server of this process on its own connections class, one client beside it that
asks without a pause. The processor's time of the server's process for each answer, the thread that sends included,
since wall clocks on a shared machine measure the others. Rounds of both kinds take turns; medians. Beside it what a
span costs where traces are off.
"""

import asyncio
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from pydantic import SecretStr

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.asgi import server_of
from alphaforge.bootstrap import api_options, open_services
from alphaforge.core.memory import settle_down
from alphaforge.listening import listen
from alphaforge.settings import Settings
from alphaforge.telemetry import tracing
from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.request_lines import RequestLines
from benchmarks.data import filled_database
from benchmarks.report import show

ROUNDS = 24
ANSWERS = 20_000
SHARE = 0.01
_SPANS = 200_000

_COLLECTOR = """
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *_):
        pass

server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
print(server.server_port, flush=True)
server.serve_forever()
"""

_CLIENT = """
import socket, sys
port, answers = map(int, sys.argv[1:])
asked = b"GET /api/signals?limit=100 HTTP/1.1\\r\\nhost: localhost\\r\\naccept-encoding: gzip\\r\\n\\r\\n"
with socket.create_connection(("127.0.0.1", port)) as connection:
    def answer():
        connection.sendall(asked)
        got = b""
        while b"\\r\\n\\r\\n" not in got:
            got += connection.recv(65536)
        head, _, body = got.partition(b"\\r\\n\\r\\n")
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\\r\\n")[0])
        while len(body) < length:
            body += connection.recv(65536)
        return head
    answer()
    if b"x-cache: hit" not in answer():
        sys.exit("it is not kept")
    for line in sys.stdin:
        for _ in range(answers):
            answer()
        print(flush=True)
"""


def run(rounds: int = ROUNDS) -> None:
    """Print the figures."""
    print(
        f"A kept list of 100 signals over HTTP, {rounds} rounds of {ANSWERS:,}, traces off and at {SHARE:.0%} in turns"
    )
    with tempfile.TemporaryDirectory() as name, Path("/dev/null").open("w") as nowhere:
        configure_logs("json", "INFO", stream=nowhere)
        path = shutil.copyfile(filled_database(), Path(name) / "filled.db")
        settings = Settings(
            database_url=SecretStr(f"sqlite:///{path}"), rate_limit_per_minute=10**9, background_tasks=False
        )
        with subprocess.Popen([sys.executable, "-c", _COLLECTOR], stdout=subprocess.PIPE, text=True) as collector:
            assert collector.stdout is not None
            try:
                asyncio.run(_measure(settings, RequestLines(nowhere), int(collector.stdout.readline()), rounds))
            finally:
                collector.terminate()


async def _measure(settings: Settings, lines: RequestLines, collector: int, rounds: int) -> None:
    show("a span, off", f"{_off() * 1e9:.0f} ns")
    async with AsyncExitStack() as stack:
        services = await stack.enter_async_context(open_services(settings))
        app = create_app(services, api_options(settings))
        listener = listen("127.0.0.1", 0)
        server = server_of(from_memory_first(app, lines.line))
        serving = asyncio.create_task(server.serve([listener]))
        client = await asyncio.create_subprocess_exec(
            *(sys.executable, "-c", _CLIENT, str(listener.getsockname()[1]), str(ANSWERS)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        took: dict[bool, list[float]] = {False: [], True: []}
        async with tracing.traces(f"http://127.0.0.1:{collector}", {}, SHARE, "benchmark"):
            await _round(client)  # warm, everything loaded
        settle_down()  # as the server does
        for number in range(2 * rounds):
            on = number % 4 in (1, 2)
            endpoint = f"http://127.0.0.1:{collector}" if on else None
            async with tracing.traces(endpoint, {}, SHARE, "benchmark"):
                began = time.process_time()
                await _round(client)
            took[on].append((time.process_time() - began) / ANSWERS * 1e6)
        off, on_ = (statistics.median(took[way]) for way in (False, True))
        show("an answer, off", f"{off:.2f} us", f"quickest {min(took[False]):.2f}")
        show("an answer, 1 %", f"{on_:.2f} us", f"quickest {min(took[True]):.2f}, {on_ / off - 1:+.1%} of the median")
        assert client.stdin is not None
        client.stdin.close()
        await client.wait()
        server.should_exit = True
        await serving


async def _round(client: asyncio.subprocess.Process) -> None:
    assert client.stdin is not None
    assert client.stdout is not None
    client.stdin.write(b"go\n")
    if not await client.stdout.readline():
        raise RuntimeError("The client has ended: see what it said")


def _off() -> float:
    """Seconds of a span where traces are off; the best of five."""
    took = []
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(_SPANS):
            with tracing.span("query", "client"):
                pass
        took.append((time.perf_counter() - began) / _SPANS)
    return min(took)
