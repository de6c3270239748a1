from collections.abc import Iterator
from pathlib import Path

import pytest

from alphaforge.cli import main
from alphaforge.settings import Settings
from command_line import Answer, Run
from logs import logs_restored


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty folder in which AlphaForge is started, with no settings but the defaults."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Iterator[Run]:
    """Run a command line in that folder."""

    def run(*arguments: object) -> Answer:
        with pytest.raises(SystemExit) as ended:
            main([str(one) for one in arguments])
        code = ended.value.code
        return Answer(code if isinstance(code, int) else 0, *capsys.readouterr())

    with logs_restored():
        yield run


@pytest.fixture
def database(folder: Path, _sqlite_template: Path) -> Path:
    """A current database, empty, where the default setting looks for it."""
    path = folder / "trading_signals.db"
    path.write_bytes(_sqlite_template.read_bytes())
    return path


@pytest.fixture
def held(database: Path) -> Iterator[Path]:
    """The same, while a server has it."""
    from alphaforge.storage.lock import ProcessLock  # noqa: PLC0415 - only these tests know of locks

    lock = ProcessLock(database)
    lock.take()
    yield database
    lock.release()
