import msgspec
import pytest

from alphaforge.market.sandbox.faults import Fault, FaultKind, Faults, Visit

VISIT = Visit("candles", "/v3/instruments/GBP_USD/candles", frozenset({"GBP_USD"}))
STATUS = (FaultKind.STATUS,)


class Steady:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def strikes(faults: Faults, count: int, visit: Visit = VISIT) -> list[bool]:
    return [faults.take(visit, STATUS) is not None for _ in range(count)]


def test_a_fault_strikes_as_often_as_it_was_told_to() -> None:
    faults = Faults()
    faults.post([Fault(FaultKind.STATUS, times=2)])

    assert strikes(faults, 4) == [True, True, False, False]


def test_a_fault_lets_the_first_requests_pass() -> None:
    faults = Faults()
    faults.post([Fault(FaultKind.STATUS, times=1, after=2)])

    assert strikes(faults, 4) == [False, False, True, False]


def test_a_fault_ends_after_its_seconds() -> None:
    steady = Steady()
    faults = Faults(now=steady)
    faults.post([Fault(FaultKind.STATUS, seconds=2.0)])
    before = strikes(faults, 1)
    steady.seconds = 2.0

    assert (before, strikes(faults, 1)) == ([True], [False])


@pytest.mark.parametrize(
    ("fault", "met"),
    [
        (Fault(FaultKind.STATUS, path="/candles"), True),
        (Fault(FaultKind.STATUS, path="/pricing"), False),
        (Fault(FaultKind.STATUS, instrument="GBP_USD"), True),
        (Fault(FaultKind.STATUS, instrument="XAU_USD"), False),
        (Fault(FaultKind.RESET), False),
    ],
)
def test_a_fault_meets_only_what_fits_its_filters(fault: Fault, *, met: bool) -> None:
    faults = Faults()
    faults.post([fault])

    assert strikes(faults, 1) == [met]


def test_chance_throws_the_same_dice_every_time() -> None:
    runs = []
    for _ in range(2):
        faults = Faults()
        faults.post([Fault(FaultKind.STATUS, chance=0.5, seed=3)])
        runs.append(strikes(faults, 50))

    assert runs[0] == runs[1]
    assert 10 < sum(runs[0]) < 40


def test_of_two_faults_the_first_posted_strikes_first() -> None:
    faults = Faults()
    faults.post([Fault(FaultKind.STATUS, times=1, status=429), Fault(FaultKind.STATUS, times=1, status=500)])
    taken = [faults.take(VISIT, STATUS) for _ in range(3)]

    assert [fault and fault.status for fault in taken] == [429, 500, None]


def test_the_report_tells_hits_requests_and_connections() -> None:
    faults = Faults()
    faults.post([Fault(FaultKind.STATUS, times=1)])
    strikes(faults, 3)
    faults.count(VISIT, new_connection=True)
    faults.count(VISIT, new_connection=False)

    assert faults.report() == {
        "faults": [{"kind": "status", "times": 1, "seen": 1, "hits": 1}],
        "requests": {"candles": 2},
        "paths": {VISIT.path: 2},
        "connections": 1,
        "streams": 0,
    }


def test_a_fault_that_is_over_does_not_hold_because_another_is_at_work() -> None:
    steady = Steady()
    faults = Faults(now=steady)
    over, lasting = Fault(FaultKind.STALL, seconds=1.0), Fault(FaultKind.STALL)
    faults.post([over, lasting])
    steady.seconds = 1.0

    assert (faults.holds(over), faults.holds(lasting)) == (False, True)


def test_clearing_ends_faults_and_counts() -> None:
    faults = Faults()
    faults.post([fault := Fault(FaultKind.SILENT_STREAM)])
    faults.count(VISIT, new_connection=True)
    held = faults.holds(fault)
    faults.clear()

    assert (held, faults.holds(fault)) == (True, False)
    assert faults.report() == {"faults": [], "requests": {}, "paths": {}, "connections": 0, "streams": 0}


@pytest.mark.parametrize(
    "posted", [b'{"kind":"flood"}', b'{"kind":"status","times":0}', b'{"kind":"status","code":500}', b'{"times":1}']
)
def test_a_fault_that_cannot_be_meant_is_refused(posted: bytes) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.json.decode(posted, type=Fault)
