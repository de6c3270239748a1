"""The predecessor's two tables as mapped classes, and their response models."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    """What is mapped."""


class Signal(Base):
    """A signal."""

    __tablename__ = "trading_signals"

    id: Mapped[int] = mapped_column(primary_key=True)
    timestamp: Mapped[datetime]
    symbol: Mapped[str]
    direction: Mapped[str]
    entry: Mapped[float]
    stop_loss: Mapped[float]
    tp1: Mapped[float]
    tp2: Mapped[float | None]
    tp3: Mapped[float | None]
    rr_ratio: Mapped[str | None]
    position_size: Mapped[float | None]
    risk_amount: Mapped[float | None]
    confidence_score: Mapped[float | None]
    signal_strength: Mapped[str | None]
    reasoning: Mapped[str | None]
    status: Mapped[str]
    entry_time: Mapped[datetime | None]
    entry_price: Mapped[float | None]
    exit_time: Mapped[datetime | None]
    exit_price: Mapped[float | None]
    outcome: Mapped[str | None]
    pips_captured: Mapped[float | None]
    actual_pnl: Mapped[float | None]
    potential_pnl: Mapped[float | None]
    duration_hours: Mapped[float | None]
    mae: Mapped[float | None]
    mfe: Mapped[float | None]
    slippage: Mapped[float | None]
    market_condition: Mapped[str | None]
    session: Mapped[str | None]
    volatility_level: Mapped[float | None]
    notes: Mapped[str | None]
    tags: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class Entry(Base):
    """A journal entry."""

    __tablename__ = "journal_entries"

    id: Mapped[int] = mapped_column(primary_key=True)
    open_time: Mapped[datetime]
    close_time: Mapped[datetime | None]
    symbol: Mapped[str]
    trade_type: Mapped[str]
    lots: Mapped[float]
    entry_price: Mapped[float]
    exit_price: Mapped[float | None]
    stop_loss: Mapped[float | None]
    take_profit: Mapped[float | None]
    pips: Mapped[float | None]
    profit_loss: Mapped[float | None]
    mae: Mapped[float | None]
    mfe: Mapped[float | None]
    r_value: Mapped[float | None]
    trade_setup: Mapped[str | None]
    session: Mapped[str | None]
    duration_minutes: Mapped[int | None]
    notes: Mapped[str | None]
    tags: Mapped[str | None]
    screenshot_entry: Mapped[str | None]
    screenshot_exit: Mapped[str | None]
    screenshot_analysis: Mapped[str | None]
    outcome: Mapped[str | None]
    created_at: Mapped[datetime | None]
    updated_at: Mapped[datetime | None]


class SignalBody(BaseModel):
    """A signal as it is answered."""

    model_config = ConfigDict(from_attributes=True)

    id: int
    timestamp: datetime
    symbol: str
    direction: str
    entry: float
    stop_loss: float
    tp1: float
    tp2: float | None
    tp3: float | None
    rr_ratio: str | None
    position_size: float | None
    risk_amount: float | None
    confidence_score: float | None
    signal_strength: str | None
    reasoning: str | None
    status: str
    entry_time: datetime | None
    entry_price: float | None
    exit_time: datetime | None
    exit_price: float | None
    outcome: str | None
    pips_captured: float | None
    actual_pnl: float | None
    potential_pnl: float | None
    duration_hours: float | None
    mae: float | None
    mfe: float | None
    slippage: float | None
    market_condition: str | None
    session: str | None
    volatility_level: float | None
    notes: str | None
    tags: str | None
    created_at: datetime
    updated_at: datetime


class SignalPage(BaseModel):
    """A list of signals."""

    signals: list[SignalBody]
    count: int
    total: int


class Statistics(BaseModel):
    """The journal in figures."""

    total_trades: int
    wins: int
    losses: int
    win_rate: float
    total_pnl: float
    total_pips: float
    avg_r: float
