"""The figures of several processes as one: of those that live, and of those that are gone what they counted.

Counters never fall when a process dies, is folded into another's row, or when the rows come in another order: what is
added up is rounded down to a grid on which doubles add exactly, a millionth of the unit.
"""

import math
from collections.abc import Iterable, Iterator, Sequence

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import FAMILIES, Across, Family, Kind, Labels, Snapshot, Value, Values

_GRID = 2.0**20
_LASTING = frozenset({Kind.COUNTER, Kind.HISTOGRAM})


def merged(here: Snapshot, others: Iterable[Snapshot] = (), gone: Iterable[Snapshot] = ()) -> Snapshot:
    """One snapshot of all, under the name and the moment of `here`.

    `others` live; of those that are `gone` only what was counted counts. What each process says of itself has its name
    behind its labels. Families and labels that this version does not know are left out.
    """
    living, before = (here, *others), tuple(gone)
    values: dict[str, Values] = {}
    for family in FAMILIES:
        if family.across is Across.EACH:
            found = {(*labels, one.process): value for one in living for labels, value in _of(family, one)}
        elif family.across is Across.HERE:
            found = dict(_of(family, here))
        else:
            lasts = family.kind in _LASTING
            found = _together(family, (*living, *before) if lasts else living)
        if found or family.name in here.values:
            values[family.name] = found
    return Snapshot(here.process, here.at, values)


def folded(process: str, gone: Sequence[Snapshot]) -> Snapshot:
    """What processes have counted that will not come back, as the snapshot of one by this name."""
    lasting = [family for family in FAMILIES if family.kind in _LASTING]
    together = {family.name: _together(family, gone) for family in lasting}
    at = max((one.at for one in gone), default=0.0)
    return Snapshot(process, at, {name: values for name, values in together.items() if values})


def since(now: Snapshot, earlier: Snapshot | None) -> Snapshot:
    """What a process has counted after an earlier snapshot, where others have taken over what it counted before."""
    if earlier is None:
        return now
    values = dict(now.values)
    for family in FAMILIES:
        if family.kind in _LASTING:
            gone = dict(_of(family, earlier))
            values[family.name] = {labels: _less(value, gone.get(labels, 0.0)) for labels, value in _of(family, now)}
    return Snapshot(now.process, now.at, values)


def _less(value: Value, gone: Value) -> Value:
    if isinstance(value, Distribution):
        return value.since(gone) if isinstance(gone, Distribution) else value
    return value if isinstance(gone, Distribution) else value - gone


def _of(family: Family, snapshot: Snapshot) -> Iterator[tuple[Labels, Value]]:
    """What a process says of a family, where it means what this version means by it."""
    is_histogram = family.kind is Kind.HISTOGRAM
    for labels, value in snapshot.values.get(family.name, {}).items():
        if len(labels) == len(family.labels) and isinstance(value, Distribution) == is_histogram:
            yield labels, value


def _together(family: Family, snapshots: Iterable[Snapshot]) -> Values:
    found: Values = {}
    for snapshot in snapshots:
        for labels, value in _of(family, snapshot):
            known = found.get(labels)
            if isinstance(value, Distribution):
                spread = value.copy()
                spread.total = _on_grid(spread.total)
                if isinstance(known, Distribution):
                    spread.merge(known)
                found[labels] = spread
            elif family.across is Across.LARGEST:
                found[labels] = value if known is None or isinstance(known, Distribution) else max(known, value)
            else:
                found[labels] = _on_grid(value) + (known if isinstance(known, float | int) else 0)
    return found


def _on_grid(value: float) -> float:
    return math.floor(value * _GRID) / _GRID if math.isfinite(value) else value
