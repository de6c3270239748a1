"""Who listens is told everything he wants, together with what came at the same time, and leaves nothing behind."""

import asyncio

import pytest

from alphaforge.stream.listeners import PERIOD, Listener, Stream
from alphaforge.stream.log import KEPT_SECONDS, Choice, Cursor, Kind, Told, parse_cursor

NOW = 1_700_000_000.0
EVERYTHING = Choice()


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def stream(clock: Clock) -> Stream:
    return Stream(clock, most=3_000)


def price(text: str, name: str = "GBP_USD") -> Told:
    return Told(Kind.PRICE, name, text.encode())


def bodies(piece: bytes | None) -> list[str]:
    assert piece is not None
    return [line[6:] for line in piece.decode().splitlines() if line.startswith("data: ")]


def ids(piece: bytes | None) -> list[Cursor]:
    assert piece is not None
    return [parse_cursor(line[4:]) for line in piece.decode().splitlines() if line.startswith("id: ")]


async def following(listener: Listener) -> bytes | None:
    async with asyncio.timeout(5):
        return await listener.next()


async def test_the_first_event_after_a_quiet_moment_comes_at_once_and_the_next_ones_together(stream: Stream) -> None:
    loop = asyncio.get_running_loop()
    with stream.listening(EVERYTHING) as listener:
        stream.tell(price("1"))
        began = loop.time()
        assert bodies(await following(listener)) == ["1"]
        stream.tell(price("2"))
        stream.tell(price("3"))
        assert bodies(await following(listener)) == ["2", "3"]
        assert len(stream._pieces) == 1, "what was joined before is let go"
        assert loop.time() - began >= PERIOD - 0.01, "which is no bound on the machine: it may be later"


async def test_a_thousand_are_told_the_same_and_it_is_joined_once_for_each_choice(stream: Stream) -> None:
    gold = Choice(frozenset({Kind.PRICE}), frozenset({"XAU_USD"}))
    joined: list[Choice] = []
    piece = stream.log.piece

    def counted(place: int, end: int, choice: Choice, seen: Cursor | None = None) -> tuple[bytes, int]:
        joined.append(choice)
        return piece(place, end, choice, seen)

    stream.log.piece = counted  # type: ignore[method-assign] - to see what it is asked
    heard: list[list[str]] = []

    async def listen(choice: Choice) -> None:
        with stream.listening(choice) as listener:
            heard.append(bodies(await following(listener)))

    tasks = [asyncio.create_task(listen((EVERYTHING, gold)[number % 2])) for number in range(1_000)]
    await asyncio.sleep(0)
    assert len(stream) == 1_000
    stream.tell(price("1"))
    stream.tell(price("2", "XAU_USD"))
    await asyncio.gather(*tasks)
    assert sorted(heard) == [["1", "2"]] * 500 + [["2"]] * 500
    assert sorted(joined, key=repr) == sorted([EVERYTHING, gold], key=repr)
    assert len(stream) == 0


async def test_who_comes_new_is_told_how_things_are_of_what_he_wants_and_no_past(stream: Stream) -> None:
    stream.tell(price("past"))
    stream.opening = lambda: [Told(Kind.STATUS, None, b"status"), price("gbp"), price("gold", "XAU_USD")]
    with stream.listening(Choice(frozenset({Kind.PRICE}), frozenset({"XAU_USD"}))) as listener:
        first = await following(listener)
        assert bodies(first) == ["gold"]
        stream.tell(price("new", "XAU_USD"))
        second = await following(listener)
        assert bodies(second) == ["new"]
        assert ids(first)[0].moment < ids(second)[0].moment


async def test_who_goes_on_is_told_what_he_missed_at_once_though_nobody_listened_then(stream: Stream) -> None:
    with stream.listening(EVERYTHING) as listener:
        stream.tell(price("1"))
        last = ids(await following(listener))[-1]
    stream.tell(price("2"))
    stream.tell(Told(Kind.SIGNAL, "GBP_USD", b"3"), 1)
    with stream.listening(EVERYTHING, last) as listener:
        assert bodies(await following(listener)) == ["2", "3"]
        stream.tell(price("4"))
        assert bodies(await following(listener)) == ["4"]


async def test_who_is_away_while_others_listen_misses_nothing_and_hears_nothing_twice(stream: Stream) -> None:
    heard: list[str] = []
    last: Cursor | None = Cursor(0, int(NOW * 1e6))
    with stream.listening(EVERYTHING) as other:
        for number in range(50):
            stream.tell(price(str(number)))
            if number % 3 == 0:
                with stream.listening(EVERYTHING, last) as listener:
                    piece = await following(listener)
                    heard += bodies(piece)
                    last = ids(piece)[-1]
            if number % 7 == 0:
                await following(other)
    assert heard == [str(number) for number in range(len(heard))]
    assert len(heard) >= 49
    assert not stream._pieces, "what was joined is let go"


