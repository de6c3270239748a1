"""A browser, and a desk for it to look at, one of each for a test process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from processes import Server, server

from browser import chromium
from servers import Unavailable

WILLING = (str(Path(__file__).with_name("willing.py")),)


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """The machine's Chromium."""
    try:
        with chromium() as running:
            yield running
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk with its own sandbox, whose strategy makes a signal of nearly every candle. Tests share it."""
    with server(tmp_path_factory.mktemp("desk"), None, program=WILLING) as running:
        yield running
