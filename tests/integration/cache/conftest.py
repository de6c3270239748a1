"""What the tests of Redis stand on."""

from collections.abc import Iterator

import pytest

from redis_servers import Server


@pytest.fixture
def redis() -> Iterator[Server]:
    server = Server()
    yield server
    server.end()
