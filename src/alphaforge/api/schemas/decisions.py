"""A decision as it is stored: what was measured, who voted for what, and what refused it."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time


class TimeframeVotes(Answer):
    """The votes of one timeframe: 1 for buy, -1 for sell, 0 silent; volume adds half a vote to the side that leads."""

    granularity: str = Field(description="M5, M15 or H1.")
    candle_time: Time = Field(description="The start of the newest candle that was usable.")
    ema_ribbon: int
    rsi: int
    macd: int
    bollinger: int
    stochastic: int
    volume: float
    buy: float = Field(description="The votes for buy together, before they are weighted.")
    sell: float
    values: dict[str, float | None] = Field(description="The indicators by name; null where one had no value.")


class FilterVerdict(Answer):
    """What one filter said."""

    name: str = Field(examples=["trend"])
    passed: bool
    measured: float | None
    threshold: float | None
    change: str = Field(description="The smallest change that would have passed it; empty where it passed.")


class ProposedLevels(Answer):
    """Prices of the trade that was proposed."""

    direction: str
    entry: float
    stop: float
    target: float


class Decision(Answer):
    """What was decided on one closed M5 candle, and everything it was decided from."""

    strategy: str
    instrument: str
    candle_time: Time = Field(description="The start of the M5 candle.")
    as_of: Time = Field(description="When it was decided.")
    direction: str | None = Field(description="The side that leads, also where a filter refused it.")
    reason: str | None = Field(description="The first filter that refused; null for a signal.")
    regime: str
    buy_votes: float = Field(description="Weighted by timeframe, all together.")
    sell_votes: float
    strength: float = Field(description="0 to 100.")
    agreement: float = Field(description="The share of the timeframes that lean to the side that leads.")
    confidence: float = Field(description="0 to 100; a rank, not a probability.")
    close: float
    atr: float | None
    adx: float | None
    spread: float
    levels: ProposedLevels | None
    risk_fraction: float = Field(description="The share of the account that was to be risked.")
    timeframes: list[TimeframeVotes]
    filters: list[FilterVerdict]
    candle_hash: str = Field(description="Number and hash of the candles it was decided from.")
    settings_hash: str = Field(description="Hash of the strategy's numbers.")
