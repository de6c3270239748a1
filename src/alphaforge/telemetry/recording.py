"""Recording spans and sending them to a collector, which may hang, refuse or talk nonsense: nobody here waits for it.

Neither the global provider nor the global context of opentelemetry is used: what other libraries would send by
themselves stays with them. Imported where traces are on, by `tracing`.
"""

import asyncio
import logging
import math
import os
import random
import socket
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeVar

import requests
import structlog
from opentelemetry import trace
from opentelemetry.context import Context
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.sdk.trace.sampling import ALWAYS_ON
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from alphaforge.telemetry.tracing import Attributes, Headers, Kind

log = structlog.get_logger(__name__)
T = TypeVar("T")

MOST_WAITING = 2_048
"""Spans that wait to be sent; beyond that the oldest are dropped."""
_BATCH = 512
_SEND_MILLISECONDS = 2_000.0
_PATIENCE = 3.0
"""Seconds for sending a batch, its repetitions included."""
CLOSE_SECONDS = 2.0
_WARNING_SECONDS = 60.0
_LONGEST_STATE = 512
"""Characters of a `tracestate` that must be handed on (W3C); a longer one is left out."""
_LONGEST_REASON = 200


class Recording:
    """Makes spans and sends them; see `tracing.traces` for what it is given."""

    def __init__(self, endpoint: str, headers: Mapping[str, str], share: float, version: str) -> None:
        _tame()
        self._provider = TracerProvider(
            ALWAYS_ON,  # what is not chosen here never becomes a span
            Resource(
                {
                    "service.name": "alphaforge",
                    "service.version": version,
                    "service.instance.id": f"{socket.gethostname()}-{os.getpid()}",
                    "process.pid": os.getpid(),
                }
            ),
            shutdown_on_exit=False,  # it would be waited for
        )
        exporter = OTLPSpanExporter(
            f"{endpoint}/v1/traces",
            headers=dict(headers),
            timeout=_PATIENCE,
            compression=Compression.Gzip,
            session=_Brief(),
        )
        self._sending = BatchSpanProcessor(exporter, MOST_WAITING, _SEND_MILLISECONDS, _BATCH)
        self._scope = InstrumentationScope("alphaforge", version)
        self._provider.add_span_processor(self._sending)
        self._tracer = self._provider.get_tracer("alphaforge", version)
        self._root = Context()
        self._propagator = TraceContextTextMapPropagator()
        self._kinds = {kind.name.lower(): kind for kind in trace.SpanKind}
        self._share = share
        self._random = random.Random()  # noqa: S311 - chooses what is recorded, hides nothing
        self._skip = self._gap()

    def started(
        self, parent: Context, name: str, kind: Kind, attributes: Attributes | None, *, linked: str | None
    ) -> trace.Span:
        """A span that begins now; `linked` names a step of another trace that it has to do with."""
        other = None if linked is None else self._parent(linked, "")
        links = () if other is None else (trace.Link(trace.get_current_span(other[0]).get_span_context()),)
        return self._tracer.start_span(name, parent, self._kinds[kind], attributes, links)

    def below(self, recorded: trace.Span) -> Context:
        """The context of what is done within a span."""
        return trace.set_span_in_context(recorded, self._root)

    def failed(self, recorded: trace.Span, why: str) -> None:
        """Mark a span as failed."""
        recorded.set_attribute("error.type", why)
        recorded.set_status(trace.StatusCode.ERROR)

    def beginning(self, headers: Headers) -> Context | None:
        """The context of a trace that begins here, or arrives with a request; None where it is not recorded."""
        asked = [(name.decode(), value.decode("latin-1")) for name, value in headers if name in _W3C]
        if asked:
            parents, states = ([value for name, value in asked if name == one] for one in ("traceparent", "tracestate"))
            found = self._parent(",".join(parents), ",".join(states))  # two parents make one that is none
            if found is not None:
                return found[0] if found[1] else None
        return self._root if self._share and self._random.random() < self._share else None

    def arrived(self, traceparent: str) -> Context | None:
        """The context of a trace that was handed on; None where it is not recorded, or is none."""
        found = self._parent(traceparent, "")
        return found[0] if found is not None and found[1] else None

    def _parent(self, traceparent: str, tracestate: str) -> tuple[Context, bool] | None:
        """A trace that began elsewhere and whether it is recorded there; None for what is none."""
        carrier = {"traceparent": traceparent}
        if tracestate and len(tracestate) <= _LONGEST_STATE:
            carrier["tracestate"] = tracestate
        found = self._propagator.extract(carrier, self._root)
        parent = trace.get_current_span(found).get_span_context()
        return (found, parent.trace_flags.sampled) if parent.is_valid else None

    def chosen(self, some: Sequence[T]) -> Iterator[T]:
        """Each of `some` with the probability `share`, without asking chance for each."""
        while self._skip < len(some):
            yield some[self._skip]
            self._skip += 1 + self._gap()
        self._skip -= len(some)

    def _gap(self) -> int:
        """How many are passed over before the next one: geometrically distributed."""
        if self._share >= 1:
            return 0
        if not self._share:
            return 1 << 62
        return int(math.log(1.0 - self._random.random()) / math.log1p(-self._share))

    def past(self, name: str, began: int, ended: int, attributes: Attributes) -> None:
        """A trace of one span, of a request that was answered already; nanoseconds of the epoch."""
        context = trace.SpanContext(
            self._random.getrandbits(128), self._random.getrandbits(64), is_remote=False, trace_flags=_SAMPLED
        )
        self._sending.on_end(  # as it is when it has ended: beginning one and ending it takes six times as long
            ReadableSpan(
                name,
                context,
                None,
                self._provider.resource,
                attributes,
                kind=trace.SpanKind.SERVER,
                start_time=began,
                end_time=ended,
                instrumentation_scope=self._scope,
            )
        )

    async def aclose(self) -> None:
        """Send what waits, for two seconds at most; what is not sent then is lost."""
        loop = asyncio.get_running_loop()
        done = asyncio.Event()

        def close() -> None:
            self._provider.shutdown()
            if not loop.is_closed():
                loop.call_soon_threadsafe(done.set)

        threading.Thread(target=close, name="end of traces", daemon=True).start()
        try:
            async with asyncio.timeout(CLOSE_SECONDS):
                await done.wait()
        except TimeoutError:
            log.warning("traces_given_up", seconds=CLOSE_SECONDS)


