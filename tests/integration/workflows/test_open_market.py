import pytest

from alphaforge.core.errors import AccessDenied
from alphaforge.workflows.open_market import open_market
from workflow_rooms import Room


async def test_a_scan_after_the_opening_takes_the_candles_that_are_on_their_way(room: Room) -> None:
    await room.pass_time()
    room.sandbox.faults.clear()
    await open_market(room.desk, room.desk.names)
    (result,) = await room.strategy.scan()
    assert (result.evaluated, result.late, result.problem) == (1, False, None)
    assert room.desk.candles.traffic.joined == 1
    assert room.sandbox.faults.requests == {"account": 1, "instruments": 1, "candles": 1}


async def test_an_opening_that_fails_says_why_and_the_next_one_goes_on(room: Room) -> None:
    await room.pass_time()
    await room.fault("status", path="-001/instruments", status=403, times=1)
    with pytest.raises(AccessDenied, match="refuses instruments"):
        await open_market(room.desk, room.desk.names)
    await open_market(room.desk, room.desk.names)
    (result,) = await room.strategy.scan()
    assert (result.evaluated, result.problem) == (1, None)
