"""Evaluations on demand, and their statistics."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time
from alphaforge.api.schemas.decisions import Decision


class FailedFilter(Answer):
    """A filter that refused."""

    name: str = Field(examples=["trend"])
    measured: float | None
    threshold: float | None
    change: str = Field(description="The smallest change that would have passed it.")


class Evaluation(Answer):
    """What one instrument's newest closed candle said."""

    generated: bool
    reason: str | None = Field(None, description="Why no signal was made now; absent where one was.")
    signal_id: int | None = Field(
        None, description="The signal of this candle, made now or by an earlier scan; absent where there is none."
    )
    direction: str | None = None
    confidence: float | None = Field(None, description="0 to 100; a rank, not a probability.")
    regime: str | None = None
    strength: float | None = None
    agreement: float | None = None
    filter: str | None = Field(None, description="The first filter that refused.")
    summary: str | None = Field(
        None, description="In a line: the proposal, or the first reason against one; absent where nothing was decided."
    )
    explanation: str | None = None
    failed_filters: list[FailedFilter] | None = None
    nearest: str | None = None
    problem: str | None = None


class GeneratedResult(Evaluation):
    """An evaluation by the instrument's name."""

    instrument: str
    timestamp: Time


class Generated(Answer):
    """What was evaluated."""

    status: str = Field(description="`success`, or `no_signals`.")
    signals_generated: int
    results: list[GeneratedResult]
    message: str


class PairResult(Evaluation):
    """An evaluation under the predecessor's key."""

    pair: str


class StrategyCounts(Answer):
    """How many evaluations there were and what refused them."""

    name: str
    version: str
    total_signals: int = Field(description="Evaluations, whether they became signals or not.")
    tradeable_signals: int
    filter_efficiency: str = Field(examples=["1.2%"])
    regime_filtered: int
    confidence_filtered: int
    agreement_filtered: int
    filtered_by: dict[str, int] = Field(description="All first failures by filter.")


class Kelly(Answer):
    """What stored results are worth for sizing."""

    win_rate: float
    avg_win: float
    avg_loss: float
    win_loss_ratio: float | None
    recommended_risk: float
    trade_count: int


class Regimes(Answer):
    """The weather on H1."""

    current_regime: str | None
    confidence: float = Field(description="1 where a regime is known (it is a rule's answer), else 0.")
    regime_distribution: dict[str, int]


class Statistics(Answer):
    """All of them."""

    strategy: StrategyCounts
    kelly_criterion: Kelly
    regime_detection: Regimes


class Enhanced(Answer):
    """What was evaluated, in detail."""

    status: str
    signals_generated: int
    results: list[PairResult]
    statistics: Statistics
    message: str


class EnhancedPair(Enhanced):
    """The same for one instrument, whose result lies at the top as well."""

    pair: str
    generated: bool


class EnhancedStatistics(Answer):
    """Statistics alone."""

    status: str
    statistics: Statistics
    timestamp: Time


class TradeResult(Answer):
    """A stored result and what sizing makes of it."""

    status: str
    pair: str
    profit_loss: float
    risk: float
    kelly_stats: Kelly
    message: str


class Explanation(Answer):
    """An evaluation in full."""

    instrument: str
    symbol: str
    signal_id: int | None
    summary: str = Field(
        description="In a line.", examples=["No signal because the trend is too weak (needs ADX 25.0, is 18.2)."]
    )
    sentence: str = Field(description="In plain words, in full.")
    is_signal: bool
    failed_filters: list[FailedFilter]
    nearest: str | None
    source: str | None
    simulated: bool | None
    candle_hash: str | None
    settings_hash: str | None
    evaluated_at: Time
    candle_time: Time = Field(description="The start of the M5 candle that was evaluated.")
    weights: dict[str, float] | None = Field(
        description="What a vote of each timeframe counts; null where it was decided by other settings than the desk's."
    )
    decision: Decision


class Verified(Answer):
    """What came of computing a signal again from the stored candles."""

    signal_id: int
    same: bool = Field(description="Whether it says the same, bit for bit.")
    sentence: str = Field(description="In plain words.")
    differences: list[str] = Field(
        description="What differs, or why nothing could be computed.",
        examples=[["candles: 12998 of the 13000 that it saw are stored"]],
    )
