import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import pytest

from alphaforge.core.clock import CLOCK_DOUBT
from alphaforge.core.errors import DatabaseBusy
from alphaforge.tasks.scanning import CLOSE_DELAY, COMPLETION_LIMIT, ScanSchedule
from alphaforge.workflows.scan_market import ScanResult
from market_builders import HandClock

M5 = 300
MONDAY = 1_736_121_600
NAMES = ("GBP_USD", "XAU_USD")


class Enough(Exception):
    """Ends a schedule that runs for ever."""


@dataclass
class Stage:
    """A clock that only waiting moves, and a market that is late as told. `steps` waits are allowed."""

    clock: HandClock
    steps: int = 3_000
    late_from: float = 0.0
    late_until: float = 0.0
    late_names: tuple[str, ...] = NAMES
    fails: int = 0
    was_open: Callable[[str, int], bool] = lambda name, boundary: True
    scans: list[tuple[float, tuple[str, ...]]] = field(default_factory=list)
    waits: list[float] = field(default_factory=list)
    jumps: dict[int, float] = field(default_factory=dict)
    most_scans: int = 1_000

    async def wait(self, seconds: float) -> None:
        self.waits.append(seconds)
        if len(self.waits) >= self.steps:
            raise Enough
        self.clock.time += seconds * self.clock.speed + self.jumps.pop(len(self.waits), 0.0)

    async def scan(self, names: Sequence[str]) -> list[ScanResult]:
        self.scans.append((self.clock.now(), tuple(names)))
        if len(self.scans) >= self.most_scans:
            raise Enough
        if len(self.scans) <= self.fails:
            raise DatabaseBusy("no disk today")
        late = self.late_from <= self.clock.now() < self.late_until
        return [ScanResult(name, None, None, "", late=late and name in self.late_names) for name in names]

    async def run(self) -> list[float]:
        """Run the schedule to the end of the stage; the moments of its scans."""
        schedule = ScanSchedule(self.scan, self.clock, lambda: NAMES, self.was_open, self.wait)
        with pytest.raises(Enough):
            await schedule.run()
        return [moment for moment, _ in self.scans]


