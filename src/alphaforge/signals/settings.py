"""Every number of the strategy, and the fingerprint that travels with what was decided by them."""

import hashlib
import json
import math
from dataclasses import asdict, dataclass, fields
from functools import lru_cache
from typing import Final

from alphaforge.core.errors import Contradiction, InvalidSetting
from alphaforge.core.granularity import Granularity
from alphaforge.signals.model import Regime

STRATEGY: Final = "voting-v3"

_PLACES: Final = {regime: place for place, regime in enumerate(Regime)}


@dataclass(frozen=True, slots=True)
class StrategySettings:
    """The numbers of voting-v3. Shares are fractions, ages and lifetimes seconds, periods candles.

    Raises InvalidSetting for numbers that cannot be meant.
    """

    weight_m5: float = 0.20
    weight_m15: float = 0.30
    weight_h1: float = 0.50

    window: int = 13_000
    minimum_candles: int = 1_000

    ema_fast: int = 5
    ema_middle: int = 8
    ema_slow: int = 13
    rsi_period: int = 7
    macd_fast: int = 6
    macd_slow: int = 13
    macd_signal: int = 4
    bollinger_period: int = 20
    bollinger_deviations: float = 2.0
    stochastic_k: int = 5
    stochastic_d: int = 3
    adx_period: int = 14
    atr_period: int = 14
    volume_period: int = 20

    trending_adx: float = 25.0
    ranging_adx: float = 20.0
    volatility_window: int = 500
    high_volatility_percentile: float = 70.0
    multipliers: tuple[float, ...] = (0.9, 1.2, 0.9, 1.2, 0.5, 0.8, 0.6, 0.5)
    untraded: tuple[Regime, ...] = (Regime.RANGING_HIGH, Regime.UNKNOWN)

    rsi_low: float = 30.0
    rsi_middle: float = 50.0
    rsi_high: float = 70.0
    rsi_ranging_low: float = 20.0
    rsi_ranging_high: float = 80.0
    bollinger_ranging_low: float = 0.2
    bollinger_ranging_high: float = 0.8
    bollinger_pullback: float = 0.3
    bollinger_rebound: float = 0.7
    stochastic_low: float = 20.0
    stochastic_high: float = 80.0
    busy_volume: float = 1.2
    volume_votes: float = 0.5
    voters: int = 6
    minimum_votes: float = 2.0
    leaning: float = 0.5

    maximum_age: float = 600.0
    minimum_agreement: float = 2 / 3
    minimum_strength: float = 15.0
    minimum_volatility: float = 0.0002
    maximum_volatility: float = 0.01
    minimum_adx: float = 25.0
    maximum_spread_share: float = 0.25
    exposure_cap: int = 2
    cooldown: float = 3_600.0

    stop_atr: float = 1.5
    target_atr: float = 3.0
    lifetime: int = 14_400

    kelly_share: float = 0.25
    kelly_confidence: float = 0.90
    kelly_results: int = 50
    kelly_minimum_results: int = 20
    risk_default: float = 0.02
    risk_minimum: float = 0.005
    risk_maximum: float = 0.03

    def __post_init__(self) -> None:
        for name, value in asdict(self).items():
            for number in value if name == "multipliers" else (value,):
                if isinstance(number, int | float) and not (
                    math.isfinite(number) and number >= isinstance(number, int)
                ):
                    message = f"{name} = {number} is impossible"
                    raise InvalidSetting(message, advice="Counts begin at 1, other numbers at 0; none is infinite.")
        claims = {
            "the timeframes' weights add up to 1": math.isclose(sum(self.weights.values()), 1.0),
            "there is one multiplier for each regime": len(self.multipliers) == len(Regime),
            "averages go from fast to slow": self.ema_fast < self.ema_middle < self.ema_slow
            and self.macd_fast < self.macd_slow,
            "a ranging ADX is not above a trending one": self.ranging_adx <= self.trending_adx,
            "volatility's floor is below its ceiling": self.minimum_volatility < self.maximum_volatility,
            "risk's floor is not above its ceiling": self.risk_minimum <= self.risk_maximum < 1,
            "Kelly's confidence is below 1": self.kelly_confidence < 1,
            "the window holds the volatility's percentile": self.volatility_window <= self.minimum_candles,
            "a target in the widest volatility is a price": self.maximum_volatility
            * max(self.stop_atr, self.target_atr)
            < 1,
            "stop and target lie away from the entry": self.stop_atr > 0 and self.target_atr > 0,
        }
        for claim, true in claims.items():
            if not true:
                message = f"These settings contradict themselves: {claim}"
                raise Contradiction(message)

    @property
    def weights(self) -> dict[Granularity, float]:
        """The weight of each timeframe's votes, in the order in which they are added up."""
        return {
            Granularity.M5: self.weight_m5,
            Granularity.M15: self.weight_m15,
            Granularity.H1: self.weight_h1,
        }

    @property
    def longest_window(self) -> int:
        """How many candles the longest of the windowed indicators looks at."""
        return max(self.bollinger_period, self.volume_period, self.stochastic_k + self.stochastic_d)

    def multiplier(self, regime: Regime) -> float:
        """By how much the size of a position is multiplied in `regime`."""
        return self.multipliers[_PLACES[regime]]

    def fingerprint(self) -> str:
        """16 hex digits that change with any number: the SHA-256 of all fields as JSON in the order of their names."""
        return _fingerprint(self)


@lru_cache(maxsize=64)
def _fingerprint(settings: StrategySettings) -> str:
    values = {field.name: getattr(settings, field.name) for field in fields(settings)}
    canonical = json.dumps(values, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()[:16]


DEFAULT_SETTINGS: Final = StrategySettings()
