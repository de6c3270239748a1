import sqlite3
from pathlib import Path

import pytest

from backups import ENTRY, ask
from command_line import Run, spoil


@pytest.fixture
def entry(database: Path) -> Path:
    """A database with an entry."""
    spoil(database, ENTRY.format(id=1, pnl=5, notes="mine"))
    return database


@pytest.mark.usefixtures("entry", "held")
def test_a_backup_beside_a_server_is_restored_elsewhere_and_the_doctor_is_content(
    run: Run, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = run("backup", "my.backup", "--json")
    assert made.code == 0
    assert {"source": "sqlite", "path": "my.backup"}.items() <= made.json.items()
    monkeypatch.setenv("DATABASE_URL", "sqlite:///./elsewhere.db")
    monkeypatch.setenv("PORT", "0")
    back = run("restore", "my.backup", "--json")
    assert back.json["into"] == str(folder / "elsewhere.db")
    assert back.json["tables"] == made.json["tables"]
    answer = run("doctor", "--json")
    assert answer.code == 0
    found = {check["name"]: check["state"] for check in answer.json["checks"]}
    assert found["integrity"] == found["agreement"] == "good"
    assert ask("sqlite:///elsewhere.db", "SELECT notes FROM journal_entries") == [("mine",)]


@pytest.mark.usefixtures("entry")
def test_people_are_told_what_was_backed_up_and_see_that_it_goes_on(run: Run) -> None:
    answer = run("backup", "my.backup")
    assert "journal_entries" in answer.out
    assert "my.backup: 3 rows of sqlite as of 20" in answer.out
    assert answer.err.splitlines() == ["copying pages ...", "reading rows ..."]


@pytest.mark.usefixtures("entry")
def test_a_folder_gets_backups_named_by_the_time_and_keeps_as_many_as_asked(run: Run, folder: Path) -> None:
    shelf = folder / "shelf"
    shelf.mkdir()
    (shelf / "alphaforge-notes.backup").write_text("mine, and no backup at all")
    assert run("backup", "old.backup").code == 0
    for day in range(1, 4):
        (shelf / f"alphaforge-2025010{day}T000000Z.backup").write_bytes((folder / "old.backup").read_bytes())
    answer = run("backup", "shelf", "--keep", "2", "--json")
    newest = Path(answer.json["path"]).name
    assert newest.startswith("alphaforge-20")
    assert {path.name for path in shelf.iterdir()} == {
        "alphaforge-notes.backup",
        "alphaforge-20250103T000000Z.backup",
        newest,
    }
    assert len(answer.json["removed"]) == 2
    assert run("backup", "shelf", "--verify", "--json").json["path"] == f"shelf/{newest}"


@pytest.mark.usefixtures("entry")
def test_a_damaged_backup_is_the_answer_no_with_the_table_named(run: Run, folder: Path) -> None:
    run("backup", "my.backup")
    assert run("backup", "my.backup", "--verify").code == 0
    spoil(folder / "my.backup", "UPDATE journal_entries SET notes = 'yours'")
    answer = run("backup", "my.backup", "--verify", "--json")
    assert answer.code == 4
    assert "journal_entries" in answer.json["error"]["message"]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("backup", "a/b.backup"), "The folder a does not exist"),
        (("backup", "x.backup", "--keep", "3"), "--keep is for a folder"),
        (("backup", ".", "--verify"), "There is no backup in ."),
        (("restore", "nothing.backup"), "nothing.backup is not there"),
        (("restore", "trading_signals.db"), "is no backup of AlphaForge"),
    ],
)
@pytest.mark.usefixtures("entry")
def test_what_cannot_be_meant_is_said(run: Run, arguments: tuple[str, ...], said: str) -> None:
    answer = run(*arguments)
    assert answer.code in {2, 4}
    assert said in answer.err


@pytest.mark.usefixtures("entry")
def test_a_restore_that_replaces_says_where_the_old_one_is(run: Run, folder: Path, held: Path) -> None:
    run("backup", "my.backup")
    refused = run("restore", "my.backup", "--force")
    assert (refused.code, "Stop the server first" in refused.err) == (4, True)
    del held


@pytest.mark.usefixtures("entry")
def test_replacing_needs_force_and_keeps_the_old_file(run: Run, folder: Path) -> None:
    run("backup", "my.backup")
    refused = run("restore", "my.backup")
    assert (refused.code, "--force" in refused.err) == (4, True)
    answer = run("restore", "my.backup", "--force")
    (aside,) = folder.glob("trading_signals.db.before-restore-*")
    assert str(aside) in answer.out


def test_totals_that_are_no_sums_are_found_by_the_doctor_and_mended_by_a_restore(
    run: Run, entry: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PORT", "0")
    spoil(entry, "UPDATE journal_totals SET trades = 7")
    answer = run("doctor", "--json")
    assert answer.code == 1
    (wrong,) = (check for check in answer.json["checks"] if check["state"] == "failed")
    assert wrong["name"] == "agreement"
    run("backup", "my.backup")
    run("restore", "my.backup", "--force")
    assert run("doctor", "--json").code == 0


@pytest.mark.usefixtures("entry")
def test_anybody_can_read_a_backup(run: Run, folder: Path) -> None:
    made = run("backup", "my.backup", "--json").json
    connection = sqlite3.connect(folder / "my.backup")
    about = dict(connection.execute("SELECT key, value FROM alphaforge_backup"))
    rows = connection.execute("SELECT name, rows, digest FROM alphaforge_backup_tables ORDER BY name").fetchall()
    connection.close()
    assert about["revision"] == made["revision"]
    assert [list(row) for row in rows] == [list(one.values()) for one in made["tables"]]
