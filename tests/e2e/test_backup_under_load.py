"""A backup taken by the command line while a server is written to, restored elsewhere: see backup_under_load.py."""

from pathlib import Path

import pytest
from backup_under_load import new_databases, prove


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_backup_under_load_has_all_that_was_acknowledged_and_is_the_same_wherever_it_is_restored(
    tmp_path: Path, postgres_url: str, kind: str
) -> None:
    with new_databases(tmp_path, postgres_url) as new_database:
        proof = prove(kind, tmp_path, new_database, backups=1, fill=2_000)

    assert proof.faults == []
    assert len(proof.beside) > 10, "without writes beside it nothing was shown"
