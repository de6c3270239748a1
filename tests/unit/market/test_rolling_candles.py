import asyncio
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.candles import CandleSeries, joined, series_from_columns
from alphaforge.core.errors import DatabaseBusy, MalformedAnswer, MarketError, MarketUnavailable
from alphaforge.market.rolling import RollingCandles
from alphaforge.market.source import CandlePage
from market_builders import M5, MONDAY, STEP, FakeBroker, HandClock, MemoryArchive, same, series

GBP = "GBP_USD"
DAYS = 86_400


def weekdays(candles: CandleSeries) -> CandleSeries:
    """Without Saturdays and Sundays."""
    open_days = (candles.time // DAYS + 3) % 7 < 5
    return series_from_columns(candles.instrument, M5, [column[open_days] for column in candles.columns()])


WEDNESDAY = MONDAY + 2 * DAYS
LONG = weekdays(series(range(WEDNESDAY - 100 * DAYS, WEDNESDAY + 2 * DAYS, STEP)))


@dataclass
class Bench:
    """A rolling window between a broker, an archive and a clock, all in memory."""

    clock: HandClock
    broker: FakeBroker
    archive: MemoryArchive
    rolling: RollingCandles

    @property
    def held(self) -> CandleSeries:
        return self.rolling.series(GBP)


def bench(history: CandleSeries = LONG, *, capacity: int = 13_000, now: float = WEDNESDAY + 1.0) -> Bench:
    clock = HandClock(now)
    broker, archive = FakeBroker(clock, {GBP: history}), MemoryArchive()
    return Bench(clock, broker, archive, RollingCandles(broker, archive, clock, capacity))


async def filled(**options: Any) -> Bench:
    """A bench after its first refresh, with no request on record."""
    there = bench(**options)
    await there.rolling.refresh(GBP)
    there.broker.asked.clear()
    return there


# the first fetch


async def test_the_first_refresh_brings_the_newest_page_then_full_pages_before_it() -> None:
    there = bench()
    refreshed = await there.rolling.refresh(GBP)
    assert same(there.held, there.broker.closed().last(len(there.held)))
    assert len(there.held) >= 13_000
    assert same(refreshed.new, there.held)
    newest_first = there.broker.closed().time[::-1]
    edges = [int(newest_first[4_998]), int(newest_first[9_998])]  # the newest page has a forming candle too
    assert there.broker.asked == [{"start": None, "end": end, "count": 5_000} for end in (None, *edges)]


@pytest.mark.parametrize("most", [4_999, 2_500, 700])
async def test_a_short_page_is_not_taken_for_the_end(most: int) -> None:
    there = bench()
    there.broker.most = most
    await there.rolling.refresh(GBP)
    assert len(there.held) >= 13_000
    assert same(there.held, there.broker.closed().last(len(there.held)))


async def test_a_month_without_prices_is_not_taken_for_the_beginning_of_history() -> None:
    newest = LONG.until(WEDNESDAY).last(5_000)
    older = LONG.until(int(newest.time[0]) - 30 * DAYS)  # a whole window without a candle lies between
    there = bench(joined(older, newest))
    await there.rolling.refresh(GBP)
    assert len(older) > 8_000
    assert len(there.held) >= 13_000
    assert same(there.held, there.broker.closed().last(len(there.held)))


async def test_where_history_begins_the_window_ends_and_is_filled() -> None:
    there = bench(LONG.last(8_000))
    await there.rolling.refresh(GBP)
    assert same(there.held, there.broker.closed())
    assert there.rolling.status(GBP).filled
    there.broker.asked.clear()
    await there.rolling.refresh(GBP)
    assert len(there.broker.asked) == 1


async def test_an_instrument_without_any_price_is_asked_once_and_empty() -> None:
    there = bench(LONG.rows(0, 0))
    refreshed = await there.rolling.refresh(GBP)
    assert len(refreshed.new) == len(there.held) == 0
    assert len(there.broker.asked) == 1
    assert there.rolling.age(GBP) is None


async def test_a_first_fetch_that_fails_midway_leaves_nothing_and_the_next_one_everything() -> None:
    there = bench()
    there.broker.fail_at = 3
    with pytest.raises(MarketUnavailable):
        await there.rolling.refresh(GBP)
    assert len(there.held) == 0
    assert there.archive.kept == {}
    await there.rolling.refresh(GBP)
    assert len(there.held) >= 13_000


async def test_only_a_few_windows_are_fetched_from_their_beginning_at_once() -> None:
    names = [f"AA{letter}_USD" for letter in "ABCDEFGHIJ"]
    under_way, most = 0, 0

    class Counted(FakeBroker):
        async def candles(self, *args: Any, **asked: Any) -> CandlePage:
            nonlocal under_way, most
            under_way += 1
            most = max(most, under_way)
            await asyncio.sleep(0)
            under_way -= 1
            return await super().candles(*args, **asked)

    clock = HandClock(WEDNESDAY + 1.0)
    broker = Counted(clock, {name: series(range(MONDAY, WEDNESDAY, STEP), name) for name in names})
    rolling = RollingCandles(broker, MemoryArchive(), clock, 100)
    await asyncio.gather(*(rolling.refresh(name) for name in names))
    assert most == 6
    clock.time += STEP
    most = 0
    await asyncio.gather(*(rolling.refresh(name) for name in names))
    assert most == len(names), "what closed since is asked for side by side"


async def test_after_a_restart_the_archive_is_the_memory() -> None:
    there = await filled()
    again = RollingCandles(there.broker, there.archive, there.clock)
    await again.load([GBP])
    assert same(again.series(GBP), there.held.last(13_000))
    assert there.broker.asked == []


async def test_an_archive_that_has_only_the_newest_candles_is_filled_backwards() -> None:
    there = bench()
    await there.archive.keep(there.broker.closed().last(3_000))
    await there.rolling.load([GBP])
    refreshed = await there.rolling.refresh(GBP)
    assert len(refreshed.new) == 0
    assert refreshed.backfilled == len(there.archive.kept[GBP]) - 3_000
    assert same(there.held, there.broker.closed().last(13_000))
    assert same(there.archive.kept[GBP].last(13_000), there.held)


# the refresh after a close


async def test_a_warm_refresh_is_one_request_for_what_can_be_missing() -> None:
    there = await filled()
    last = int(there.held.time[-1])
    there.clock.time += STEP
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.new.time.tolist() == [last + STEP]
    (asked,) = there.broker.asked
    assert asked["end"] is None
    assert asked["start"] <= last
    assert (last + STEP - asked["start"]) // STEP < asked["count"] <= 10


async def test_nothing_new_is_nothing_new() -> None:
    there = await filled()
    before = there.held
    refreshed = await there.rolling.refresh(GBP)
    assert len(refreshed.new) == len(refreshed.revised) == 0
    assert there.held is before


async def test_a_forming_candle_is_never_held() -> None:
    there = await filled(now=WEDNESDAY + 299.0)
    assert there.held.end == WEDNESDAY
    assert not there.rolling.status(GBP).late


async def test_a_candle_that_ended_without_being_complete_is_late_and_holds_up_those_after_it() -> None:
    there = await filled()
    there.broker.incomplete = {WEDNESDAY}
    there.clock.time = WEDNESDAY + 3 * STEP + 1.0
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.late
    assert there.rolling.status(GBP).late
    assert there.held.end == WEDNESDAY
    there.broker.incomplete = set()
    refreshed = await there.rolling.refresh(GBP)
    assert not refreshed.late
    assert refreshed.new.time.tolist() == [WEDNESDAY, WEDNESDAY + STEP, WEDNESDAY + 2 * STEP]


async def test_a_revised_candle_is_replaced_in_memory_and_archive_and_reported() -> None:
    there = await filled()
    last = int(there.held.time[-1])
    before = there.held
    there.broker.revise(last)
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.revised.time.tolist() == [last]
    assert len(refreshed.new) == 0
    assert same(there.held, there.broker.closed().last(len(there.held)))
    assert same(there.archive.kept[GBP].last(1), there.held.last(1))
    assert not same(before.last(1), there.held.last(1))  # what was handed out is still what it was


async def test_a_candle_that_appears_late_among_the_newest_is_put_in_its_place() -> None:
    history = series(range(WEDNESDAY - 400 * STEP, WEDNESDAY + 9 * STEP, STEP))
    missing = history.time != WEDNESDAY - 2 * STEP
    there = await filled(history=series_from_columns(GBP, M5, [c[missing] for c in history.columns()]), capacity=300)
    there.broker.history[GBP] = history
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.revised.time.tolist() == [WEDNESDAY - 2 * STEP]
    assert same(there.held, there.broker.closed().last(len(there.held)))


async def test_a_weekend_is_one_request() -> None:
    there = await filled(now=MONDAY - 2 * DAYS)  # Saturday: the last candle is Friday's
    there.clock.time = MONDAY + 2 * STEP + 1.0
    refreshed = await there.rolling.refresh(GBP)
    assert len(there.broker.asked) == 1
    assert refreshed.new.time.tolist() == [MONDAY, MONDAY + STEP]


@pytest.mark.parametrize("days", [20, 40, 60])
async def test_a_gap_of_weeks_is_filled_by_windows(days: int) -> None:
    there = await filled(now=WEDNESDAY - days * DAYS + 1.0)
    before = len(there.held)
    there.clock.time = WEDNESDAY + 1.0
    refreshed = await there.rolling.refresh(GBP)
    assert len(there.broker.asked) == -(-(days * DAYS) // (4_998 * STEP))
    assert same(there.held, there.broker.closed().last(len(there.held)))
    assert same(refreshed.new, there.broker.closed().after(WEDNESDAY - days * DAYS))
    assert min(before, 13_000) <= len(there.held)


async def test_a_late_candle_within_a_gap_holds_up_all_after_it() -> None:
    late = WEDNESDAY - 29 * DAYS
    there = await filled(now=WEDNESDAY - 40 * DAYS + 1.0)
    there.broker.incomplete = {late}
    there.clock.time = WEDNESDAY + 1.0
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.late
    assert there.held.end == late
    there.broker.incomplete = set()
    await there.rolling.refresh(GBP)
    assert same(there.held, there.broker.closed().last(len(there.held)))


@pytest.mark.parametrize("most", [20, 7])
async def test_a_short_page_after_a_close_is_followed_to_the_end(most: int) -> None:
    there = await filled()
    there.clock.time += 50 * STEP
    there.broker.most = most
    refreshed = await there.rolling.refresh(GBP)
    assert len(refreshed.new) == 50
    assert same(there.held, there.broker.closed().last(len(there.held)))


async def test_a_gap_longer_than_the_window_is_not_filled_but_left_behind() -> None:
    there = await filled(now=WEDNESDAY - 99 * DAYS + 1.0, capacity=2_000)
    there.clock.time = WEDNESDAY + 1.0
    await there.rolling.refresh(GBP)
    assert len(there.broker.asked) == 1
    assert same(there.held, there.broker.closed().last(len(there.held)))


async def test_more_candles_than_the_clock_let_expect_are_asked_for_to_the_end() -> None:
    there = await filled()
    there.clock.time = WEDNESDAY + 300 * STEP + 1.0
    there.rolling.clock = HandClock(WEDNESDAY + 1.0)  # ours stands still: each answer seems to be from the future
    with pytest.raises(MalformedAnswer, match="future"):
        await there.rolling.refresh(GBP)
    there.rolling.clock = there.clock
    await there.rolling.refresh(GBP)
    assert same(there.held, there.broker.closed().last(len(there.held)))


# faults


async def test_an_answer_that_is_refused_changes_nothing() -> None:
    there = await filled()
    before, kept = there.held, there.archive.kept[GBP]
    there.clock.time += STEP
    there.broker.failures = [MalformedAnswer("out of order")]
    with pytest.raises(MalformedAnswer):
        await there.rolling.refresh(GBP)
    assert there.held is before
    assert there.archive.kept[GBP] is kept
    assert there.rolling.status(GBP).error == "out of order"


async def test_an_empty_answer_about_known_candles_is_not_believed() -> None:
    there = await filled()
    before = there.held
    there.clock.time += STEP
    there.broker.empty_at = {1}
    assert len((await there.rolling.refresh(GBP)).new) == 1
    there.broker.asked.clear()
    there.broker.empty_at = {1, 2}
    with pytest.raises(MalformedAnswer, match="of which it had some"):
        await there.rolling.refresh(GBP)
    assert len(there.held) == len(before) + 1


@pytest.mark.parametrize("empty", [{3}, {2, 3, 4}])
async def test_an_empty_page_of_history_is_asked_for_again_before_it_is_believed(empty: set[int]) -> None:
    there = bench()
    there.broker.empty_at = empty
    await there.rolling.refresh(GBP)
    assert same(there.held, there.broker.closed().last(len(there.held)))
    assert len(there.held) >= 13_000
    assert len(there.broker.asked) == 3 + len(empty)


async def test_a_history_that_comes_a_few_candles_at_a_time_is_given_up() -> None:
    there = bench()
    there.broker.most = 2
    with pytest.raises(MalformedAnswer, match="a few at a time"):
        await there.rolling.refresh(GBP)
    assert there.archive.kept == {}


async def test_candles_of_long_ago_that_are_not_complete_are_refused() -> None:
    there = bench()
    there.broker.incomplete = {int(there.broker.closed().time[-7_000])}
    with pytest.raises(MalformedAnswer, match="long ago"):
        await there.rolling.refresh(GBP)


async def test_candles_from_the_future_are_refused() -> None:
    there = await filled()
    before = there.held
    there.broker.clock = HandClock(WEDNESDAY + 5 * STEP)
    with pytest.raises(MalformedAnswer, match="future"):
        await there.rolling.refresh(GBP)
    assert there.held is before


async def test_a_clock_before_all_candles_is_said_to_be_wrong() -> None:
    there = await filled()
    there.clock.time = WEDNESDAY - 9 * DAYS
    with pytest.raises(MarketError, match="clock says 2024-06-24"):
        await there.rolling.refresh(GBP)


async def test_memory_does_not_run_ahead_of_an_archive_that_fails() -> None:
    there = await filled()
    before = there.held
    there.clock.time += STEP
    there.archive.broken = DatabaseBusy("no connection became free")
    with pytest.raises(DatabaseBusy):
        await there.rolling.refresh(GBP)
    assert there.held is before
    assert "no connection" in there.rolling.status(GBP).error
    there.archive.broken = None
    refreshed = await there.rolling.refresh(GBP)
    assert refreshed.new.time.tolist() == [WEDNESDAY]
    assert there.rolling.status(GBP).error == ""


async def test_a_failed_instrument_does_not_hinder_another() -> None:
    there = await filled()
    there.broker.history["XAU_USD"] = series(range(WEDNESDAY - 100 * STEP, WEDNESDAY, STEP), "XAU_USD")
    there.broker.failures = [MarketUnavailable("down")]
    with pytest.raises(MarketUnavailable):
        await there.rolling.refresh(GBP)
    await there.rolling.refresh("XAU_USD")
    assert len(there.rolling.series("XAU_USD")) == 100
    assert there.rolling.status(GBP).error == "down"


# several who ask at once


async def test_those_who_ask_at_once_share_one_fetch() -> None:
    there = await filled()
    there.clock.time += STEP
    answers = await asyncio.gather(*(there.rolling.refresh(GBP) for _ in range(5)))
    assert len(there.broker.asked) == 1
    assert all(answer is answers[0] for answer in answers)
    assert there.rolling.traffic.joined == 4


async def test_one_who_goes_away_takes_no_one_elses_answer_with_him() -> None:
    there = await filled()
    there.clock.time += STEP
    first = asyncio.create_task(there.rolling.refresh(GBP))
    second = asyncio.create_task(there.rolling.refresh(GBP))
    await asyncio.sleep(0)
    first.cancel()
    assert len((await second).new) == 1
    assert first.cancelled()


async def test_one_who_asks_after_a_close_does_not_share_what_was_asked_before_it() -> None:
    there = await filled()
    there.broker.together = answering = asyncio.Barrier(2)
    there.broker.wait_always = True
    early = asyncio.create_task(there.rolling.refresh(GBP))
    await asyncio.sleep(0)
    there.clock.time += STEP
    late = [asyncio.create_task(there.rolling.refresh(GBP)) for _ in range(2)]
    await answering.wait()
    there.broker.together = None
    first, *others = await asyncio.gather(early, *late)
    assert len(there.broker.asked) == 2
    assert others[0] is others[1] is not first


async def test_a_shared_failure_is_everyones_and_the_next_one_asks_anew() -> None:
    there = await filled()
    there.broker.failures = [MarketUnavailable("down")]
    answers = await asyncio.gather(*(there.rolling.refresh(GBP) for _ in range(3)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [MarketUnavailable] * 3
    await there.rolling.refresh(GBP)
    assert len(there.broker.asked) == 2


async def test_closing_ends_what_is_under_way() -> None:
    there = await filled()
    there.broker.together = asyncio.Barrier(99)
    there.broker.wait_always = True
    waiting = asyncio.create_task(there.rolling.refresh(GBP))
    await asyncio.sleep(0)
    await there.rolling.aclose()
    with pytest.raises(asyncio.CancelledError):
        await waiting


# what is shown


async def test_the_age_is_counted_from_the_last_close_in_real_seconds() -> None:
    there = await filled()
    there.clock.time = WEDNESDAY + 90.0
    assert there.rolling.age(GBP) == 90.0
    there.clock.speed = 60.0
    assert there.rolling.age(GBP) == 1.5


async def test_the_status_says_how_the_window_stands() -> None:
    there = bench()
    assert there.rolling.status(GBP).candles == 0
    assert not there.rolling.status(GBP).filled
    await there.rolling.refresh(GBP)
    status = there.rolling.status(GBP)
    assert (status.candles, status.capacity, status.filled) == (len(there.held), 13_000, True)
    assert (status.last_end, status.late, status.error) == (WEDNESDAY, False, "")
    assert status.refreshed_at is not None
    assert there.rolling.traffic.candles_new == len(there.held)


async def test_the_series_is_kept_until_something_changes_and_cannot_be_written() -> None:
    there = await filled()
    assert there.held is there.held
    for column in there.held.columns():
        assert not column.flags.writeable


# whatever happens


class Life:
    """A market and a desk that meet all that a market and a network can do to each other."""

    def __init__(self) -> None:
        self.candles = series(range(WEDNESDAY - 900 * STEP, WEDNESDAY + 400 * STEP, STEP))
        self.there = bench(self.candles.rows(0, 900), capacity=500, now=WEDNESDAY + 1.0)
        self.handed_out: list[tuple[CandleSeries, CandleSeries]] = []

    async def do(self, action: str, size: int) -> None:
        await getattr(self, action)(size)

    async def passing(self, size: int) -> None:
        broker, clock = self.there.broker, self.there.clock
        clock.time += size * STEP
        begun = int(np.searchsorted(self.candles.time, clock.time))
        broker.history[GBP] = joined(self.candles.rows(0, begun), broker.history[GBP])

    async def quiet(self, size: int) -> None:
        """Time passes without a price."""
        now = self.there.clock.time
        there = (self.candles.time < now) | (self.candles.time >= now + size * STEP)
        self.candles = series_from_columns(GBP, M5, [column[there] for column in self.candles.columns()])
        self.there.clock.time += size * STEP

    async def late(self, size: int) -> None:
        self.there.broker.incomplete = {int(self.there.clock.time) // STEP * STEP - STEP * (size % 3)}

    async def complete(self, size: int) -> None:
        self.there.broker.incomplete = set()

    async def revise(self, size: int) -> None:
        if len(self.there.held):
            self.there.broker.revise(int(self.there.held.time[-1 - size % 3]))

    async def short_pages(self, size: int) -> None:
        self.there.broker.most = size + 4

    async def long_pages(self, size: int) -> None:
        self.there.broker.most = 5_000

    async def failing_broker(self, size: int) -> None:
        self.there.broker.failures = [MarketUnavailable("down")]

    async def failing_archive(self, size: int) -> None:
        self.there.archive.broken = DatabaseBusy("busy")

    async def restart(self, size: int) -> None:
        there = self.there
        there.rolling = RollingCandles(there.broker, there.archive, there.clock, 500)
        await there.rolling.load([GBP])

    async def refresh(self, size: int) -> None:
        there = self.there
        before = there.held
        copy = series_from_columns(GBP, M5, [column.copy() for column in before.columns()])
        self.handed_out.append((before, copy))
        try:
            await there.rolling.refresh(GBP)
        except (MarketUnavailable, MalformedAnswer, DatabaseBusy):
            assert there.held is before or same(there.held, before)
        there.archive.broken = None
        there.broker.failures = []


ACTIONS = ["passing", "quiet", "late", "complete", "revise", "short_pages", "long_pages"]
FAULTS = ["failing_broker", "failing_archive", "restart"]
LIFE = st.sampled_from([*ACTIONS, *FAULTS, "passing", "refresh", "refresh", "refresh"])


@settings(max_examples=60, deadline=None, report_multiple_bugs=False)
@given(st.lists(st.tuples(LIFE, st.integers(1, 60)), max_size=25))
def test_whatever_happens_the_window_is_exactly_the_closed_candles_of_the_broker(
    actions: list[tuple[str, int]],
) -> None:
    async def live() -> None:
        life = Life()
        for action, size in actions:
            await life.do(action, size)
        there = life.there
        there.broker.incomplete, there.broker.failures, there.archive.broken = set(), [], None
        await there.rolling.refresh(GBP)
        closed = there.broker.closed()
        assert same(there.held, closed.last(len(there.held)))
        assert len(there.held) >= min(500, len(closed))
        assert same(there.archive.kept[GBP].last(len(there.held)), there.held)
        for series_then, copy in life.handed_out:
            assert same(series_then, copy)

    asyncio.run(live())
