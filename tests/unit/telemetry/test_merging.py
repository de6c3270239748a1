"""The figures of several processes as one."""

import random

from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import FAMILIES, Across, Kind, Snapshot, Value, Values
from alphaforge.telemetry.merging import folded, merged, since

LASTING = [family for family in FAMILIES if family.kind is not Kind.GAUGE]
COUNTER, HISTOGRAM = "alphaforge_query_errors_total", "alphaforge_query_seconds"
SUMMED, LARGEST, EACH, HERE = (
    "alphaforge_requests_in_flight",
    "alphaforge_candle_lag_seconds",
    "alphaforge_process_threads",
    "alphaforge_job_oldest_seconds",
)
WORDS = st.sampled_from(["a", "b"])
NUMBERS = st.floats(0, 1e9)


def spread(*values: float) -> Distribution:
    made = Distribution()
    for value in values:
        made.add(value)
    return made


@st.composite
def snapshots(draw: st.DrawFn, process: str = "") -> Snapshot:
    values: dict[str, Values] = {}
    for name in (COUNTER, HISTOGRAM, SUMMED, LARGEST, EACH, HERE):
        family = next(family for family in FAMILIES if family.name == name)
        of = st.lists(NUMBERS, max_size=4).map(lambda all_of: spread(*all_of))
        labels = st.tuples(*(WORDS for _ in family.labels))
        kind: st.SearchStrategy[Value] = of if family.kind is Kind.HISTOGRAM else NUMBERS
        values[name] = draw(st.dictionaries(labels, kind, max_size=3))
    return Snapshot(process, draw(NUMBERS), values)


def fleets(least: int = 1) -> st.SearchStrategy[list[Snapshot]]:
    def named(found: list[Snapshot]) -> list[Snapshot]:
        return [Snapshot(f"p{number}", one.at, one.values) for number, one in enumerate(found)]

    return st.lists(snapshots(), min_size=least, max_size=5).map(named)


def counts(snapshot: Snapshot) -> dict[object, float]:
    """Every number that must never fall."""
    found: dict[object, float] = {}
    for family in LASTING:
        for labels, value in snapshot.values.get(family.name, {}).items():
            if isinstance(value, Distribution):
                found |= {(family.name, labels, bucket): count for bucket, count in value.buckets.items()}
                found |= {(family.name, labels, "count"): value.count, (family.name, labels, "sum"): value.total}
            else:
                found[family.name, labels] = value
    return found


@given(fleets(2), st.data())
def test_what_was_counted_is_the_same_when_a_process_dies_and_when_it_is_folded(
    fleet: list[Snapshot], data: st.DataObject
) -> None:
    here, *others = fleet
    dead = data.draw(st.integers(0, len(others)))
    before = counts(merged(here, others))
    assert counts(merged(here, others[dead:], others[:dead])) == before
    retired = folded("retired", others[:dead])
    assert counts(merged(here, others[dead:], [retired])) == before
    again = folded("retired", [retired, *others[dead:]])
    assert counts(merged(here, [], [again])) == before


@given(fleets(), st.randoms(use_true_random=False))
def test_the_order_of_the_others_does_not_matter(fleet: list[Snapshot], chance: random.Random) -> None:
    here, *others = fleet
    shuffled = others.copy()
    chance.shuffle(shuffled)
    assert merged(here, shuffled) == merged(here, others)
    assert merged(here, [], shuffled) == merged(here, [], others)
    assert counts(folded("r", shuffled)) == counts(folded("r", others))


@given(fleets())
def test_no_snapshot_is_changed_by_merging(fleet: list[Snapshot]) -> None:
    kept = [dict(counts(one)) for one in fleet]
    merged(fleet[0], fleet[1:], fleet).values[HISTOGRAM].update({("late",): spread(1)})
    for value in merged(fleet[0], fleet[1:]).values[HISTOGRAM].values():
        assert isinstance(value, Distribution)
        value.add(1.0)
    assert [dict(counts(one)) for one in fleet] == kept


def test_each_kind_is_made_one_by_its_own_rule() -> None:
    def one(process: str, number: float) -> Snapshot:
        values: dict[str, Values] = {name: {(): number} for name in (SUMMED, EACH)}
        values |= {LARGEST: {("XAU_USD",): number}, HERE: {("scan",): number}, COUNTER: {("Busy",): number}}
        return Snapshot(process, number, values | {HISTOGRAM: {("get",): spread(number)}})

    found = merged(one("here", 1), [one("other", 4)], [one("gone", 9)])
    assert (found.process, found.at) == ("here", 1)
    assert found.values[SUMMED] == {(): 5}
    assert found.values[LARGEST] == {("XAU_USD",): 4}
    assert found.values[EACH] == {("here",): 1, ("other",): 4}
    assert found.values[HERE] == {("scan",): 1}
    assert found.values[COUNTER] == {("Busy",): 14}
    assert found.values[HISTOGRAM] == {("get",): spread(1, 4, 9)}
    assert {family.across for family in FAMILIES} == set(Across)


def test_what_another_version_says_is_left_out() -> None:
    strange: dict[str, Values] = {
        "alphaforge_unheard_of_total": {(): 1},
        COUNTER: {("a", "label too many"): 1, ("Busy",): 2},
        HISTOGRAM: {("get",): 3},
    }
    found = merged(Snapshot("here", 0, {COUNTER: {("Busy",): 1}}), [Snapshot("newer", 0, strange)])
    assert found.values == {COUNTER: {("Busy",): 3}}


@given(snapshots("p"), fleets())
def test_what_was_folded_and_what_came_after_it_are_together_what_was_counted(
    earlier: Snapshot, later: list[Snapshot]
) -> None:
    now = merged(Snapshot("p", 0), [], [earlier, *later])
    before = merged(Snapshot("p", 0), [], [earlier])
    assert since(now, None) is now
    together = counts(merged(since(now, before), [], [folded("retired", [before])]))
    assert {key: count for key, count in together.items() if count} == {
        key: count for key, count in counts(now).items() if count
    }
