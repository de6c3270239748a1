"""One line a request, where a line through the processors would cost more than the answer.

The line is rendered once for each route and status, by the processors that render every other line, with marks where
the numbers go. What a request adds is noted down, and the notes are counted and written many at a time.
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

from alphaforge.telemetry.requests import Note, RequestTimes

_STAMP, _BYTES, _MS, _ID = "98765432101", 98_765_432_102, 98_765_432_103, "98765432104"
"""Marks, in the order in which both renderers put them."""

_FLUSH_SECONDS = 0.05
_MANY = 2_000


class RequestLines:
    """Writes the lines of requests that were answered from memory, a twentieth of a second late at most.

    They are counted in `times`, where there is one, also where no lines are wanted.
    """

    def __init__(self, stream: TextIO | None = None, times: RequestTimes | None = None) -> None:
        self._stream = stream or sys.stderr
        self._times = times
        self._pieces: dict[tuple[str, int], list[str]] = {}
        self._waiting: list[Note] = []
        self._flush: asyncio.TimerHandle | None = None
        self._is_wanted = logging.getLogger().isEnabledFor(logging.INFO)

    def line(self, note: Note) -> None:
        """A request was answered."""
        if not self._is_wanted and self._times is None:
            return
        self._waiting.append(note)
        if self._flush is None:
            self._flush = asyncio.get_running_loop().call_later(_FLUSH_SECONDS, self.flush)
        elif len(self._waiting) >= _MANY:
            self.flush()

    def flush(self) -> None:
        """Count and write what waits."""
        if self._flush is not None:
            self._flush.cancel()
            self._flush = None
        waiting, self._waiting = self._waiting, []
        if self._times is not None:
            self._times.add_hits(waiting)
        if not self._is_wanted:
            return
        try:
            self._stream.write("".join(self._lines(waiting)))
            self._stream.flush()
        except (OSError, ValueError):
            self._is_wanted = False  # whoever read the log has gone, and there is nowhere left to say so

    def _lines(self, waiting: list[Note]) -> Iterator[str]:
        shown, stamp = -1, ""
        ahead = time.time_ns() - time.perf_counter_ns()  # durations know no wall clock, which may jump
        for route, name, status, size, began, ended in waiting:
            if (instant := (ended + ahead) // 1_000_000) != shown:
                shown = instant
                stamp = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(instant / 1000))}.{instant % 1000:03d}Z"
            first, second, third, fourth, last = self._pieces.get((route, status)) or self._rendered(route, status)
            yield f"{first}{stamp}{second}{size}{third}{(ended - began) / 1e6:.2f}{fourth}{name.decode()}{last}"

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
