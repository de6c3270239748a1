"""Backtests: asking for one, how far it is, what came of it."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from alphaforge.api.parameters import Moment, Text
from alphaforge.api.schemas.common import Answer, Next, Number, Time

Word = Annotated[Text, Field(max_length=200)]
Setting = Number | Word | Annotated[list[Number | Word], Field(max_length=40)]
"""A setting's value: a number, its text (`2/3`), or several for multipliers and regimes."""
Settings = Annotated[dict[Word, Setting], Field(max_length=100)]
Names = Annotated[list[Annotated[Text, Field(max_length=40)]], Field(min_length=1, max_length=100)]
_Length = Annotated[Text, Field(max_length=20, examples=["90d", "12w"])]


class WalkForward(BaseModel):
    """How the period is cut into folds: settings are chosen on `train` and judged on `test`."""

    model_config = ConfigDict(extra="forbid")

    train: _Length = Field(description="What is learnt from: days or weeks.")
    test: _Length = Field(description="What is judged, next to it.")
    step: _Length | None = Field(None, description="From one fold to the next; as long as a test.")
    anchored: bool = Field(False, description="Whether every fold learns from the beginning.")


class NewBacktest(BaseModel):
    """A backtest as it is asked for: the rules that run live, over stored candles."""

    model_config = ConfigDict(
        extra="forbid",
        populate_by_name=True,
        json_schema_extra={
            "example": {
                "instruments": ["GBP_USD"],
                "from": "2026-01-05T00:00:00Z",
                "to": "2026-03-02T00:00:00Z",
                "settings": {"min_votes": 2.5},
            }
        },
    )

    instruments: Names | None = Field(None, description="In any spelling; without it every watched one.")
    start: Moment | None = Field(None, alias="from", description="From here on; else a year before the end.")
    end: Moment | None = Field(None, alias="to", description="Up to here; else the newest stored candle.")
    source: Annotated[Text, Field(max_length=40)] | None = Field(
        None, description="Whose candles; else the desk's own market's, or the only ones there are."
    )
    settings: Settings = Field(default_factory=dict, description="Settings of docs/strategy.md that differ.")
    entry: Literal["signal", "next_open"] = Field("signal", description="Where a position is entered.")
    positions: Literal["one", "many"] = Field("many", description="How many an instrument may have at once.")
    balance: Number = Field(10_000.0, gt=0, description="Money at the start.")
    risk: Annotated[Number, Field(gt=0, lt=1)] | None = Field(
        None, description="Fraction of the equity that a trade risks; without it as live."
    )
    financing: dict[Annotated[Text, Field(max_length=40)], tuple[Number, Number]] = Field(
        default_factory=dict, description="By instrument the yearly rates of a long and a short, -0.03 for 3 % paid."
    )
    grid: dict[Word, Annotated[list[Number | Word], Field(max_length=2_000)] | Word] = Field(
        default_factory=dict, max_length=12, description="By setting the values to try: a list, or `from:to:step`."
    )
    walk_forward: WalkForward | None = None
    by: Literal["expectancy_r", "profit_factor", "net_r", "sharpe"] = Field(
        "expectancy_r", description="By what the best of a grid is chosen."
    )
    minimum_trades: int = Field(30, ge=0, le=100_000, description="Points with fewer are not chosen.")
    tried: int = Field(1, ge=1, le=1_000_000, description="Settings tried on this history before, this one included.")
    controls: bool = Field(True, description="Random entries, zero spread, buy-and-hold.")
    limit: int = Field(2_000, ge=1, le=20_000, description="How many points a grid may have.")


class Fault(Answer):
    """What is wrong with a field."""

    loc: list[str] = Field(
        description="The way to the field; empty where it is of the whole.", examples=[["settings", "min_votes"]]
    )
    msg: str
    advice: str = Field(description="What to do about it; may be empty.")


class BacktestEstimate(Answer):
    """What a backtest would be and take, or why it cannot be; about, and nothing is begun."""

    faults: list[Fault] = Field(description="What stands in its way; where there is some, the rest is null.")
    kind: str | None = Field(description="single, grid or walk_forward.")
    instruments: list[str] | None
    source: str | None
    simulated: bool | None = Field(description="Whether its candles are invented.")
    start: Time | None = Field(alias="from")
    end: Time | None = Field(alias="to")
    points: int | None = Field(description="Settings that are tried; 1 without a grid.")
    impossible: int | None = Field(description="Combinations of the grid that contradict themselves; left out.")
    folds: int | None = Field(description="0 without a walk-forward.")
    parts: int | None = Field(description="Into how many parts the work is cut.")
    evaluations: int | None = Field(description="Settings times the candles of an open market, about.")
    seconds: float | None = Field(description="On one core, about.")


