"""Figures for others to read: as Prometheus has them, and as plain values for JSON.

prometheus_client is loaded by the first scrape. What processes say of themselves (`Across.EACH`) is told apart by the
label `process`, which others need not have: the snapshot of several processes carries it behind a figure's labels.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from alphaforge.core.distribution import Distribution
from alphaforge.telemetry.figures import FAMILIES, Across, Family, Kind, Labels, Snapshot, Value

if TYPE_CHECKING:  # loaded by the first scrape
    from prometheus_client import Metric

PROCESS = "process"
_POWERS = {"seconds": range(-16, 5), "bytes": range(20, 35)}
"""Edges of buckets, 2 to the power: 15 us to 16 s, a MiB to 16 GiB."""


def prometheus_text(snapshot: Snapshot, accept: str = "") -> tuple[bytes, str]:
    """The text and its media type; OpenMetrics for those who `accept` it."""
    from prometheus_client.exposition import choose_encoder  # noqa: PLC0415 - see the module

    encode, kind = choose_encoder(accept)
    return encode(_Collector(snapshot)), kind


def of_each(snapshot: Snapshot) -> Snapshot:
    """What processes say each of themselves, and nothing that is added up."""
    names = {family.name for family in FAMILIES if family.across is Across.EACH}
    return replace(snapshot, values={name: values for name, values in snapshot.values.items() if name in names})


@dataclass(frozen=True, slots=True)
class _Collector:
    """A snapshot as the library asks for it."""

    snapshot: Snapshot

    def collect(self) -> Iterator["Metric"]:
        for family, values in _families(self.snapshot):
            yield _metric(family, values)


def _metric(family: Family, values: dict[Labels, Value]) -> "Metric":
    from prometheus_client.core import (  # noqa: PLC0415 - see the module
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
    )

    names = label_names(family)
    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.text, labels=names)
        for labels, value in values.items():
            if isinstance(value, Distribution):
                histogram.add_metric(labels, _buckets(family, value), value.total)
        return histogram
    make = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = make(family.name, family.text, labels=names)
    for labels, value in values.items():
        if not isinstance(value, Distribution):
            metric.add_metric(labels, value)
    return metric


def _buckets(family: Family, spread: Distribution) -> list[tuple[str, float]]:
    powers = _POWERS[family.name.rpartition("_")[2]]
    edges: list[tuple[str, float]] = [(repr(2.0**power), spread.up_to(power)) for power in powers]
    return [*edges, ("+Inf", spread.count)]


def plain(snapshot: Snapshot) -> dict[str, object]:
    """Each family by its name, with its samples: a value, or a distribution's count, sum and quantiles."""
    return {
        family.name: {
            "type": family.kind,
            "help": family.text,
            "labels": label_names(family),
            "samples": [
                {"labels": dict(zip(label_names(family), labels, strict=True)), **_sample(value)}
                for labels, value in values.items()
            ],
        }
        for family, values in _families(snapshot)
    }


def _sample(value: Value) -> dict[str, object]:
    if not isinstance(value, Distribution):
        return {"value": value}
    quantiles = {f"p{share}": value.quantile(share / 100) for share in (50, 95, 99)}
    return {"count": value.count, "sum": value.total, **quantiles}


def label_names(family: Family) -> tuple[str, ...]:
    """The names of a family's labels as others see them."""
    return (*family.labels, PROCESS) if family.across is Across.EACH else family.labels


def _families(snapshot: Snapshot) -> Iterator[tuple[Family, dict[Labels, Value]]]:
    """The families that are there, in the catalogue's order, their labels complete.

    What this version does not know, as a process of a newer one may say it, is left out.
    """
    for family in FAMILIES:
        values = snapshot.values.get(family.name)
        if values is None:
            continue
        lacks_process = family.across is Across.EACH
        yield (
            family,
            {
                (*labels, snapshot.process) if lacks_process and len(labels) == len(family.labels) else labels: value
                for labels, value in values.items()
            },
        )
