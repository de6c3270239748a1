"""One line a request, where a line through the processors would cost more than the answer.

The line is rendered once for each route and status, by the processors that render every other line, with marks where
the numbers go. What a request adds is noted down, and the lines are written many at a time.
"""

import asyncio
import logging
import re
import sys
import time
from collections.abc import Iterator
from typing import TextIO

import structlog
from structlog.typing import EventDict

_MARKS: dict[str, object] = {
    "timestamp": "98765432101",
    "bytes": 98_765_432_102,
    "ms": 98_765_432_103,
    "request_id": "98765432104",
}
"""In the order in which both renderers put them."""

_FORMATS = ("%s", "%d", "%.2f", "%s")
_FLUSH_SECONDS = 0.05
_MANY = 2_000


class RequestLines:
    """Writes the lines of requests that were answered from memory, a twentieth of a second late at most."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._templates: dict[tuple[str, int], str] = {}
        self._waiting: list[tuple[str, float, int, float, bytes]] = []
        self._flush: asyncio.TimerHandle | None = None
        self._is_wanted = logging.getLogger().isEnabledFor(logging.INFO)

    def line(self, route: str, request_id: bytes, status: int, size: int, seconds: float) -> None:
        """The request to `route` was answered with `size` bytes within `seconds`."""
        if not self._is_wanted:
            return
        template = self._templates.get((route, status)) or self._template(route, status)
        self._waiting.append((template, time.time(), size, seconds * 1000, request_id))
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        elif len(self._waiting) >= _MANY:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        waiting, self._waiting = self._waiting, []
        try:
            self._stream.write("".join(_lines(waiting)))
            self._stream.flush()
        except (OSError, ValueError):
            self._is_wanted = False  # whoever read the log has gone, and there is nowhere left to say so

    def _template(self, route: str, status: int) -> str:
        """The line with formats where its numbers go."""
        event: EventDict = {
            **_MARKS,
            "event": "request",
            "level": "info",
            "logger": "alphaforge.api.middleware.request_log",
            "method": "GET",
            "route": route,
            "status": status,
            "cache": "hit",
        }
        for processor in structlog.get_config()["processors"][-2:]:  # the redactor and the renderer
            event = processor(None, "info", event)
        text = str(event).replace("%", "%%") + "\n"
        found = re.findall("|".join(map(str, _MARKS.values())), text)
        if found != [str(mark) for mark in _MARKS.values()]:
            raise AssertionError(f"The renderer wrote {text}")
        for mark, form in zip(_MARKS.values(), _FORMATS, strict=True):
            text = text.replace(str(mark), form)
        return self._templates.setdefault((route, status), text)


def _lines(waiting: list[tuple[str, float, int, float, bytes]]) -> Iterator[str]:
    shown, stamp = -1, ""
    for template, moment, size, ms, request_id in waiting:
        if (instant := int(moment * 1000)) != shown:
            shown = instant
            stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(moment))}.{instant % 1000:03d}Z"
        yield template % (stamp, size, ms, request_id.decode())
