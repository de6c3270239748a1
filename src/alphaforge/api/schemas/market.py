"""Prices, candles, instruments."""

from pydantic import Field

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


class Candles(Answer):
    """Closed candles, oldest first."""

    instrument: str
    granularity: str
    price: str
    candles: list[Candle]
    count: int
    source: str
    simulated: bool


class WatchedInstrument(Answer):
    """An instrument."""

    instrument: str
    symbol: str
    pip: float
    pip_location: int
    display_precision: int
    trade_units_precision: int
    minimum_trade_size: float
    open: bool = Field(description="Whether it trades now, by its hours.")
    next_open: Time | None


class Instruments(Answer):
    """The watched instruments."""

    instruments: list[WatchedInstrument]
    count: int
    timestamp: Time
