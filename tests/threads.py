"""An event loop in a thread, for servers that a test without a loop talks to."""

import asyncio
from collections.abc import Coroutine
from threading import Thread
from types import TracebackType
from typing import Any, Self, TypeVar

T = TypeVar("T")


class BackgroundLoop:
    """Runs while the block lasts."""

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = Thread(target=self._loop.run_forever, name="background loop")
        self._thread.start()
        return self

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """The coroutine's result, computed over there."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()