class StrategySetting(Answer):
    """A number of the strategy that a backtest may change."""

    name: str = Field(examples=["minimum_votes"])
    short: str | None = Field(description="Another name that is taken for it.", examples=["min_votes"])
    group: str = Field(examples=["Direction"])
    what: str = Field(examples=["weighted votes that make a direction"])
    unit: str = Field(description="Empty for a bare number.", examples=["votes"])
    default: float | list[float] | list[str]


class StrategySettingList(Answer):
    """Every number of the strategy, those that are tried first before those that are hardly ever."""

    settings: list[StrategySetting]
    count: int


class BacktestProgress(Answer):
    """How far it is."""

    done: int = Field(description="Parts that are performed.")
    total: int = Field(description="Parts that it has at most.")
    fraction: float = Field(description="From 0 to 1.")


class ListedBacktest(Answer):
    """A backtest, as the list has it."""

    id: int
    status: str = Field(description="queued, running, done, failed or cancelled.")
    created_at: Time
    finished_at: Time | None
    instruments: list[str]
    source: str
    simulated: bool = Field(description="Whether its candles are invented.")
    start: Time = Field(alias="from")
    end: Time = Field(alias="to")
    kind: str = Field(description="single, grid or walk_forward.")
    settings: dict[str, Any] = Field(description="Those that differ from the default.")
    grid: dict[str, Any] = Field(description="By setting, the values that are tried; empty without a grid.")
    progress: BacktestProgress
    summary: dict[str, Any] | None = Field(description="`sentence`: what the evidence supports; and the main figures.")
    error: str | None = Field(description="Why there is no report.")
    reports: dict[str, str] | None = Field(description="Where its report is, by format.")


class Backtest(ListedBacktest):
    """A backtest, with what was asked."""

    asked: dict[str, Any] = Field(description="Everything that was asked, with settings and options in full.")
    estimated_seconds: float | None = Field(None, description="On one core, about.")


class BacktestPage(Answer):
    """Backtests, newest first."""

    backtests: list[ListedBacktest]
    count: int = Field(description="Backtests in this answer.")
    next: Next = None


class ChangedBacktest(Answer):
    """What cancelling or removing did."""

    success: bool
    message: str


class Comparison(Answer):
    """Two backtests side by side."""


class AvailableCandles(Answer):
    """What is stored of an instrument."""

    instrument: str
    symbol: str
    source: str
    simulated: bool
    first: Time
    last: Time
    candles: int


class BacktestSymbols(Answer):
    """What can be backtested."""

    symbols: list[str] = Field(examples=[["GBPUSD"]])
    count: int
    available: list[AvailableCandles]


class OldBacktest(BaseModel):
    """A backtest as the predecessor was asked, in snake or camel case.

    `symbol` (`instrument`, `pair`, `symbols`), `start_date`, `end_date`, `initial_capital`, `risk_per_trade` (1 and
    more: percent; below 0.1: a fraction), `settings` (`parameters`). Other keys are passed over and named in `ignored`;
    source code of a strategy is refused.
    """

    model_config = ConfigDict(
        extra="allow",
        json_schema_extra={
            "example": {
                "symbol": "GBPUSD",
                "timeframe": "M5",
                "start_date": "2026-01-05",
                "end_date": "2026-03-02",
                "initial_capital": 10_000,
                "settings": {"min_votes": 2.5},
            }
        },
    )


class OldResults(Answer):
    """What the predecessor answered: figures in `results` (shares in percent), trades, the equity of each day."""

    success: bool
    status: str = Field(description="completed, or queued, running, failed, cancelled.")
    backtest_id: int
    report: str = Field(description="Where the whole report is.")
    ignored: list[str] = Field(description="Keys of the request that mean nothing here.")
    error: str | None
    results: dict[str, Any] | None
    trades: list[dict[str, Any]]
    equity_curve: list[dict[str, Any]]
