import asyncio

import pytest
from structlog.testing import capture_logs

from alphaforge.core.errors import DatabaseBusy
from alphaforge.tasks.settling import PERIOD, settle_every_minute
from alphaforge.tasks.supervisor import RESTART_DELAY, keep_running


async def no_wait(seconds: float) -> None:
    pass


async def test_work_that_fails_is_begun_again_after_a_pause_until_it_returns() -> None:
    begun, waits = 0, []

    async def work() -> None:
        nonlocal begun
        begun += 1
        if begun < 4:
            raise ZeroDivisionError(begun)

    async def wait(seconds: float) -> None:
        waits.append((begun, seconds))

    with capture_logs() as lines:
        await keep_running("arithmetic", work, wait)
    assert begun == 4
    assert [(line["work"], line["log_level"], line["exc_info"]) for line in lines] == [
        ("arithmetic", "error", True)
    ] * 3
    assert waits == [(1, RESTART_DELAY), (2, RESTART_DELAY), (3, RESTART_DELAY)]


async def test_work_that_is_cancelled_is_not_begun_again() -> None:
    begun = asyncio.Event()
    count = 0

    async def work() -> None:
        nonlocal count
        count += 1
        begun.set()
        await asyncio.Event().wait()

    task = asyncio.create_task(keep_running("patience", work, no_wait))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert count == 1


async def test_settling_goes_on_every_minute_through_errors() -> None:
    waits: list[float] = []
    settled = 0

    async def wait(seconds: float) -> None:
        waits.append(seconds)

    async def settle() -> None:
        nonlocal settled
        settled += 1
        assert len(waits) == settled, "first a minute passes"
        if settled == 5:
            raise ZeroDivisionError
        if settled in (1, 3):
            raise DatabaseBusy("no disk today")

    with pytest.raises(ZeroDivisionError):  # what is no error of ours goes to the supervisor
        await settle_every_minute(settle, wait)
    assert settled == 5
    assert waits == [PERIOD] * 5
