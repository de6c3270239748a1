"""The lines of requests that were answered from memory."""

import io
import json
import logging
import re
from typing import Literal

import pytest
import structlog

from alphaforge.telemetry.logs import configure_logs
from alphaforge.telemetry.request_lines import RequestLines


@pytest.fixture(autouse=True)
def _logs_as_before() -> object:
    before, level = structlog.get_config(), logging.getLogger().level
    handlers = list(logging.getLogger().handlers)
    yield
    structlog.configure(**before)
    logging.getLogger().handlers = handlers
    logging.getLogger().setLevel(level)
    logging.captureWarnings(capture=False)


async def written(style: Literal["json", "console"], level: str = "INFO") -> str:
    out = io.StringIO()
    configure_logs(style, level, stream=out)
    lines = RequestLines(out)
    lines.line(("/api/signals/{signal_id}", b"abc%s", 200, 10_234, 10**9, 10**9 + 34_000))
    lines.line(("/api/signals/{signal_id}", b"def", 304, 0, 10**9, 10**9 + 1_000_000))
    lines.flush()
    return out.getvalue()


async def test_as_json_they_say_what_every_other_line_of_a_request_says() -> None:
    first, second = map(json.loads, (await written("json")).splitlines())
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", first.pop("timestamp"))
    assert first == {
        "event": "request",
        "level": "info",
        "logger": "alphaforge.api.middleware.request_log",
        "method": "GET",
        "route": "/api/signals/{signal_id}",
        "status": 200,
        "cache": "hit",
        "bytes": 10_234,
        "ms": 0.03,
        "request_id": "abc%s",
    }
    assert (second["status"], second["bytes"], second["ms"], second["request_id"]) == (304, 0, 1.0, "def")


async def test_for_people_they_look_like_every_other_line() -> None:
    first = (await written("console")).splitlines()[0]
    assert "[info     ] request" in first
    for part in ("bytes=10234", "cache=hit", "ms=0.03", "request_id=abc%s", "status=200"):
        assert part in first


async def test_where_requests_are_not_logged_these_are_not_either() -> None:
    assert not await written("json", "WARNING")


async def test_a_reader_of_the_log_that_went_away_stops_nothing() -> None:
    out = io.StringIO()
    configure_logs("json", stream=out)
    lines = RequestLines(out)
    lines.line(("/", b"a", 200, 1, 0, 0))
    out.close()
    lines.flush()
    lines.line(("/", b"a", 200, 1, 0, 0))
