"""Answers: tables for people, JSON for programs, both on standard output; progress on standard error."""

import math
import sys
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from enum import Enum
from typing import TYPE_CHECKING, Annotated

import typer

from alphaforge.cli.state import state

if TYPE_CHECKING:
    from rich.progress import Progress  # loaded only where something is drawn

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, and nothing else, on standard output.")]


_WIDE = 1_000
"""Columns of an output that is no terminal: nobody wants a pipe to wrap its lines."""


def plain(value: object) -> object:
    """`value` as JSON knows it: times as RFC 3339, values as objects, what is no number as null."""
    if isinstance(value, (float, Enum, datetime)):
        return _plain_scalar(value)
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, AbstractSet)):
        return [plain(inner) for inner in value]
    return value


def _plain_scalar(value: float | Enum | datetime) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, datetime):
        aware = value if value.tzinfo else value.replace(tzinfo=UTC)
        return aware.astimezone(UTC).isoformat().replace("+00:00", "Z")
    return value if math.isfinite(value) else None


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    import json  # noqa: PLC0415 - only where it is asked for

    sys.stdout.write(json.dumps(plain(value), ensure_ascii=False, indent=2, default=str) + "\n")


def say(text: str) -> None:
    """A sentence to the person: part of the answer, unless the answer is JSON."""
    (sys.stderr if state.as_json else sys.stdout).write(text + "\n")


def note(text: str) -> None:
    """A remark beside the answer."""
    sys.stderr.write(text + "\n")


def print_table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """A table as wide as the terminal, or as wide as it needs to be where there is none."""
    from rich.box import SIMPLE_HEAD  # noqa: PLC0415 - rich costs a fifth of a second
    from rich.console import Console  # noqa: PLC0415 - the same
    from rich.table import Table  # noqa: PLC0415 - the same
    from rich.text import Text  # noqa: PLC0415 - the same

    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for column in columns:
        table.add_column(column, justify="right" if column.startswith(">") else "left", overflow="fold")
        table.columns[-1].header = column.removeprefix(">")
    for row in rows:
        table.add_row(*(Text(cell(value)) for value in row))  # Text: a cell is never markup
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = _WIDE
    console.print(table)


def cell(value: object) -> str:
    """A value in a table: nothing is a dash, fractions keep what carries them."""
    value = plain(value)
    if value is None or value == "":
        return "-"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.10g}" if isinstance(value, float) else str(value)


def progress() -> "Progress":
    """A progress bar on standard error; without a terminal there, nothing."""
    from rich import progress as bars  # noqa: PLC0415 - the same
    from rich.console import Console  # noqa: PLC0415 - rich costs a fifth of a second

    console = Console(stderr=True)
    columns = bars.TextColumn("{task.description}"), bars.BarColumn(), bars.MofNCompleteColumn()
    return bars.Progress(
        *columns, bars.TimeRemainingColumn(), console=console, transient=True, disable=not console.is_terminal
    )
