"""A backtest as it is asked for: its plan, and the facts of the market that it is to hold to on every machine."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

from alphaforge.backtests.grid import MOST_POINTS, estimated_seconds, refuse_above
from alphaforge.backtests.plan import Plan
from alphaforge.backtests.schedule import Schedule
from alphaforge.core.errors import InvalidInput
from alphaforge.core.granularity import Granularity
from alphaforge.core.instruments import Instrument
from alphaforge.core.market_hours import MarketHours

RATE = 1_500_000.0
"""M5 candles that a core evaluates in a second for one of many settings, about: for estimates."""
_MOST_TASKS = 10_000
_M5 = Granularity.M5.seconds
_OPEN_SHARE = 5 / 7
_BEYOND = 10**15
"""More points than this are as many: they are refused anyway, and no float holds what they would take."""


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


def candles_of(plan: Plan) -> int:
    """About how many M5 candles one of its settings is evaluated on, those of folds as often as a fold has them."""
    days = sum(fold.test_end - fold.train_start for fold in plan.periods()) or plan.end - plan.start
    return int(days / _M5 * _OPEN_SHARE) * len(plan.instruments)


def estimated(plan: Plan, *, limit: int = MOST_POINTS, cores: int = 1) -> float:
    """About how many seconds it takes on so many cores.

    Raises InvalidInput for a grid of more points than `limit`, saying how long it would have taken, and for more tasks
    than can be kept track of.
    """
    seconds = estimated_seconds(min(len(plan.sweep), _BEYOND), candles_of(plan), rate=RATE, cores=cores)
    refuse_above(plan.sweep, seconds, limit=limit)
    total = Schedule.of(plan).total
    if total > _MOST_TASKS:
        message = f"A walk-forward of {len(plan.periods()):,} folds has {total:,} parts"
        raise InvalidInput(message, advice=f"Take longer folds, or fewer settings: {_MOST_TASKS:,} parts at most.")
    return seconds
