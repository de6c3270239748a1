from collections.abc import Iterator

import pytest

from alphaforge.settings import Settings
from logs import logs_restored


@pytest.fixture(autouse=True)
def _as_on_a_bare_machine(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """No settings but the defaults, and logs as before afterwards."""
    for name in Settings.model_fields:
        monkeypatch.delenv(name.upper(), raising=False)
    with logs_restored():
        yield
