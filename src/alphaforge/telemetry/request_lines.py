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

_STAMP, _BYTES, _MS, _ID = "98765432101", 98_765_432_102, 98_765_432_103, "98765432104"
"""Marks, in the order in which both renderers put them."""

_FLUSH_SECONDS = 0.05
_MANY = 2_000

Note = tuple[str, bytes, int, int, float, float]
"""Route, request id, status, bytes, and when the request began and ended (epoch seconds)."""


class RequestLines:
    """Writes the lines of requests that were answered from memory, a twentieth of a second late at most."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self._pieces: dict[tuple[str, int], list[str]] = {}
        self._waiting: list[Note] = []
        self._flush: asyncio.TimerHandle | None = None
        self._is_wanted = logging.getLogger().isEnabledFor(logging.INFO)

    def line(self, note: Note) -> None:
        """A request was answered."""
        if not self._is_wanted:
            return
        self._waiting.append(note)
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
            self._stream.write("".join(self._lines(waiting)))
            self._stream.flush()
        except (OSError, ValueError):
            self._is_wanted = False  # whoever read the log has gone, and there is nowhere left to say so

    def _lines(self, waiting: list[Note]) -> Iterator[str]:
        shown, stamp = -1, ""
        for route, name, status, size, began, ended in waiting:
            if (instant := int(ended * 1000)) != shown:
                shown = instant
                stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(ended))}.{instant % 1000:03d}Z"
            first, second, third, fourth, last = self._pieces.get((route, status)) or self._rendered(route, status)
            yield f"{first}{stamp}{second}{size}{third}{(ended - began) * 1000:.2f}{fourth}{name.decode()}{last}"

    def _rendered(self, route: str, status: int) -> list[str]:
        """What stands between the numbers of such a line."""
        event: EventDict = {
            "timestamp": _STAMP,
            "bytes": _BYTES,
            "ms": _MS,
            "request_id": _ID,
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
        pieces = re.split(f"{_STAMP}|{_BYTES}|{_MS}|{_ID}", f"{event}\n")
        return self._pieces.setdefault((route, status), pieces)
