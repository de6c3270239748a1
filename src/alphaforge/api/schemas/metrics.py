"""What is measured."""

from typing import Literal

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time
from alphaforge.api.schemas.performance import Indicator


class Sample(Answer):
    """One figure: a `value`, or of a histogram how many values there were, their sum, and quantiles."""

    labels: dict[str, str]
    value: float | None = Field(default=None, description="Of counters and gauges.")
    count: int | None = Field(default=None, description="Of histograms, like all that follows.")
    sum: float | None = None
    p50: float | None = Field(default=None, description="Right within 1.1 %; null where nothing was counted.")
    p95: float | None = None
    p99: float | None = None


class Metric(Answer):
    """A family of figures. Seconds and bytes, as the name says."""

    type: Literal["counter", "gauge", "histogram"]
    help: str
    labels: list[str]
    samples: list[Sample]


class Metrics(Answer):
    """Every figure since the start of each process."""

    at: Time
    processes: list[str] = Field(description="Whose figures these are; the one that answers comes first.")
    problem: str | None = Field(description="Why others could not be asked; null where all were heard.")
    targets: list[Indicator] = Field(description="As /api/performance has them over the last quarter of an hour.")
    metrics: dict[str, Metric] = Field(description="By name, the same as under /metrics.")