_SAMPLED = trace.TraceFlags(trace.TraceFlags.SAMPLED)
_W3C = frozenset({b"traceparent", b"tracestate"})


class _Brief(requests.Session):
    """Reads nothing of an answer but its head: a collector that talks for ever would fill the memory."""

    def request(self, *given: Any, **named: Any) -> requests.Response:  # noqa: ANN401 - the library's
        with super().request(*given, **named | {"stream": True}) as response:
            return response


class _Ear(logging.Handler):
    """Turns all that the libraries say of failures into one warning a minute."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._next = 0.0

    def emit(self, record: logging.LogRecord) -> None:
        now = time.monotonic()
        if now < self._next or not record.name.startswith(_OF_SENDING):
            return
        self._next = now + _WARNING_SECONDS
        log.warning("traces_not_sent", reason=record.getMessage()[:_LONGEST_REASON], advice=_ADVICE)


_OF_SENDING = ("opentelemetry.exporter", "opentelemetry.sdk")
"""Others complain of settings, and show them."""
_ADVICE = "Spans are dropped meanwhile; nothing else suffers. See OTEL_EXPORTER_OTLP_ENDPOINT."


def _tame() -> None:
    """Let the libraries speak through `_Ear` alone."""
    logger = logging.getLogger("opentelemetry")
    logger.handlers = [_Ear()]
    logger.propagate = False
