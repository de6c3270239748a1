import io
from collections.abc import Iterator

import pytest

from logs import logs_restored


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """What configure_logs writes to; logging and structlog are as before afterwards."""
    with logs_restored():
        yield io.StringIO()