async def test_who_cannot_go_on_is_told_why_and_how_things_are(stream: Stream, clock: Clock) -> None:
    stream.opening = lambda: [Told(Kind.STATUS, None, b"status")]
    old = Cursor(0, int(NOW * 1e6) - 1)
    stream.tell(price("lost"))
    clock.now += KEPT_SECONDS + 1
    stream.tell(price("kept"))
    for cursor, reason in ((old, "too_old"), (Cursor(9, int(NOW * 1e6)), "unknown")):
        with stream.listening(EVERYTHING, cursor) as listener:
            piece = await following(listener)
            assert piece is not None
            assert piece.startswith(b"event: reset\n")
            assert f'"reason":"{reason}"' in bodies(piece)[0]
            assert bodies(piece)[1:] == ["status"]
            with stream.listening(EVERYTHING, ids(piece)[0]) as again:
                stream.tell(price("next"))
                assert bodies(await following(again)) == ["next"]


async def test_who_reads_too_slowly_for_the_log_is_ended_and_the_others_are_not(stream: Stream, clock: Clock) -> None:
    with stream.listening(EVERYTHING) as slow, stream.listening(EVERYTHING) as quick:
        stream.tell(price("0"))
        await following(slow)
        await following(quick)
        for number in range(1, 4):
            stream.tell(price(str(number)))
            assert str(number) in bodies(await following(quick))
            clock.now += KEPT_SECONDS / 2
        stream.tell(price("4"))
        assert await following(quick) is not None
        assert await following(slow) is None


async def test_who_is_told_nothing_for_long_is_told_up_to_where_he_knows_all(stream: Stream, clock: Clock) -> None:
    signals = Choice(frozenset({Kind.SIGNAL}))
    with stream.listening(signals) as listener:
        waiting = asyncio.create_task(following(listener))
        stream.tell(Told(Kind.REJECTION, "GBP_USD", b"{}"), 5)
        clock.now += 60
        await asyncio.sleep(0)
        stream._deliver()
        stream._beat()
        await asyncio.sleep(0)
        assert not waiting.done(), "he has only just come"
        stream._beat()
        beat = await waiting
        assert beat is not None
        assert beat.startswith(b":\n")
        assert ids(beat) == [Cursor(5, int(clock.now * 1e6))]
        stream.tell(Told(Kind.SIGNAL, "GBP_USD", b"1"), 6)
        with stream.listening(signals, ids(beat)[0]) as again:
            assert bodies(await following(again)) == ["1"]


async def test_a_beat_in_the_midst_of_a_delivery_promises_nothing_that_was_not_told(stream: Stream) -> None:
    with stream.listening(EVERYTHING) as listener:
        waiting = asyncio.create_task(following(listener))
        await asyncio.sleep(0)
        stream._beat()
        stream.tell(price("1"))
        stream._beat()
        said = await waiting
        assert bodies(said) == []
        assert bodies(await following(listener)) == ["1"]
        with stream.listening(EVERYTHING, ids(said)[0]) as again:
            assert bodies(await following(again)) == ["1"]


async def test_the_end_reaches_everybody_and_nobody_comes_after_it(stream: Stream) -> None:
    with stream.listening(EVERYTHING) as waiting, stream.listening(EVERYTHING) as busy:
        asked = asyncio.create_task(following(waiting))
        await asyncio.sleep(0)
        assert not stream.is_full
        stream.end()
        assert await asked is None
        assert await following(busy) is None
    assert stream.is_full


async def test_thousands_come_and_go_and_leave_nothing(stream: Stream) -> None:
    async def listen(number: int) -> None:
        with stream.listening(EVERYTHING) as listener:
            if number % 3:
                await following(listener)

    tasks = [asyncio.create_task(listen(number)) for number in range(2_999)]
    await asyncio.sleep(0)
    for task in tasks[::5]:
        task.cancel()
    stream.tell(price("1"))
    await asyncio.gather(*tasks, return_exceptions=True)
    assert len(stream) == 0
    assert (stream._timer, stream._beating, stream._round) == (None, None, None)


async def test_the_last_one_who_goes_in_the_midst_of_a_delivery_stops_it_and_the_next_is_told(stream: Stream) -> None:
    with stream.listening(EVERYTHING) as listener:
        stream.tell(price("1"))
        await following(listener)
        stream.tell(price("2"))
    with stream.listening(EVERYTHING) as listener:
        stream.tell(price("3"))
        assert bodies(await following(listener)) == ["3"]


def test_it_is_full_when_as_many_listen_as_there_is_room_for(clock: Clock) -> None:
    async def fill() -> None:
        stream = Stream(clock, most=1)
        with stream.listening(EVERYTHING):
            assert stream.is_full
        assert not stream.is_full

    asyncio.run(fill())
