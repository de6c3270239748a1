"""A backtest as it is asked for: its plan, and the facts of the market that it is to hold to on every machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from alphaforge.backtests.plan import Plan
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours


@dataclass(frozen=True, slots=True)
class Request:
    """`source`: whose candles; `simulated`: whether they are invented. `instruments` in the plan's order.

    `controls` off: random entries, zero spread and buy-and-hold are not computed.
    """

    plan: Plan
    source: str
    simulated: bool
    instruments: tuple[Instrument, ...]
    hours: Mapping[str, MarketHours]
    controls: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "plan": self.plan.to_dict(),
            "source": self.source,
            "simulated": self.simulated,
            "instruments": [asdict(one) for one in self.instruments],
            "hours": {name: asdict(hours) for name, hours in self.hours.items()},
            "controls": self.controls,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_dict` was made of. Raises InvalidInput for what cannot be meant."""
        return cls(
            plan=Plan.from_dict(plain["plan"]),
            source=plain["source"],
            simulated=plain["simulated"],
            instruments=tuple(Instrument(**one) for one in plain["instruments"]),
            hours={
                name: MarketHours(
                    hours["break_start"], hours["break_end"], tuple((start, end) for start, end in hours["closures"])
                )
                for name, hours in plain["hours"].items()
            },
            controls=plain["controls"],
        )