def closes(moments: list[float]) -> list[int]:
    """The close that each scan is about."""
    return [int(moment // M5) * M5 for moment in moments]


async def test_the_first_scan_is_at_once_and_the_next_after_each_close() -> None:
    moments = await Stage(HandClock(MONDAY + 100.0), most_scans=4).run()
    assert moments[0] == MONDAY + 100
    assert closes(moments[1:]) == [MONDAY + M5, MONDAY + 2 * M5, MONDAY + 3 * M5]


@pytest.mark.parametrize("speed", [1.0, 60.0, 1_000.0])
async def test_no_candle_is_asked_for_at_its_boundary_itself(speed: float) -> None:
    moments = await Stage(HandClock(MONDAY + 1.0, speed), most_scans=6).run()
    for moment in moments[1:]:
        assert moment % M5 >= CLOSE_DELAY + CLOCK_DOUBT * speed - 1e-6


@pytest.mark.parametrize("late", [0.7, 3.0, 45.0])
async def test_a_late_candle_is_asked_for_until_it_is_there(late: float) -> None:
    there = MONDAY + M5 + late
    stage = Stage(HandClock(MONDAY + 10.0), late_until=there, late_names=("XAU_USD",), steps=600)
    stage.late_from = MONDAY + M5
    await stage.run()
    asked = [(moment, names) for moment, names in stage.scans if MONDAY + M5 < moment < MONDAY + 2 * M5]
    assert asked[0][1] == NAMES
    assert {names for _, names in asked[1:]} == {("XAU_USD",)}, "who has his candle is left in peace"
    assert asked[-1][0] >= there > asked[-2][0]
    assert asked[-1][0] - there <= 5.0, "and it is taken soon after it is there"


async def test_a_candle_that_never_comes_is_given_up_until_the_next_close() -> None:
    stage = Stage(HandClock(MONDAY + M5 - 1.0), late_until=float("inf"), most_scans=100)
    moments = await stage.run()
    first = [moment - MONDAY - M5 for moment in moments if MONDAY + M5 < moment < MONDAY + 2 * M5]
    assert COMPLETION_LIMIT < first[-1] <= COMPLETION_LIMIT + 5.0
    assert len(first) < 20
    assert any(moment > MONDAY + 2 * M5 for moment in moments)


async def test_the_limit_is_one_of_real_seconds_in_a_fast_market_too() -> None:
    stage = Stage(HandClock(MONDAY + M5 - 1.0, 2.0), late_until=float("inf"), most_scans=60)
    moments = await stage.run()
    first = [moment - MONDAY - M5 for moment in moments if MONDAY + M5 < moment < MONDAY + 2 * M5]
    assert 2 * COMPLETION_LIMIT < first[-1] <= 2 * (COMPLETION_LIMIT + 5.0)


async def test_a_closed_market_is_left_in_peace() -> None:
    stage = Stage(HandClock(MONDAY + 1.0), steps=2_000)
    stage.was_open = lambda name, boundary: boundary == MONDAY + 3 * M5 and name == "XAU_USD"
    moments = await stage.run()
    assert closes(moments) == [MONDAY, MONDAY + 3 * M5]
    assert stage.scans[1][1] == ("XAU_USD",)


async def test_a_failed_scan_is_left_to_the_next_close() -> None:
    moments = await Stage(HandClock(MONDAY + 1.0), fails=2, most_scans=4).run()
    assert closes(moments) == [MONDAY, MONDAY + M5, MONDAY + 2 * M5, MONDAY + 3 * M5]


async def test_what_is_no_error_of_ours_is_not_kept_quiet() -> None:
    async def broken(names: Sequence[str]) -> list[ScanResult]:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await ScanSchedule(broken, HandClock(), lambda: NAMES, lambda name, boundary: True).run()


async def test_after_a_long_sleep_one_scan_catches_up_with_all_closes() -> None:
    stage = Stage(HandClock(MONDAY + 1.0), jumps={10: 8 * 3_600.0}, most_scans=3)
    moments = await stage.run()
    woken = MONDAY + 8 * 3_600
    assert closes(moments) == [MONDAY, woken, woken + M5], "not one scan for each close that was slept through"


async def test_a_clock_set_forward_skips_no_close_that_is_still_to_come() -> None:
    stage = Stage(HandClock(MONDAY + 1.0), jumps={5: 700.0}, most_scans=4)
    assert closes(await stage.run()) == [MONDAY + step * M5 for step in (0, 2, 3, 4)]


async def test_a_clock_that_was_days_ahead_goes_on_with_the_next_close_of_the_right_time() -> None:
    stage = Stage(HandClock(MONDAY + 86_400.0), jumps={5: -86_400.0}, most_scans=4)
    moments = await stage.run()
    assert closes(moments) == [MONDAY + 86_400, MONDAY + M5, MONDAY + 2 * M5, MONDAY + 3 * M5]


async def test_a_clock_set_back_waits_for_the_close_that_was_not_scanned_yet() -> None:
    stage = Stage(HandClock(MONDAY + M5 + 100.0), jumps={5: -200.0}, most_scans=3)
    assert closes(await stage.run()) == [MONDAY + M5, MONDAY + 2 * M5, MONDAY + 3 * M5]


async def test_waits_are_short_enough_to_notice_a_clock_that_was_set() -> None:
    stage = Stage(HandClock(MONDAY + 1.0), most_scans=3)
    await stage.run()
    assert min(stage.waits) > 0
    assert max(stage.waits) <= 1.0


async def test_cancelled_it_ends() -> None:
    schedule = ScanSchedule(
        Stage(HandClock(MONDAY + 1.0)).scan, HandClock(MONDAY + 1.0), lambda: NAMES, lambda *_: True
    )
    work = asyncio.create_task(schedule.run())
    await asyncio.sleep(0)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
