"""A browser, and a desk for it to look at, one of each for a test process."""

import asyncio
from asyncio import events
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from processes import Server, server

from browser import chromium
from servers import Unavailable

WILLING = (str(Path(__file__).with_name("willing.py")),)


@pytest.fixture(scope="session")
def started_browser() -> Iterator[tuple[Browser, asyncio.AbstractEventLoop]]:
    """The machine's Chromium, and the loop that drives it from within this thread."""
    try:
        with chromium() as running:
            loop = asyncio.get_running_loop()
            events._set_running_loop(None)
            yield running, loop
            events._set_running_loop(loop)
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture
def browser(started_browser: tuple[Browser, asyncio.AbstractEventLoop]) -> Iterator[Browser]:
    """The machine's Chromium. Between tests its loop does not count as running: others have loops of their own."""
    running, loop = started_browser
    events._set_running_loop(loop)
    yield running
    events._set_running_loop(None)


@pytest.fixture(scope="session")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A desk with its own sandbox, whose strategy makes a signal of nearly every candle. Tests share it."""
    with server(tmp_path_factory.mktemp("desk"), None, program=WILLING) as running:
        yield running
