import pytest

from alphaforge.core.errors import InvalidInput
from alphaforge.market.sandbox.clock import SandboxClock


class Steady:
    def __init__(self) -> None:
        self.seconds = 50.0

    def __call__(self) -> float:
        return self.seconds


def test_market_time_passes_at_the_clocks_speed() -> None:
    steady = Steady()
    clock = SandboxClock(1_000.0, 60.0, steady)
    steady.seconds += 2

    assert clock.now() == 1_120.0


def test_another_speed_counts_from_the_moment_it_is_set() -> None:
    steady = Steady()
    clock = SandboxClock(1_000.0, 60.0, steady)
    steady.seconds += 1
    clock.run_at(2.0)
    steady.seconds += 1

    assert clock.now() == 1_062.0


def test_an_advanced_clock_goes_on_from_its_new_time() -> None:
    steady = Steady()
    clock = SandboxClock(1_000.0, 60.0, steady)
    steady.seconds += 1
    clock.advance_to(5_000.0)
    steady.seconds += 1

    assert clock.now() == 5_060.0


def test_a_clock_at_speed_zero_stands_still_until_it_is_advanced() -> None:
    steady = Steady()
    clock = SandboxClock(1_000.0, 0.0, steady)
    steady.seconds += 5
    clock.advance_to(1_300.0)

    assert clock.now() == 1_300.0


@pytest.mark.parametrize("moment", [999.9, 5e9, float("nan")])
def test_a_clock_goes_neither_back_nor_out_of_its_century(moment: float) -> None:
    with pytest.raises(InvalidInput, match="cannot be set"):
        SandboxClock(1_000.0, 0.0).advance_to(moment)


@pytest.mark.parametrize("speed", [-1.0, float("inf"), float("nan"), 2e6])
def test_impossible_speeds_are_refused(speed: float) -> None:
    with pytest.raises(InvalidInput, match="times real time"):
        SandboxClock(1_000.0, speed)
