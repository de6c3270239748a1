"""What `alphaforge performance` draws."""

import io
from dataclasses import replace
from typing import Any

import pytest
from rich.console import Console

from alphaforge.api.performance import _figures, _points
from alphaforge.cli.performance import Seen
from alphaforge.cli.performance_view import drawn
from alphaforge.telemetry.minutes import CONNECTIONS, Minute, minute_of
from measured import snapshot

AT = 1_772_532_000
TRAFFIC = {
    ("GET", "/api/signals", "200", "hit"): [0.0003] * 123_456,
    ("GET", "/api/signals", "500", "miss"): [0.0123] * 6_000,
    ("GET", "/api/journal/statistics", "200", "hit"): [0.000345] * 1_000,
    ("POST", "/api/signals/enhanced/generate", "200", "none"): [1.2345],
}
SLOW: dict[str, Any] = {
    "at": "2026-03-03T10:00:09.123Z",
    "kind": "request",
    "name": "POST /api/signals/enhanced/generate",
    "ms": 12_345.678,
    "status": 200,
    "trace": "ab" * 16,
}


def seen(*minutes: Minute, **changes: Any) -> Seen:
    figures = {"window_seconds": 900, **_figures(minutes, AT + 30.25), "processes": 12, "problem": None}
    url = "http://127.0.0.1:5000"
    return replace(Seen(url, figures, _points(minutes, 60, AT + 30), [SLOW]), **changes)


def busy() -> list[Minute]:
    made = minute_of(
        snapshot(TRAFFIC, queries={"a": [0.03]}, peaks=[118e6], oanda=[0.08]), None, {CONNECTIONS: 1_234}, AT
    )
    return [made, *(Minute(AT - 60 * ago, counts={"requests": 60 * ago}) for ago in (1, 2, 5, 59))]


def text(one: Seen, width: int = 80, encoding: str = "utf-8") -> list[str]:
    """The lines drawn, by an output of this width and encoding."""
    raw = io.BytesIO()
    file = io.TextIOWrapper(raw, encoding=encoding)
    console = Console(file=file, width=width, highlight=False)
    console.print(drawn(one, console))
    file.flush()
    return [line.rstrip() for line in raw.getvalue().decode(encoding).splitlines()]


@pytest.mark.parametrize("width", [80, 120])
def test_nothing_is_cut_or_wrapped_at_usual_widths(width: int) -> None:
    lines = text(seen(*busy()), width)
    assert max(map(len, lines)) <= width
    assert "…" not in "".join(lines)
    assert len(lines) == 24, "as many as a small terminal has"
    assert any("POST /api/signals/enhanced/generate" in line and "12,346" in line for line in lines)
    assert any(line.startswith("/api/signals/enhanced/generate ") for line in lines)


def test_a_figure_that_is_missed_stands_beside_what_was_promised() -> None:
    lines = text(seen(*busy()))
    assert any("12.2 > 8" in line or "12.3 > 8" in line for line in lines)
    assert any("0.34" in line and "> 0.2" in line for line in lines)
    assert any(line.startswith("memory, generating") and line.endswith("missed") for line in lines)


def test_where_nothing_was_measured_dashes_stand() -> None:
    lines = text(seen(slow=[]))
    targets = [line for line in lines if line.endswith("nothing measured")]
    assert len(targets) == 6
    assert all(" -  " in line for line in targets)
    assert "Nothing is known of the last hour yet." in lines
    assert "Nothing took long lately in the process that answered." in lines


def test_each_minute_of_the_last_hour_has_its_place_and_unknown_ones_are_empty() -> None:
    lines = text(seen(*busy()))
    bars = lines[next(number for number, line in enumerate(lines) if "last hour" in line) + 1]
    assert [place - 2 for place, bar in enumerate(bars) if bar != " "] == [0, 54, 57, 58, 59]
    assert bars[61] == "█"


def test_a_window_of_which_less_is_known_says_so() -> None:
    assert text(seen(*busy()))[1].startswith("4 min of 15 min, ")
    full = [Minute(AT - 60 * ago) for ago in range(15)]
    assert text(seen(*full))[1].startswith("last 15 min, ")


def test_a_status_of_a_newer_server_stands_as_it_came() -> None:
    one = seen(*busy())
    one.figures["indicators"][0]["status"] = "disputed"
    assert any(line.endswith("disputed") for line in text(one))


def test_a_terminal_without_blocks_gets_plain_signs() -> None:
    assert "@" in "".join(text(seen(*busy()), encoding="ascii"))


def test_a_server_that_went_away_is_said_first() -> None:
    lines = text(seen(*busy(), trouble="No server answers at http://127.0.0.1:5000: refused", trouble_since=AT))
    said = "No server answers at http://127.0.0.1:5000: refused (since 10:00:00 UTC)."
    assert " ".join(lines[2:4]).startswith(said)


def test_processes_that_could_not_be_asked_are_said() -> None:
    one = seen(*busy())
    one.figures["problem"] = "The database cannot be used."
    assert any("Only this process was heard: The database cannot be used." in line for line in text(one))


def test_nothing_that_a_terminal_obeys_comes_from_the_server() -> None:
    hostile = SLOW | {"name": "\x1b[2J[bold]x[/bold]\x07", "trace": "\x1b]0;x\x07"}
    lines = "\n".join(text(seen(*busy(), slow=[hostile]), 120))
    assert "\x1b" not in lines
    assert "\x07" not in lines
    assert "?[2J[bold]x[/bold]?" in lines, "and it is no markup"
