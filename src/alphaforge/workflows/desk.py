"""Everything a workflow needs, handed over by value: the composition root builds one, tests build their own."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from alphaforge.core.clock import Clock
from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument
from alphaforge.core.market_hours import MarketHours, hours_of
from alphaforge.market.oanda.client import OandaClient
from alphaforge.market.rolling import RollingCandles
from alphaforge.signals.analysis import Analysis
from alphaforge.signals.desk import Book
from alphaforge.signals.settings import StrategySettings
from alphaforge.storage.engine import Database
from alphaforge.storage.exclusive import Exclusive
from alphaforge.workflows.counts import Counts

_DECIDING = 4701201907
"""Any number that only AlphaForge uses."""


def not_watched(name: str, names: tuple[str, ...]) -> UnknownInstrument:
    """For an instrument that is none of those that the desk watches."""
    return UnknownInstrument(f"{name} is not watched", advice=f"Watched are {', '.join(names)}.")


@dataclass(frozen=True, slots=True)
class HeldBook:
    """A book, the source it is of, and the generation of the database's signals that it agrees with."""

    book: Book
    source: str
    generation: int


@dataclass(slots=True)
class Desk:
    """The desk's parts. `names`: the instruments it watches, in the order in which they are decided.

    `listed`: whether the account has said which `instruments` it can trade.
    `evaluated`: the newest candle of each instrument that is stored as evaluated (start, epoch seconds), known for
    the source `evaluated_in`. `held` and `analyses` spare work that nothing has made due. `deciding` is held by
    whoever decides or settles, in whichever process.
    """

    database: Database
    source: OandaClient
    candles: RollingCandles
    clock: Clock
    names: tuple[str, ...]
    strategy: StrategySettings
    instruments: dict[str, Instrument] = field(default_factory=lambda: dict(FALLBACK_INSTRUMENTS))
    hours: Mapping[str, MarketHours] = field(default_factory=dict)
    evaluated: dict[str, int] = field(default_factory=dict)
    evaluated_in: str | None = None
    held: HeldBook | None = None
    analyses: dict[str, Analysis] = field(default_factory=dict)
    listed: bool = False
    counts: Counts = field(default_factory=Counts)
    deciding: Exclusive = field(init=False)

    def __post_init__(self) -> None:
        self.deciding = Exclusive(self.database, _DECIDING)

    def watched(self, names: tuple[str, ...] | None) -> tuple[str, ...]:
        """`names` as far as they are watched, or all; raises UnknownInstrument for another."""
        for name in names or ():
            if name not in self.names:
                raise not_watched(name, self.names)
        return names or self.names

    def followed(self) -> tuple[str, ...]:
        """The watched instruments, and those of open signals that are watched no more."""
        return self.names if self.held is None else self.held.book.instruments(self.names)

    def instrument(self, name: str) -> Instrument:
        """What is known of an instrument; before the account was read, the usual precision."""
        return self.instruments.get(name) or Instrument(name)

    def hours_of(self, name: str) -> MarketHours:
        """When an instrument trades."""
        return self.hours.get(name) or hours_of(name)
