"""What the service measured of itself, and what it promises."""

from typing import Literal

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time

_Fares = Literal["met", "missed", "no_data", "unproven"]
_STATUS = "`met`, `missed`, `no_data`: nothing of it happened in the window, or `unproven`: see `means`."
_PROCESSES = Field(description="How many processes of the desk were heard.")
_PROBLEM = Field(description="Why others could not be asked; null where all were heard.")


class Claim(Answer):
    """A promise about one statistic."""

    statistic: str = Field(description="mean, p50, p95, p99, peak or rate.")
    at_most: float | None = Field(description="In the unit; null where it is a least.")
    at_least: float | None = Field(description="In the unit; null where it is a most.")
    status: _Fares = Field(description=_STATUS)


class Indicator(Answer):
    """One of the plan's five, with our target and the plan's; statistics are null where nothing was measured."""

    name: str = Field(examples=["query_time"])
    means: str = Field(description="What is measured, in a sentence.")
    unit: str = Field(description="ms, MB (a million bytes), percent or clients.")
    status: _Fares = Field(description=_STATUS)
    statistic: str = Field(description="Which one `value` is: that of the first of our claims.")
    value: float | None
    target: list[Claim] = Field(description="Ours: all of them must hold.")
    plan: Claim
    mean: float | None = None
    p50: float | None = None
    p95: float | None = None
    p99: float | None = None
    peak: float | None = Field(None, description="The largest of all.")
    rate: float | None = None
    count: int = Field(description="How many values were measured.")


class AnswerTimes(Answer):
    """Times of some answers, in ms."""

    count: int
    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    peak: float | None
    target: Claim | None = Field(description="Null where there is none that the service alone can keep.")


class Endpoint(Answer):
    """An endpoint that the plan names."""

    path: str
    method: str
    requests: int
    errors: int = Field(description="Answers of 500 and above.")
    from_memory: float | None = Field(description="In percent of its requests; null where it is never kept.")
    cached: AnswerTimes = Field(description="Answers from memory.")
    uncached: AnswerTimes = Field(description="All others.")
    plan_ms: float | None = Field(description="What the plan promised for it.")
    of: str = Field(description="What the target and the plan's figure are promised for.")
    oanda_mean_ms: float | None = Field(description="Mean time of a request to OANDA, where the answer waits for one.")


class Performance(Answer):
    """Targets and endpoints over a window that ends now."""

    window_seconds: int
    measured_seconds: float = Field(description="How much of the window was measured; less after a start.")
    since: Time | None = Field(description="When what was measured began.")
    timestamp: Time
    requests: int
    requests_per_second: float | None
    errors: int = Field(description="Answers of 500 and above, but 503.")
    shed: int = Field(description="Answers of 503: refused at that moment.")
    processes: int = _PROCESSES
    problem: str | None = _PROBLEM
    indicators: list[Indicator]
    endpoints: list[Endpoint]


class Times(Answer):
    """Times in ms; null where nothing was measured."""

    mean: float | None
    p50: float | None
    p95: float | None
    p99: float | None
    peak: float | None


class Point(Answer):
    """A step of the history."""

    at: Time = Field(description="When the step began.")
    measured_seconds: float
    requests: int
    requests_per_second: float | None
    errors: int
    shed: int
    cache_hit_rate: float | None = Field(description="In percent.")
    values: dict[str, float | None] = Field(description="The value of each indicator, in its unit.")
    times: dict[str, Times] = Field(
        description="`response_time_cached`, `response_time_uncached`, `query_time`, and `oanda_time` of its requests."
    )


class History(Answer):
    """The last hours, oldest step first; a step in which nothing was measured is left out."""

    hours: int
    step_seconds: int
    points: list[Point]
    count: int
    processes: int = _PROCESSES
    problem: str | None = _PROBLEM


class Slow(Answer):
    """A request or query that took longer than SLOW_REQUEST_MS or SLOW_QUERY_MS."""

    at: Time = Field(description="When it ended.")
    kind: str = Field(description="request or query.")
    name: str = Field(description="Method and route of a request; which method asked the database.")
    ms: float
    status: int | None = Field(description="Of a request.")
    trace: str | None = Field(description="Its trace's id, where one was recorded.")
    detail: str


class SlowOnes(Answer):
    """What took long lately, newest first."""

    slow: list[Slow]
    count: int
    scope: str = Field(description="`process`: only the process that answers is known here; the logs have them all.")
