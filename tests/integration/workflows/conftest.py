import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from conftest import run_apart
from workflow_rooms import Room, room_at


@pytest.fixture(scope="session")
def loaded_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database file of a desk that has loaded its window and made one evaluation, to be copied."""
    path = tmp_path_factory.mktemp("loaded") / "alphaforge.db"

    async def prepared() -> None:
        async with room_at(f"sqlite:///{path}") as room:
            (result,) = await room.strategy.scan()
            assert result.evaluated == 1

    run_apart(prepared())
    return path


@pytest.fixture
async def room(loaded_file: Path, tmp_path: Path) -> AsyncIterator[Room]:
    """A desk that has evaluated the candle which closed at BOUNDARY; it is five seconds later."""
    shutil.copyfile(loaded_file, tmp_path / "alphaforge.db")
    async with room_at(f"sqlite:///{tmp_path / 'alphaforge.db'}") as room:
        yield room
