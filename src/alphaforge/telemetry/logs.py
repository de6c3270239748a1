"""Logs: one line an event, on standard error, in colours for people or as JSON for machines.

Everything ends here, the libraries' own logging and Python's warnings included, and passes one redacting step
after tracebacks have become text. `structlog.contextvars.bind_contextvars(request_id=...)` marks every line below it.
"""

import logging
import sys
from collections.abc import Iterable
from contextlib import suppress
from typing import Literal, TextIO

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from alphaforge.telemetry import tracing
from alphaforge.telemetry.redaction import Redactor

_QUIET = {
    "httpx2": logging.WARNING,  # logs URLs at INFO, tokens included
    "httpcore2": logging.WARNING,
    "uvicorn.access": logging.WARNING,  # the interface has its own line a request
    "sqlalchemy": logging.WARNING,
    "aiosqlite": logging.WARNING,
    "alembic": logging.WARNING,
    "asyncio": logging.WARNING,
    "urllib3": logging.WARNING,
}
_SILENT = frozenset({"stamina"})
"""Writes through structlog itself, and only what the market's client says better."""


class _OwnLogger:
    """Writes lines straight to the stream: the way through `logging` costs four times as much."""

    __slots__ = ("_stream", "name")

    def __init__(self, name: str, stream: TextIO) -> None:
        self.name = name
        self._stream = stream

    def msg(self, line: str) -> None:
        """Write one line; a reader of the log that went away does not stop the work that is logged."""
        with suppress(OSError, ValueError):
            self._stream.write(line + "\n")
            self._stream.flush()

    debug = info = warning = error = critical = exception = msg


class _Lines(logging.StreamHandler[TextIO]):
    """Writes lines; one that cannot be rendered is replaced by a word about it, never by its arguments."""

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        problem = sys.exc_info()[0]
        word = problem.__name__ if problem else "unknown error"
        with suppress(OSError, ValueError):  # standard error itself is gone: there is nowhere left to say so
            self.stream.write(f"a log line of {record.name} could not be written: {word}\n")


def configure_logs(
    style: Literal["auto", "console", "json"] = "auto",
    level: str = "INFO",
    secrets: Iterable[str] = (),
    stream: TextIO | None = None,
) -> Redactor:
    """Send all logs to `stream` (standard error) without `secrets`; answers the redactor for other writers.

    `auto` means console on a terminal and JSON elsewhere. Calling it again replaces the earlier arrangement.
    """
    out = stream or sys.stderr
    redactor = Redactor(secrets)
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        _drop_silent,
        _name_trace,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
        structlog.processors.format_exc_info,
    ]
    last: list[Processor] = [redactor, _renderer(style, out)]
    handler = _Lines(out)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *last],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logging.getLogger(name).handlers = []
        logging.getLogger(name).propagate = True
    for name, quiet in _QUIET.items():
        logging.getLogger(name).setLevel(max(quiet, root.level))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[*shared, *last],
        wrapper_class=structlog.make_filtering_bound_logger(root.level),
        logger_factory=lambda name="alphaforge": _OwnLogger(name, out),
        cache_logger_on_first_use=False,  # a module's logger made before this call must follow it too
    )
    return redactor


def _drop_silent(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if event["logger"] in _SILENT:
        raise structlog.DropEvent
    return event


def _name_trace(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """Within what is recorded a line says of which trace, and of which step in it, it is."""
    if (trace := tracing.trace_id()) is not None:
        event["trace_id"], event["span_id"] = trace, tracing.span_id()
    return event


def _renderer(style: str, out: TextIO) -> Processor:
    if style == "json" or (style == "auto" and not out.isatty()):
        return structlog.processors.JSONRenderer(ensure_ascii=False)
    return structlog.dev.ConsoleRenderer(colors=out.isatty(), exception_formatter=structlog.dev.plain_traceback)
