"""What one run of the command line knows: whether JSON or a trace was asked for, and its settings once read."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from alphaforge.telemetry.redaction import Redactor

if TYPE_CHECKING:
    from alphaforge.settings import Settings  # costs a third of a second, and `--help` needs none


@dataclass(slots=True)
class State:
    """One run."""

    debug: bool = False
    as_json: bool = False
    redactor: Redactor = field(default_factory=Redactor)

    def begin(self, *, debug: bool, as_json: bool) -> None:
        """Forget the last run (there is one only in tests)."""
        self.debug, self.as_json, self.redactor = debug, as_json, Redactor()

    def settings(self, *, serving: bool = False, **given: str | int | None) -> "Settings":
        """Read the settings and arrange the logs: a server says what it does, a command only what broke."""
        from alphaforge.settings import load_settings  # noqa: PLC0415 - see above
        from alphaforge.telemetry.logs import configure_logs  # noqa: PLC0415 - the same

        settings = load_settings(Path(".env"), **given)
        level = "DEBUG" if self.debug else settings.log_level if serving else "ERROR"
        style = settings.log_format if serving else "console"
        self.redactor = configure_logs(style, level, settings.secrets())
        return settings


state = State()
"""There is one command line in a process; nothing but the command line knows of it."""
