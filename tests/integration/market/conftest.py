from collections.abc import AsyncIterator

import pytest

from market_server import Broker, running_broker


@pytest.fixture
async def broker() -> AsyncIterator[Broker]:
    """A broker on a loopback port, see market_server."""
    async with running_broker() as broker:
        yield broker
