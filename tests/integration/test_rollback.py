"""The rollback drill's first half: every optimization off. The way back to the predecessor's schema is in storage/."""

from random import Random

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.api.services import ApiOptions
from alphaforge.storage.engine import Database
from desk_traffic import QUESTIONS, Traffic, ask, decoded
from doors import door, fresh, services_of

OFF = ApiOptions(
    max_page_size=1_000, enable_cache=False, enable_compression=False, rate_limit_per_minute=0, cache_bytes=0
)
ON = ApiOptions(max_page_size=1_000, rate_limit_per_minute=1_000_000)


async def test_with_every_switch_off_the_answers_are_the_same(database: Database) -> None:
    traffic = Traffic([door(database)], fresh(database), Random(6))
    for _ in range(6):
        await traffic.write()
    fast = from_memory_first(create_app(services_of(database), ON), lambda *_: None)
    plain = from_memory_first(create_app(services_of(database), OFF), lambda *_: None)
    for question in QUESTIONS:
        target = question.format(signal=traffic.signals[0] if traffic.signals else 1, entry=1)
        quick = [await ask(fast, "GET", target, headers={"accept-encoding": "zstd"}) for _ in range(2)]
        slow = await ask(plain, "GET", target, headers={"accept-encoding": "zstd"})
        assert {one.status for one in (*quick, slow)} == {slow.status}
        assert "content-encoding" not in slow.headers
        if slow.status == 200:
            assert {decoded(one) for one in (*quick, slow)} == {slow.body}
            assert slow.headers["x-cache"] == "bypass"
