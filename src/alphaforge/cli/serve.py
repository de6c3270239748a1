"""`alphaforge serve`."""

import sys
from typing import Annotated

import typer

from alphaforge.cli.output import note
from alphaforge.cli.state import state
from alphaforge.core.imports import taken_for_absent
from alphaforge.core.memory import thrifty_start


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; PORT by default, 0 for any free one.")] = None,
    workers: Annotated[int | None, typer.Option(help="Server processes (PostgreSQL); WORKERS by default.")] = None,
) -> None:
    """Run the desk and its HTTP interface until it is interrupted."""
    with thrifty_start():
        _load_structlog_alone()
        from alphaforge.seat import Seat  # noqa: PLC0415 - it imports asyncio

        seat = Seat.given()
        settings = state.settings(serving=True, host=host, port=port, workers=workers)
        if settings.workers > 1 and seat is None:
            from alphaforge.processes import serve_with  # noqa: PLC0415 - only for several

            command = [sys.executable, *sys.orig_argv[1:]]
            raise typer.Exit(serve_with(settings.workers, command, settings.host, settings.port))
        if settings.ignored:
            note(f"Not settings of ours, ignored: {', '.join(settings.ignored)} (.env).")
        from alphaforge.asgi import serve as serve_desk  # noqa: PLC0415 - a second's worth of imports

        serve_desk(settings, seat)


def _load_structlog_alone() -> None:
    """Structlog imports rich where it finds it: 3 MB and a twentieth of a second for tracebacks that we do not draw."""
    with taken_for_absent("rich"):
        import structlog  # noqa: F401, PLC0415 - the point of this function
