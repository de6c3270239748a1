"""Whatever rows a database may hold arrive exactly: from SQLite to PostgreSQL, from there to SQLite, and back."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import BigInteger, Boolean, Column, Float, Integer, LargeBinary, String, Table
from sqlalchemy.types import TypeEngine

from alphaforge.storage.backup.file import Backup
from alphaforge.storage.tables import metadata
from alphaforge.storage.types import Moment, Word
from backups import restored, taken

NOT_CARRIED = {"journal_totals", "journal_changes", "leases", "jobs", "process_figures", "performance_minutes"}
"""Counted anew, or of the process that wrote them."""
TABLES = [table for table in metadata.sorted_tables if table.name not in NOT_CARRIED]

_CHARACTERS = st.characters(exclude_categories=("Cs",), exclude_characters="\0")


def _texts(kind: TypeEngine[Any]) -> st.SearchStrategy[Any]:
    return st.text(_CHARACTERS, max_size=min(getattr(kind, "length", None) or 40, 40))


_VALUES: tuple[tuple[tuple[type, ...], Callable[[TypeEngine[Any]], st.SearchStrategy[Any]]], ...] = (
    ((Moment,), lambda _: st.datetimes().map(lambda moment: moment.isoformat(" ", "microseconds"))),
    ((Boolean,), lambda _: st.integers(0, 1)),
    ((BigInteger,), lambda _: st.integers(-(2**63), 2**63 - 1)),
    ((Integer,), lambda _: st.integers(-(2**31), 2**31 - 1)),
    ((Float,), lambda _: st.floats(allow_nan=False)),
    ((LargeBinary,), lambda _: st.binary(max_size=200)),
    ((String, Word), _texts),
)


def _values(column: Column[Any]) -> st.SearchStrategy[Any]:
    strategy = next(made(column.type) for kinds, made in _VALUES if isinstance(column.type, kinds))
    return st.none() | strategy if column.nullable else strategy


def _rows(table: Table) -> st.SearchStrategy[list[tuple[Any, ...]]]:
    return st.lists(st.tuples(*(_values(column) for column in table.columns)), max_size=3)


_FOUND_IS_ENOUGH = (Phase.explicit, Phase.reuse, Phase.generate)
CONTENT = st.fixed_dictionaries({table.name: _rows(table) for table in TABLES})


def _write(path: Path, content: dict[str, list[tuple[Any, ...]]]) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        for table, rows in content.items():
            places = ", ".join("?" * len(metadata.tables[table].columns))
            names = ", ".join(column.name for column in metadata.tables[table].columns)
            insert = f"INSERT OR IGNORE INTO {table} ({names}) VALUES ({places})"  # noqa: S608 - names of ours
            connection.executemany(insert, rows)


def _carried(backup: Backup) -> set[tuple[str, int, str]]:
    return {(one.table, one.rows, one.digest) for one in backup.contents if one.table not in NOT_CARRIED}


@pytest.fixture
def template(_sqlite_template: Path) -> Path:
    """A current database, empty."""
    return _sqlite_template


# an example is two restores: found is enough, making it smaller would take minutes
@settings(max_examples=12, deadline=None, phases=_FOUND_IS_ENOUGH, suppress_health_check=list(HealthCheck))
@given(content=CONTENT)
def test_rows_of_any_values_arrive_exactly_over_both_kinds(
    tmp_path: Path, postgres_database: str, template: Path, content: dict[str, list[tuple[Any, ...]]]
) -> None:
    for leftover in tmp_path.iterdir():
        leftover.unlink()
    source = tmp_path / "source.db"
    source.write_bytes(template.read_bytes())
    _write(source, content)
    first = taken(f"sqlite:///{source}", tmp_path / "1.backup").backup
    restored(postgres_database, first.path, force=True)
    second = taken(postgres_database, tmp_path / "2.backup").backup
    assert _carried(second) == _carried(first)
    copy = f"sqlite:///{tmp_path / 'copy.db'}"
    restored(copy, second.path)
    third = taken(copy, tmp_path / "3.backup").backup
    assert _carried(third) == _carried(first)
