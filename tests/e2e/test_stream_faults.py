"""A small part of what stream_faults.py shows, with a silence of less than a second."""

import asyncio

from stream_faults import OPENINGS, QUICK, live


async def test_stream_faults_are_survived_and_the_closed_candles_are_the_markets() -> None:
    outcomes = await asyncio.gather(*(live(seed, QUICK) for seed in range(3)))
    assert [what for one in outcomes for what in one.wrong] == []
    assert all(one.candles for one in outcomes)
    assert max(one.openings for one in outcomes) <= OPENINGS
    assert all(len(one.detected) == len(one.priced) == QUICK.outages for one in outcomes)
