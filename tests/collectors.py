"""Collectors of traces for tests: one that understands what it is sent, and some that misbehave."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


@dataclass(frozen=True, slots=True)
class Sent:
    """A span as it came; ids in hexadecimal, `parent` empty for a root, times in epoch seconds.

    `links`: the trace and the step of each other span that it names.
    """

    name: str
    trace: str
    id: str
    parent: str
    kind: int
    attributes: dict[str, Any]
    events: list[tuple[str, dict[str, Any]]]
    links: list[tuple[str, str]]
    failed: bool
    state: str
    began: float
    ended: float
    resource: dict[str, Any]


@dataclass(slots=True)
class Collector:
    """What came, by whom it came from; `headers` of each request."""

    port: int = 0
    spans: list[Sent] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def of(self, trace: str) -> list[Sent]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace == trace]

    def named(self, name: str) -> Sent:
        """The one span of this name."""
        (found,) = [span for span in self.spans if span.name == name]
        return found

    def take(self, body: bytes) -> None:
        self.bodies.append(body)
        asked = ExportTraceServiceRequest.FromString(body)
        for group in asked.resource_spans:
            resource = _values(group.resource.attributes)
            self.spans += [_sent(span, resource) for scope in group.scope_spans for span in scope.spans]


def _sent(span: Any, resource: dict[str, Any]) -> Sent:
    return Sent(
        *(span.name, span.trace_id.hex(), span.span_id.hex(), span.parent_span_id.hex(), span.kind),
        _values(span.attributes),
        [(event.name, _values(event.attributes)) for event in span.events],
        [(link.trace_id.hex(), link.span_id.hex()) for link in span.links],
        span.status.code == 2,
        span.trace_state,
        span.start_time_unix_nano / 1e9,
        span.end_time_unix_nano / 1e9,
        resource,
    )


def _values(attributes: Any) -> dict[str, Any]:
    return {one.key: getattr(one.value, one.value.WhichOneof("value")) for one in attributes}


@contextmanager
def collecting() -> Iterator[Collector]:
    """A collector on the loopback within the block."""
    collector = Collector()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            collector.headers.append({name.lower(): value for name, value in self.headers.items()})
            collector.take(body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

    with _listening(Handler) as collector.port:
        yield collector


@contextmanager
def misbehaving(how: str) -> Iterator[str]:
    """The address of a collector that refuses, hangs, answers 500 or 503, or talks nonsense without an end."""
    ended = threading.Event()

    class Handler(_Quiet):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers["Content-Length"]))
            if how == "hangs":
                ended.wait(30)
                return
            if how == "talks":
                self.wfile.write(b"HTTP/1.1 200 OK\r\n\r\n")
                while not ended.is_set():
                    self.wfile.write(b"x" * 65_536)
                return
            if how == "garbage":
                self.wfile.write(b"\x00\xff nonsense\r\n\r\n")
                return
            self.send_response(int(how))
            self.end_headers()

        def handle(self) -> None:
            with suppress(ConnectionError):  # hung up on
                super().handle()

    with _listening(Handler) as port:
        if how != "refuses":
            yield f"http://127.0.0.1:{port}"
    if how == "refuses":
        yield f"http://127.0.0.1:{port}"
    ended.set()


class _Quiet(BaseHTTPRequestHandler):
    def log_message(self, *_: object) -> None:
        """Say nothing."""


@contextmanager
def _listening(handler: type[BaseHTTPRequestHandler]) -> Iterator[int]:
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as listener:
        listener.daemon_threads = True
        listener.block_on_close = False
        threading.Thread(target=listener.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
        yield listener.server_port
        listener.shutdown()


@contextmanager
def receiving() -> Iterator[tuple[int, list[dict[str, Any]]]]:
    """A receiver of webhooks: its port, and what came."""
    got: list[dict[str, Any]] = []

    class Handler(_Quiet):
        def do_POST(self) -> None:
            got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

    with _listening(Handler) as port:
        yield port, got
