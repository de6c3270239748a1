import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.market.oanda.limiter import WindowLimiter


class FakeTime:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    async def sleep(self, seconds: float) -> None:
        self.now += seconds
        await asyncio.sleep(0)


def passed(limit: int, window: float, pauses: list[float]) -> list[float]:
    """The moments at which events pass that come after these pauses, each from a task of its own."""
    time = FakeTime()
    limiter = WindowLimiter(limit, window, now=time, sleep=time.sleep)
    moments: list[float] = []

    async def event() -> None:
        await limiter.acquire()
        moments.append(time.now)

    async def all_events() -> None:
        tasks = []
        for pause in pauses:
            time.now += pause
            tasks.append(asyncio.create_task(event()))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(all_events())
    return moments


def most_in_a_window(moments: list[float], window: float) -> int:
    # a window that ends just before `window` seconds have passed holds all it can
    return max(sum(start <= moment < start + window for moment in moments) for start in moments)


pauses = st.lists(st.floats(0, 1.5, allow_nan=False) | st.just(0.0), min_size=1, max_size=40)


@settings(deadline=None, max_examples=60)
@given(pauses)
def test_no_window_of_a_second_ever_holds_more_than_two_openings(times: list[float]) -> None:
    assert most_in_a_window(passed(2, 1.0, times), 1.0) <= 2


@settings(deadline=None, max_examples=60)
@given(st.lists(st.floats(0, 0.05) | st.just(0.0), min_size=1, max_size=60))
def test_no_window_of_a_second_ever_holds_more_requests_than_allowed(times: list[float]) -> None:
    assert most_in_a_window(passed(10, 1.0, times), 1.0) <= 10


@settings(deadline=None, max_examples=60)
@given(pauses)
def test_every_event_passes_in_the_end_and_none_before_it_asked(times: list[float]) -> None:
    moments = passed(2, 1.0, times)
    asked, now = [], 0.0
    for pause in times:
        now += pause
        asked.append(now)
    assert len(moments) == len(times)
    assert all(moment >= ask for moment, ask in zip(sorted(moments), asked, strict=True))


@settings(deadline=None, max_examples=60)
@given(pauses)
def test_events_pass_in_the_order_in_which_they_asked(times: list[float]) -> None:
    assert order_of_passing(times) == list(range(len(times)))


def order_of_passing(pauses: list[float]) -> list[int]:
    time = FakeTime()
    limiter = WindowLimiter(2, 1.0, now=time, sleep=time.sleep)
    order: list[int] = []

    async def event(number: int) -> None:
        await limiter.acquire()
        order.append(number)

    async def all_events() -> None:
        tasks = []
        for number, pause in enumerate(pauses):
            time.now += pause
            tasks.append(asyncio.create_task(event(number)))
            await asyncio.sleep(0)
        await asyncio.gather(*tasks)

    asyncio.run(all_events())
    return order


async def test_who_wakes_too_early_sleeps_on() -> None:
    time = FakeTime()

    async def doze(seconds: float) -> None:
        time.now += seconds / 2 if seconds > 0.01 else seconds

    limiter = WindowLimiter(1, 1.0, now=time, sleep=doze)
    await limiter.acquire()
    await limiter.acquire()
    assert time.now >= 1.0


def test_as_many_as_allowed_pass_at_once() -> None:
    assert passed(100, 1.0, [0.0] * 100) == [0.0] * 100


def test_the_one_too_many_waits_for_the_oldest_to_leave_the_window() -> None:
    assert passed(2, 1.1, [0.0, 0.5, 0.0]) == [0.0, 0.5, 1.1]


async def test_what_is_free_is_what_would_not_wait() -> None:
    time = FakeTime()
    limiter = WindowLimiter(2, 1.0, now=time, sleep=time.sleep)
    assert (limiter.free(), limiter.wait()) == (2, 0.0)
    await limiter.acquire()
    assert (limiter.free(), limiter.wait()) == (1, 0.0)
    await limiter.acquire()
    assert (limiter.free(), limiter.wait()) == (0, 1.0)
    time.now = 1.0
    assert (limiter.free(), limiter.wait()) == (2, 0.0)


async def test_one_who_gives_up_while_waiting_takes_no_place() -> None:
    waiting_began = asyncio.Event()

    async def wait_for_ever(_: float) -> None:
        waiting_began.set()
        await asyncio.Event().wait()

    time = FakeTime()
    limiter = WindowLimiter(1, 1.0, now=time, sleep=wait_for_ever)
    await limiter.acquire()
    waiting = asyncio.create_task(limiter.acquire())
    await waiting_began.wait()
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    time.now = 1.0
    assert limiter.free() == 1


async def test_an_event_that_happens_later_than_it_was_let_pass_is_counted_as_of_then() -> None:
    time = FakeTime()
    limiter = WindowLimiter(2, 1.0, now=time, sleep=time.sleep)
    first, _ = await limiter.acquire(), await limiter.acquire()
    time.now = 0.4
    limiter.happened(first)
    await limiter.acquire()
    assert time.now == 1.0, "the second one is the oldest now"
    assert await limiter.acquire() == 1.4
    limiter.happened(first)
    assert abs(limiter.wait() - 0.6) < 1e-9, "one that is long past counts no more"
