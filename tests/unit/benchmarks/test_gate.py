"""The regression gate's judgement, and its file."""

from collections.abc import Sequence
from pathlib import Path

import pytest
from benchmarks.check import accept, check
from benchmarks.gate.baseline import Acceptance, Accepted, Baseline, BaselineError, kind_of_machine, read, write
from benchmarks.gate.comparison import Row, Verdict, compared, table
from benchmarks.gate.measured import Answers, Measured

MACHINE = "some processor, CPython 3.11, build 00000000"
REFERENCE, PACE = "a reference", 1.5
_WITH = '{"machines": {"m": {"on": "2026-01-01", "reason": "r", "repeats": 7, "ratios": %s}}}'


def answers(**ratios: float) -> Answers:
    return {name: Measured(REFERENCE, ratio, PACE) for name, ratio in ratios.items()}


def accepted(noise: float = 0.0, **ratios: float) -> Acceptance:
    return Acceptance(
        "2026-01-01", "as it was", 7, {name: Accepted(REFERENCE, ratio, noise, PACE) for name, ratio in ratios.items()}
    )


def only(rows: Sequence[Row]) -> Row:
    (row,) = rows
    return row


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """A baseline in which a hit costs 6 bare answers and wavers by nothing."""
    path = tmp_path / "baseline.json"
    write(Baseline({MACHINE: accepted(hit=6.0, query=2.0)}), path)
    return path


class Measuring:
    """Answers in turn; notes what was asked."""

    def __init__(self, *found: Answers) -> None:
        self.asked: list[tuple[str, ...]] = []
        self._found = list(found)

    def __call__(self, names: Sequence[str]) -> Answers:
        self.asked.append(tuple(names))
        return self._found.pop(0)


@pytest.mark.parametrize(
    ("ratio", "noise", "verdict"),
    [
        (6.7, 0.0, Verdict.SAME),
        (6.8, 0.0, Verdict.WORSE),
        (6.8, 0.05, Verdict.SAME),
        (7.0, 0.05, Verdict.WORSE),
        (5.0, 0.0, Verdict.IMPROVED),
        (5.0, 0.07, Verdict.SAME),
    ],
)
def test_a_ratio_may_change_by_an_eighth_or_thrice_its_noise(ratio: float, noise: float, verdict: Verdict) -> None:
    assert only(compared([answers(hit=ratio)], accepted(noise, hit=6.0))).verdict is verdict


def test_the_best_of_several_measurements_is_judged() -> None:
    row = only(compared([answers(hit=8.0), answers(hit=6.1), answers(hit=9.0)], accepted(hit=6.0)))
    assert (row.ratio, row.verdict) == (6.1, Verdict.SAME)


def test_questions_that_only_one_side_has_are_named_and_not_judged() -> None:
    rows = compared([answers(new=1.0)], accepted(old=1.0))
    assert {row.name: row.verdict for row in rows} == {"new": Verdict.UNKNOWN, "old": Verdict.GONE}


def test_a_ratio_to_another_reference_is_not_judged() -> None:
    assert only(compared([{"hit": Measured("another", 60.0, PACE)}], accepted(hit=6.0))).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("pace", "verdict"), [(1.21, Verdict.WORSE), (1.79, Verdict.WORSE), (1.19, Verdict.PACE), (1.81, Verdict.PACE)]
)
def test_a_machine_of_another_pace_is_not_judged(path: Path, pace: float, verdict: Verdict) -> None:
    found = {"hit": Measured(REFERENCE, 9.0, pace), "query": Measured(REFERENCE, 2.0, PACE)}
    assert compared([found], accepted(hit=6.0, query=2.0))[0].verdict is verdict
    assert check(Measuring(found, found, found), path, MACHINE, lambda _: None) == (verdict is Verdict.WORSE)


def test_the_table_has_a_line_for_each_question_with_its_figures() -> None:
    lines = table(compared([answers(hit=9.0, new=1.5)], accepted(hit=6.0))).splitlines()
    assert lines[1].split("  ")[0] == "hit"
    assert lines[1].endswith(Verdict.WORSE)
    assert "9.00" in lines[1]
    assert "+50.0%" in lines[1]
    assert lines[2].endswith(Verdict.UNKNOWN)


def test_what_is_worse_three_times_in_a_row_is_an_alarm(path: Path) -> None:
    measure, said = Measuring(answers(hit=9, query=2), answers(hit=8.5), answers(hit=8)), list[str]()
    assert check(measure, path, MACHINE, said.append) == 1
    assert measure.asked == [(), ("hit",), ("hit",)]
    assert "hit" in said[-1]
    assert "query" not in said[-1]


def test_what_is_worse_twice_and_then_not_is_no_alarm(path: Path) -> None:
    measure = Measuring(answers(hit=9, query=2), answers(hit=9), answers(hit=6))
    assert check(measure, path, MACHINE, lambda _: None) == 0


def test_nothing_is_measured_again_where_nothing_is_worse(path: Path) -> None:
    measure = Measuring(answers(hit=5, query=2))
    assert check(measure, path, MACHINE, lambda _: None) == 0
    assert measure.asked == [()]


def test_an_unknown_machine_is_told_how_to_accept_and_raises_no_alarm(path: Path) -> None:
    said: list[str] = []
    assert check(Measuring(answers(hit=100)), path, "another", said.append) == 0
    assert "does not know this kind of machine (another)" in "\n".join(said)
    assert "make bench-accept REASON=" in said[-1]


def test_accepting_keeps_the_middle_the_noise_the_reason_and_the_other_machines(path: Path) -> None:
    measure = Measuring(answers(hit=9), answers(hit=10), answers(hit=14))
    accept("it signs now", measure, repeats=3, path=path, machine="another", say=lambda _: None)
    found = read(path).machines
    assert found[MACHINE] == accepted(hit=6.0, query=2.0)
    assert (found["another"].reason, found["another"].repeats) == ("it signs now", 3)
    assert found["another"].ratios["hit"].ratio == 10
    assert found["another"].ratios["hit"].noise == pytest.approx(0.216, abs=0.001)


def test_nothing_is_accepted_without_a_reason(path: Path) -> None:
    before, measure = path.read_bytes(), Measuring()
    with pytest.raises(BaselineError, match="for a reason"):
        accept("  ", measure, path=path, machine=MACHINE)
    assert not measure.asked
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        '{"machines": []}',
        _WITH % '{"hit": {"against": "r", "ratio": "6", "noise": 0, "reference": 1}}',
        _WITH % '{"hit": {"against": "r", "ratio": 0, "noise": 0, "reference": 1}}',
    ],
)
def test_a_broken_baseline_is_an_error_that_says_what_to_do(path: Path, text: str) -> None:
    path.write_text(text)
    with pytest.raises(BaselineError, match=r"baseline\.json is broken: .+git checkout|are above 0"):
        check(Measuring(), path, MACHINE)


def test_a_missing_baseline_is_an_error_that_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(BaselineError, match=r"is missing.*make bench-accept"):
        read(tmp_path / "baseline.json")


def test_the_kind_of_a_machine_names_no_path() -> None:
    kind = kind_of_machine()
    assert "CPython 3." in kind
    assert str(Path.home()) not in kind


def test_the_committed_baseline_can_be_read() -> None:
    assert read().machines
