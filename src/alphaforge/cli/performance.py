"""`alphaforge performance`: a running server's targets with what it measured, again and again."""

import sys
import time
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from alphaforge.cli.output import AsJson, print_json
from alphaforge.cli.state import state
from alphaforge.core.errors import AlphaForgeError

if TYPE_CHECKING:
    from alphaforge.cli.asking import Server  # `--help` needs none of it

REFRESH = 2.0
_HISTORY_EVERY = 10
"""Of so many looks one asks for the last hour anew, which changes once a minute."""

_MOST_SLOW = 8


@dataclass(frozen=True, slots=True)
class Seen:
    """What a server said last: its answers as they came, and what stands in the way of newer ones since when."""

    url: str
    figures: dict[str, Any] = field(default_factory=dict)
    points: list[dict[str, Any]] = field(default_factory=list)
    slow: list[dict[str, Any]] = field(default_factory=list)
    looks: int = 0
    trouble: str | None = None
    trouble_since: float | None = None


def performance(
    *,
    window: Annotated[int, typer.Option(min=60, max=86_400, help="Seconds up to now that are looked at.")] = 900,
    once: Annotated[bool, typer.Option("--once", help="Print it once and end; exit code 1 if a target is missed.")] = (
        False
    ),
    url: Annotated[str | None, typer.Option(help="Of the server, instead of HOST and PORT.")] = None,
    as_json: AsJson = False,
) -> int:
    """Show how a running server fares against its targets, every two seconds until Ctrl-C."""
    from alphaforge.cli.asking import Server, address  # noqa: PLC0415 - `--help` needs none of it

    settings = state.settings()
    key = settings.api_key.get_secret_value() if settings.api_key else None
    server = Server(address(settings, url), key)
    seen = look(server, window, Seen(server.url))
    if as_json:
        print_json({"url": seen.url, **seen.figures, "slow": seen.slow, "history": seen.points})
    elif once or not sys.stdout.isatty():
        from alphaforge.cli.performance_view import print_once  # noqa: PLC0415 - rich costs a fifth of a second

        print_once(seen)
    else:
        _watch(server, window, seen)
        return 0
    return 1 if any(one["status"] == "missed" for one in seen.figures["indicators"]) else 0


def look(server: "Server", window: int, before: Seen) -> Seen:
    """What the server says now. Raises AlphaForgeError."""
    figures = server.get("/api/performance", window=window)
    slow = server.get("/api/performance/slow", limit=_MOST_SLOW)["slow"]
    points = before.points
    if before.looks % _HISTORY_EVERY == 0:
        points = server.get("/api/performance/history", hours=1, step=60)["points"]
    return Seen(server.url, figures, points, slow, before.looks + 1)


def look_again(server: "Server", window: int, before: Seen, now: float) -> Seen:
    """The same, or what was seen last with what stands in the way; `now` in epoch seconds."""
    try:
        return look(server, window, before)
    except AlphaForgeError as error:
        since = now if before.trouble_since is None else before.trouble_since
        return replace(before, looks=0, trouble=error.message, trouble_since=since)


def _watch(server: "Server", window: int, seen: Seen) -> None:
    """Until somebody ends it: that is how it is meant to end."""
    from rich.console import Console  # noqa: PLC0415 - rich costs a fifth of a second
    from rich.live import Live  # noqa: PLC0415 - the same

    from alphaforge.cli.performance_view import drawn  # noqa: PLC0415 - the same

    console = Console(highlight=False)
    live = Live(console=console, screen=True, auto_refresh=False)
    try:
        live.start()
        while True:
            live.update(drawn(seen, console), refresh=True)
            time.sleep(REFRESH)
            seen = look_again(server, window, seen, time.time())
    except KeyboardInterrupt:
        return
    finally:
        live.stop()  # whenever it was interrupted: by itself it would not, within its first picture
