"""A report as files: the document, the page, and its trades as a table."""

import io
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import msgspec

from alphaforge.backtests.html import html_of
from alphaforge.backtests.tables import trades_columns, trades_csv
from alphaforge.core.errors import InvalidInput, NotOffered


def parquet_of(report: Mapping[str, Any]) -> bytes:
    """The trades as Parquet. Raises NotOffered where pyarrow is not installed, InvalidInput without trades."""
    try:
        from pyarrow import Table, parquet  # noqa: PLC0415 - an extra of the project
    except ImportError:
        raise NotOffered(
            "Parquet is not offered here: pyarrow is not installed", advice="Ask for csv, or install pyarrow."
        ) from None
    target = io.BytesIO()
    parquet.write_table(Table.from_pydict(trades_columns(report)), target, compression="zstd")
    return target.getvalue()


def read_report(path: Path) -> dict[str, Any]:
    """The document in a file, or in the folder that `write_report` made. Raises InvalidInput for anything else."""
    file = path / "report.json" if path.is_dir() else path
    try:
        report = msgspec.json.decode(file.read_bytes())
    except (FileNotFoundError, msgspec.DecodeError):
        report = None
    if not isinstance(report, dict) or "sentence" not in report:
        raise InvalidInput(
            f"{file} is no report of a backtest", advice="Name a report.json, or the folder that --out made."
        )
    return report


def write_report(report: Mapping[str, Any], folder: Path) -> list[Path]:
    """Write report.json, report.html and, where trades were made, trades.csv and trades.parquet; answers which.

    Parquet only where pyarrow is installed.
    """
    folder.mkdir(parents=True, exist_ok=True)
    files = {"report.json": msgspec.json.encode(report), "report.html": html_of(report).encode()}
    if report["kind"] == "single" or report.get("report"):
        files["trades.csv"] = trades_csv(report).encode()
        if find_spec("pyarrow") is not None:
            files["trades.parquet"] = parquet_of(report)
    for name, content in files.items():
        (folder / name).write_bytes(content)
    return [folder / name for name in files]
