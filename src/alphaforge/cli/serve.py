"""`alphaforge serve`."""

import sys
from typing import Annotated

import typer

from alphaforge.cli.output import note
from alphaforge.cli.state import state
from alphaforge.core.memory import thrifty_start


def serve(
    host: Annotated[str | None, typer.Option(help="Address to listen on; HOST by default.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; PORT by default, 0 for any free one.")] = None,
) -> None:
    """Run the desk and its HTTP interface until it is interrupted."""
    sys.modules["rich"] = None  # type: ignore[assignment]  # structlog would load it, 3 MB, for nothing
    with thrifty_start():
        settings = state.settings(serving=True, host=host, port=port)
        for name, why in settings.without_effect.items():
            note(f"{name.upper()} has no effect: {why}.")
        if settings.ignored:
            note(f"Not settings of ours, ignored: {', '.join(settings.ignored)} (.env).")
        from alphaforge.asgi import serve as serve_desk  # noqa: PLC0415 - a second's worth of imports

        serve_desk(settings)
