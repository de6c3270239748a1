"""Traces: what a request, a scan or a job was made of, a span a step, over processes, for a collector of OTLP.

`begin` opens a trace or goes on with a client's, `continued` goes on with one that a job or an event kept, and `span`
adds a step to whatever is recorded at this moment. Where nothing is, all three answer the same object, which does
nothing; `recording` makes spans, and is loaded where somebody collects them.

Attributes say what was done and how it went: routes, statements with their placeholders, counts, names of errors. Never
what a client sent, never keys, tokens or addresses.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar, Token
from typing import TYPE_CHECKING, Literal, Self

from alphaforge.core.errors import InvalidSetting

if TYPE_CHECKING:  # loaded where traces are on
    from opentelemetry.context import Context
    from opentelemetry.trace import Span as Recorded

    from alphaforge.telemetry.recording import Recording

Kind = Literal["internal", "server", "client", "consumer"]
Attributes = Mapping[str, str | bool | int | float]
Headers = Iterable[tuple[bytes, bytes]]

CACHE, REQUEST_ID = "alphaforge.cache", "alphaforge.request_id"
"""Attributes of requests: where the answer came from, and the name under which the log has it."""


class Step:
    """What `begin`, `continued` and `span` answer: a context. This one does nothing; `_Span` is recorded."""

    __slots__ = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        pass

    def say(self, attributes: Attributes) -> None:
        """Say more of it."""

    def happened(self, what: str, attributes: Attributes | None = None) -> None:
        """Note what happened at this moment within it."""

    def rename(self, name: str) -> None:
        """Give it the name that is known only now."""

    def end(self) -> None:
        """It ends here, though the block goes on: what is done there is none of its steps."""

    def fail(self, why: str) -> None:
        """It failed, whether something is raised or not. `why`: an error's name or a status, nobody's text."""


class _Span(Step):
    __slots__ = ("_attributes", "_kind", "_linked", "_name", "_parent", "_recording", "_token", "recorded")

    recorded: "Recorded"
    _token: "Token[_Span | None]"

    def __init__(
        self,
        recording: "Recording",
        parent: "Context",
        name: str,
        kind: Kind,
        attributes: Attributes | None,
        *,
        linked: str | None = None,
    ) -> None:
        self._recording, self._parent, self._linked = recording, parent, linked
        self._name, self._kind, self._attributes = name, kind, attributes

    def __enter__(self) -> Self:
        self.recorded = self._recording.started(
            self._parent, self._name, self._kind, self._attributes, linked=self._linked
        )
        self._token = _current.set(self)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        _current.reset(self._token)
        if self.recorded.is_recording():
            if kind is not None:
                self.fail(kind.__name__)  # its text may be anybody's
            self.recorded.end()

    def say(self, attributes: Attributes) -> None:
        self.recorded.set_attributes(attributes)

    def happened(self, what: str, attributes: Attributes | None = None) -> None:
        self.recorded.add_event(what, attributes)

    def rename(self, name: str) -> None:
        self.recorded.update_name(name)

    def end(self) -> None:
        self.recorded.end()

    def fail(self, why: str) -> None:
        self._recording.failed(self.recorded, why)

    def within(self, name: str, kind: Kind, attributes: Attributes | None, *, linked: str | None = None) -> Step:
        """A step of this one."""
        return _Span(self._recording, self._recording.below(self.recorded), name, kind, attributes, linked=linked)

    def ids(self) -> tuple[str, str, int]:
        """Its trace, its own name in that, and W3C's flags."""
        context = self.recorded.get_span_context()
        return f"{context.trace_id:032x}", f"{context.span_id:016x}", context.trace_flags


_NOTHING = Step()
_current: ContextVar[_Span | None] = ContextVar("span", default=None)
_recording: "Recording | None" = None


@asynccontextmanager
async def traces(endpoint: str | None, headers: Mapping[str, str], share: float, version: str) -> AsyncIterator[None]:
    """Record traces within the block, and send them to the collector at `endpoint`; None: do nothing.

    `share`, from 0 to 1: of the traces that begin here so many are recorded; of a client's its `traceparent` says
    whether. Raises InvalidSetting where the libraries for it are not installed.
    """
    global _recording  # noqa: PLW0603 - whatever is traced would have to be handed it, each line of the log too
    if endpoint is None:
        yield
        return
    try:
        await asyncio.to_thread(_load)
        from alphaforge.telemetry.recording import Recording  # noqa: PLC0415 - loaded by now
    except ModuleNotFoundError as missing:
        advice = "pip install 'alphaforge[otel]' brings them; without OTEL_EXPORTER_OTLP_ENDPOINT nothing is traced."
        message = f"OTEL_EXPORTER_OTLP_ENDPOINT is set, but the libraries for traces are not installed ({missing.name})"
        raise InvalidSetting(message, advice=advice) from None
    recording = _recording = Recording(endpoint, headers, share, version)
    try:
        yield
    finally:
        _recording = None
        await recording.aclose()


def _load() -> None:
    """Half a second's worth of imports, beside the event loop."""
    import alphaforge.telemetry.recording  # noqa: F401, PLC0415 - memory that few need


def in_use() -> "Recording | None":
    """What makes spans; None where traces are off."""
    return _recording


def begin(name: str, kind: Kind = "internal", headers: Headers = ()) -> Step:
    """A trace that begins here, or goes on from a client whose request has these headers (W3C's, if any).

    Within something recorded it is a step of that. A `traceparent` that is none counts as if it were not there.
    """
    if _recording is None:
        return _NOTHING
    if (current := _recorded()) is not None:
        return current.within(name, kind, None)
    parent = _recording.beginning(headers)
    return _NOTHING if parent is None else _Span(_recording, parent, name, kind, None)


def continued(traceparent: str | None, name: str, attributes: Attributes | None = None) -> Step:
    """A step of the trace that was handed on as `traceparent()` said; nothing where none was."""
    if _recording is None or traceparent is None:
        return _NOTHING
    parent = _recording.arrived(traceparent)
    return _NOTHING if parent is None else _Span(_recording, parent, name, "consumer", attributes)


def span(
    name: str, kind: Kind = "internal", attributes: Attributes | None = None, *, linked: str | None = None
) -> Step:
    """A step of what is recorded at this moment, if anything is.

    `linked`: the step of another trace that it has to do with, as `traceparent()` named it there.
    """
    if _recording is None:
        return _NOTHING
    current = _recorded()
    return _NOTHING if current is None else current.within(name, kind, attributes, linked=linked)


def current() -> Step:
    """What is recorded at this moment, to say more of it."""
    return _recorded() or _NOTHING


def is_recording() -> bool:
    """Whether anything is recorded at this moment, for what is worth working out only then."""
    return _recorded() is not None


def traceparent() -> str | None:
    """What hands the present trace on to another task or process, as W3C has it; None where nothing is recorded."""
    current = _recorded()
    if current is None:
        return None
    trace, step, flags = current.ids()
    return f"00-{trace}-{step}-{flags:02x}"


def trace_id() -> str | None:
    """The name of the present trace; None where nothing is recorded."""
    current = _recorded()
    return None if current is None else current.ids()[0]


def span_id() -> str | None:
    """The name of the present step; None where nothing is recorded."""
    current = _recorded()
    return None if current is None else current.ids()[1]


def _recorded() -> _Span | None:
    """What goes on at this moment: a task may have taken with it what has ended since."""
    current = _current.get()
    return current if current is not None and current.recorded.is_recording() else None
