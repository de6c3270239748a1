"""The system about itself."""

from typing import Any

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Next, Time
from alphaforge.api.schemas.enhanced import Evaluation


class Root(Answer):
    """Who answers."""

    message: str
    version: str


class Status(Answer):
    """The parts of the system in a word each."""

    backend: str = Field(examples=["online"])
    oanda: str = Field(description="`connected` while the market's last answer was a good one, else `disconnected`.")
    strategy: str = Field(description="`running` while scheduled scans are on, else `stopped`.")
    timestamp: Time
    source: str
    simulated: bool


class Health(Status):
    """The same with a verdict."""

    status: str = Field(
        description="`healthy`, or `degraded` where the market or the database is missing or the last scan broke off."
    )
    database: str
    scan_problem: str | None = Field(description="What broke the last scan off; null where it ended well.")


class FullStatus(Status):
    """The same with database and Gemini."""

    gemini: str = Field(description="`configured` or `not configured`.")
    database: str = Field(description="`connected` or `disconnected`, by a query just made.")


class Live(Answer):
    """The process answers."""

    status: str = Field(examples=["alive"])


class Ready(Answer):
    """What a decision needs is there."""

    status: str = Field(examples=["ready"])
    database: str
    candles: dict[str, int] = Field(description="Closed M5 candles in memory, by instrument.")


class Switched(Answer):
    """Scheduled scans were turned on or off."""

    status: str
    message: str


class AnalysisStatus(Answer):
    """The scheduled scans."""

    status: str = Field(description="`analysing` during a scan, `waiting` between scheduled ones, else `idle`.")
    last_analysis: Time | None
    is_running: bool


class SideVotes(Answer):
    """The votes of a timeframe, before its weight."""

    granularity: str
    buy: float
    sell: float


class AnalysedInstrument(Evaluation):
    """The newest evaluation of an instrument."""

    instrument: str
    candle_time: Time | None = Field(None, description="The start of the candle; absent where nothing was decided.")
    price: float | None = Field(None, description="Its close.")
    votes: list[SideVotes] | None = None


class Analysis(Answer):
    """The newest evaluation of each instrument."""

    analysis: dict[str, AnalysedInstrument] | None = Field(description="By name; null before the first scan.")
    timestamp: Time | None


class AnalysisHistory(Answer):
    """Stored evaluations, newest first."""

    history: list[dict[str, Any]]
    count: int
    next: Next = None


class RejectionMetrics(Answer):
    """What was measured."""

    strength: float
    agreement: float
    buy_votes: float
    sell_votes: float
    confidence: float
    atr_pct: float | None = Field(description="M5 ATR in percent of the close.")
    adx: float | None
    volatility_ok: bool | None
    strength_ok: bool | None
    adx_ok: bool | None
    last_price: float
    suggested_direction: str | None
    proposed_entry: float | None
    proposed_stop_loss: float | None
    proposed_take_profit: float | None


class Rejection(Answer):
    """An evaluation that ended in no signal."""

    hour: int
    timestamp: Time
    instrument: str
    regime: str
    reason: str
    metrics: RejectionMetrics


class Rejections(Answer):
    """The rejections of a UTC day."""

    date: str = Field(examples=["2026-03-02"])
    rejections: list[Rejection]
    next: Next = None
