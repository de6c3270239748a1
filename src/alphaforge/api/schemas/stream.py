"""What the events of the stream carry."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time, only_required
from alphaforge.api.schemas.market import InstrumentPrice
from alphaforge.api.schemas.signals import Signal
from alphaforge.api.schemas.system import Rejection


class StreamedSignal(Signal):
    """A signal as it is when it is told of: `reasoning` cut to 200 characters, `notes` left out."""

    model_config = only_required("id", "timestamp", "symbol", "direction", "entry", "stop_loss", "tp1", "status")


class StreamedBar(Answer):
    """Prices of a candle."""

    open: float
    high: float
    low: float
    close: float


class StreamedCandle(Answer):
    """A candle that closed, or came back revised."""

    instrument: str
    granularity: str
    time: Time = Field(description="Its start.")
    end_time: Time
    mid: StreamedBar
    bid: StreamedBar
    ask: StreamedBar
    volume: int = Field(description="Number of prices.")
    source: str
    simulated: bool


class StreamedStatus(Answer):
    """How the desk is; told when any of it changes."""

    oanda: str = Field(description="`connected` while the market's last answer was a good one, else `disconnected`.")
    strategy: str = Field(description="`running` while scheduled scans are on, else `stopped`.")
    prices: str = Field(description="`streaming`, `polling`, or `down`.")
    market_problem: str | None
    scan_problem: str | None
    source: str
    simulated: bool


class StreamReset(Answer):
    """The id that was sent cannot be gone on from: load anew what you show."""

    reason: str = Field(description="`too_old` or `unknown`.")
    detail: str


Streamed = StreamedSignal | Rejection | StreamedCandle | InstrumentPrice | StreamedStatus | StreamReset
"""The `data` of an event: of `signal` and `outcome` the first, then in the order of `rejection`, `candle`, `price`,
`status` and `reset`."""
