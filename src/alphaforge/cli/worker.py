"""`alphaforge worker`."""

from alphaforge.cli.state import state
from alphaforge.core.imports import taken_for_absent
from alphaforge.core.memory import thrifty_start


def worker() -> None:
    """Work in the background, without an HTTP interface, beside servers on the same PostgreSQL, until interrupted."""
    with thrifty_start(), taken_for_absent("rich"):
        settings = state.settings(serving=True)
        from alphaforge.worker import work  # noqa: PLC0415 - a second's worth of imports

        work(settings)
