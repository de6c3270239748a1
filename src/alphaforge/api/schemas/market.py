"""Prices, candles, instruments."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from alphaforge.api.parameters import Text
from alphaforge.api.schemas.common import Answer, Time


class InstrumentPrice(Answer):
    """A quote."""

    instrument: str
    bid: float
    ask: float
    price: float = Field(description="The middle.")
    spread: float
    time: Time = Field(description="When the market said so.")
    bid_volume: int | None
    ask_volume: int | None
    tradeable: bool = Field(description="False while the market is closed.")
    age_seconds: float
    stale: bool
    source: str
    simulated: bool = Field(description="Whether the sandbox invented it.")


class LivePrices(Answer):
    """Quotes by instrument."""

    prices: dict[str, InstrumentPrice]
    missing: list[str]
    timestamp: Time
    source: str
    simulated: bool


class LivePrice(InstrumentPrice):
    """One quote."""

    symbol: str
    timestamp: Time


class Symbols(Answer):
    """The watched instruments."""

    symbols: list[str] = Field(examples=[["GBPUSD", "XAUUSD", "USDJPY"]])
    instruments: list[str] = Field(examples=[["GBP_USD", "XAU_USD", "USD_JPY"]])
    count: int


class Candle(Answer):
    """A closed candle; `time` is its start."""

    time: Time
    open: float
    high: float
    low: float
    close: float
    volume: int = Field(description="Number of prices.")


class IndicatorValues(Answer):
    """An indicator beside the candles of an answer."""

    label: str = Field(description="With the strategy's periods.", examples=["EMA 5"])
    marks: list[float] = Field(description="Where on its scale the strategy decides; perhaps none.")
    values: list[float | None] = Field(description="One for each candle; null where it has none yet.")


class Candles(Answer):
    """Closed candles, oldest first."""

    instrument: str
    granularity: str
    price: str
    candles: list[Candle]
    count: int
    source: str
    simulated: bool
    indicators: dict[str, IndicatorValues] | None = Field(None, description="By name, those that were asked for.")


class InstrumentFacts(Answer):
    """What the broker says of an instrument."""

    instrument: str
    symbol: str
    pip: float
    pip_location: int
    display_precision: int
    trade_units_precision: int
    minimum_trade_size: float


class WatchedInstrument(InstrumentFacts):
    """An instrument that the desk evaluates."""

    open: bool = Field(description="Whether it trades now, by its hours.")
    next_open: Time | None = Field(description="Null while it trades.")
    next_close: Time | None = Field(description="When it trades no more, null while it does not.")
    candle_closes: Time | None = Field(
        description="When the M5 candle that forms now ends, of which the desk decides next; null while it is closed."
    )


class SessionSpan(Answer):
    """A session, by the clocks of the places themselves; hours in which foreign exchange rests are OFF."""

    session: str = Field(description="ASIAN, LONDON, OVERLAP (London and New York), NEW_YORK or OFF.")
    start: Time
    end: Time


class Instruments(Answer):
    """The watched instruments."""

    instruments: list[WatchedInstrument]
    count: int
    sessions: list[SessionSpan] = Field(description="The one that is now, and those after it.")
    timestamp: Time = Field(description="The market's time.")


class AvailableInstrument(InstrumentFacts):
    """An instrument that the account can trade."""

    watched: bool = Field(description="Whether the desk evaluates it.")


class AvailableInstruments(Answer):
    """What the account can trade, by name."""

    instruments: list[AvailableInstrument]
    count: int


class NewInstrument(BaseModel):
    """An instrument to be watched."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"example": {"instrument": "XAU_USD"}})

    instrument: Annotated[Text, Field(max_length=40, description="In any spelling; one that the account can trade.")]


class RemovedInstrument(Answer):
    """What is watched now."""

    success: bool
    instrument: str
    watched: list[str]
