"""The shapes of OANDA's answers, and the reading of its times and numbers.

Numbers come as strings; msgspec's lax mode reads them into floats, NaN included: what may not be NaN is checked
where it is used.
"""

from collections.abc import Callable
from typing import TypeVar

import msgspec

from alphaforge.core.errors import InvalidInput, MalformedAnswer
from alphaforge.core.times import parse_rfc3339
from alphaforge.market.oanda.failures import Garbled

T = TypeVar("T")


class Prices(msgspec.Struct, gc=False):
    """Open, high, low, close."""

    o: float
    h: float
    l: float  # noqa: E741 - OANDA's spelling
    c: float


class Candle(msgspec.Struct, gc=False):
    """One candle of bid, mid and ask."""

    complete: bool
    volume: int
    time: float | str
    bid: Prices
    mid: Prices
    ask: Prices


class Candles(msgspec.Struct, gc=False):
    """An answer to a request for candles."""

    instrument: str
    granularity: str
    candles: list[Candle]


class Depth(msgspec.Struct, gc=False):
    """A price, and how many units are to be had for it."""

    price: float
    liquidity: float | None = None


class Price(msgspec.Struct, gc=False):
    """A price of now, asked for or streamed; a heartbeat of the stream has `type` and `time` only."""

    time: float | str
    type: str = "PRICE"
    instrument: str = ""
    bids: list[Depth] = []
    asks: list[Depth] = []
    status: str | None = None
    tradeable: bool | None = None


class Pricing(msgspec.Struct):
    """An answer to a request for prices."""

    prices: list[Price]
    time: float | str | None = None


class InstrumentAnswer(msgspec.Struct, rename="camel"):
    """What OANDA says of an instrument."""

    name: str
    pip_location: int
    display_precision: int
    trade_units_precision: int = 0
    minimum_trade_size: float = 1.0


class InstrumentsAnswer(msgspec.Struct):
    """The account's instruments."""

    instruments: list[InstrumentAnswer]


class AccountName(msgspec.Struct):
    """An account of the token."""

    id: str


class AccountsAnswer(msgspec.Struct):
    """The token's accounts."""

    accounts: list[AccountName]


class SummaryOfAccount(msgspec.Struct, rename="camel"):
    """The account's money."""

    currency: str
    balance: float
    nav: float = msgspec.field(name="NAV")
    open_trade_count: int = 0


class SummaryAnswer(msgspec.Struct):
    """The account's summary."""

    account: SummaryOfAccount


def reader(shape: type[T], what: str) -> Callable[[bytes], T]:
    """A function that reads a body into `shape`; raises Garbled where it is no JSON, MalformedAnswer for others."""
    decoder = msgspec.json.Decoder(shape, strict=False)

    def read(body: bytes) -> T:
        try:
            return decoder.decode(body)
        except msgspec.ValidationError as error:
            raise MalformedAnswer(f"OANDA's answer about {what} is not as documented: {error}") from None
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Garbled(f"OANDA's answer about {what} cannot be read: it is not JSON") from None

    return read


def moment(time: float | str) -> float:
    """Epoch seconds of a time in either of OANDA's forms; raises MalformedAnswer."""
    try:
        return float(time) if isinstance(time, float) or time.replace(".", "", 1).isdigit() else parse_rfc3339(time)
    except (InvalidInput, ValueError):
        raise MalformedAnswer("OANDA's answer has a time that is none") from None
