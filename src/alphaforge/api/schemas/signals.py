"""Signals coming in and going out."""

from typing import Annotated, Any, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from alphaforge.api.parameters import Text, clean_text
from alphaforge.api.schemas.common import Answer, AnyCase, Next, Number, Price, Time, only_required
from alphaforge.core.instruments import instrument_name
from alphaforge.signals.model import Direction


class SignalBody(BaseModel):
    """A signal made by hand or by a client."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "symbol": "GBP/USD",
                "direction": "BUY",
                "entry": 1.31,
                "stop_loss": 1.308,
                "tp1": 1.314,
                "confidence_score": 71.5,
                "reasoning": "Breakout above yesterday's high",
            }
        }
    )

    symbol: Annotated[
        Text, Field(max_length=40), AfterValidator(lambda text: clean_text(text) and instrument_name(text))
    ]
    direction: Annotated[Direction, AnyCase]
    entry: Price
    stop_loss: Price
    tp1: Price
    tp2: Price | None = None
    tp3: Price | None = None
    confidence_score: Annotated[Number, Field(ge=0, le=100)] | None = None
    signal_strength: Annotated[Text, Field(max_length=20)] | None = None
    position_size: Annotated[Number, Field(ge=0)] | None = None
    risk_amount: Annotated[Number, Field(ge=0)] | None = None
    reasoning: Annotated[Text, Field(max_length=20_000)] | None = None
    market_condition: Annotated[Text, Field(max_length=50)] | None = None
    session: Annotated[Text, Field(max_length=20)] | None = None
    notes: Annotated[Text, Field(max_length=20_000)] | None = None
    tags: Annotated[Text, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def levels_lie_on_their_sides(self) -> Self:
        """Refuse a trade that would be lost or won before it begins: it could never be settled truthfully."""
        sign = 1 if self.direction is Direction.BUY else -1
        if (self.entry - self.stop_loss) * sign <= 0:
            message = f"stop_loss must lie {'below' if sign > 0 else 'above'} entry for a {self.direction}"
            raise ValueError(message)
        for name, target in (("tp1", self.tp1), ("tp2", self.tp2), ("tp3", self.tp3)):
            if target is not None and (target - self.entry) * sign <= 0:
                message = f"{name} must lie {'above' if sign > 0 else 'below'} entry for a {self.direction}"
                raise ValueError(message)
        return self


class Signal(Answer):
    """A signal. Fields that the predecessor has keep its meaning; null is `not known`."""

    id: int
    timestamp: Time
    symbol: str = Field(description="The predecessor's spelling.", examples=["GBP/USD", "GOLD"])
    instrument: str | None = Field(description="OANDA's name.", examples=["GBP_USD"])
    direction: str
    entry: float
    stop_loss: float
    tp1: float
    tp2: float | None
    tp3: float | None
    rr_ratio: str | None
    position_size: float | None
    risk_amount: float | None
    confidence_score: float | None = Field(description="0 to 100; a rank, not a probability.")
    signal_strength: str | None
    reasoning: str | None
    status: str = Field(description="PENDING, ACTIVE, WON, LOST, EXPIRED, CLOSED or CANCELLED.")
    entry_time: Time | None
    entry_price: float | None
    exit_time: Time | None
    exit_price: float | None
    outcome: str | None
    pips_captured: float | None
    actual_pnl: float | None
    potential_pnl: float | None
    duration_hours: float | None
    mae: float | None
    mfe: float | None
    slippage: float | None
    market_condition: str | None = Field(description="The regime on H1.")
    session: str | None
    volatility_level: float | None
    notes: str | None
    tags: str | None
    created_at: Time
    updated_at: Time
    origin: str | None = Field(None, description="`strategy` or `manual`; null for the predecessor's.")
    strategy: str | None = None
    source: str | None = Field(None, description="Where its prices come from.")
    simulated: bool | None = Field(None, description="Whether its prices are invented by the sandbox.")
    candle_time: Time | None = Field(None, description="The start of the M5 candle it was decided on.")
    expires_at: Time | None = None
    candle_hash: str | None = Field(None, description="Number and hash of the candles it was decided from.")
    settings_hash: str | None = None
    regime: str | None = None
    strength: float | None = None
    agreement: float | None = None
    r_multiple: float | None = None
    ambiguous: bool | None = None
    spread: float | None = None
    spread_paid: float | None = None
    risk_fraction: float | None = None


class ListedSignal(Signal):
    """A signal with the parts that were asked for."""

    model_config = only_required(
        *("id", "timestamp", "symbol", "direction", "entry", "stop_loss", "tp1", "confidence_score", "status"),
        *("exit_time", "exit_price", "outcome", "pips_captured", "actual_pnl", "instrument"),
    )

    decision: dict[str, Any] | None = Field(
        None, description="With `include=decision`: every vote, filter and level; null where the desk did not decide."
    )


class PageStatistics(Answer):
    """Figures over the signals of one answer."""

    total: int
    active: int
    closed: int
    winners: int
    losers: int
    expired: int
    pending: int
    winRate: float = Field(description="Percent of winners and losers.")  # noqa: N815 - the predecessor's key
    totalPnL: float  # noqa: N815 - the predecessor's key


class SignalPage(Answer):
    """Signals, newest first."""

    signals: list[ListedSignal]
    count: int = Field(description="Signals in this answer.")
    total: int = Field(description="Signals that match, on all pages.")
    statistics: PageStatistics
    next: Next = None


class SignalList(Answer):
    """Signals, newest first."""

    signals: list[Signal]
    count: int
    next: Next = None


class SymbolSignals(SignalList):
    """The signals of one instrument."""

    symbol: str
    instrument: str


class StatusSignals(SignalList):
    """The signals of one status."""

    success: bool


class OneSignal(Answer):
    """One signal."""

    success: bool
    signal: Signal


class CreatedSignal(Answer):
    """The signal as it was stored."""

    success: bool
    status: str = "success"
    message: str
    signal: Signal


class SignalStatistics(Answer):
    """How many signals there are, by what became of them."""

    total_signals_generated: int
    pending_signals: int
    expired_signals: int
    by_status: dict[str, int]
    note: str


class SymbolPerformance(Answer):
    """What the settled signals of one symbol brought."""

    trades: int
    pnl: float
    win_rate: float = Field(description="Percent.")
    wins: int
    losses: int


class CheckedOutcome(Answer):
    """A signal that was settled just now."""

    id: int
    symbol: str
    instrument: str
    status: str
    exit_price: float | None
    reason: str


class OutcomeCounts(Answer):
    """What became of the open signals."""

    checked: int
    won: int
    lost: int
    expired: int
    details: list[CheckedOutcome]


class CheckedOutcomes(Answer):
    """All open signals held against the candles."""

    success: bool
    results: OutcomeCounts
