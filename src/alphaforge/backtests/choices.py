"""What a backtest can be asked for by a word: the command line offers the same without loading the rules."""

from enum import StrEnum
from typing import Final


class Entry(StrEnum):
    """Where a position is entered: at the quote of the signal, as live, or at the next candle's open."""

    SIGNAL = "signal"
    NEXT_OPEN = "next_open"


class Positions(StrEnum):
    """How many positions an instrument may have at once; `many`: as live, what cooldown and exposure allow."""

    ONE = "one"
    MANY = "many"


class Figure(StrEnum):
    """By what the best of several settings is chosen; more is better."""

    EXPECTANCY_R = "expectancy_r"
    PROFIT_FACTOR = "profit_factor"
    NET_R = "net_r"
    SHARPE = "sharpe"

    @property
    def words(self) -> str:
        """As a sentence calls it."""
        return _WORDS[self]


_WORDS: Final = {
    Figure.EXPECTANCY_R: "expectancy in R",
    Figure.PROFIT_FACTOR: "profit factor",
    Figure.NET_R: "net R",
    Figure.SHARPE: "Sharpe ratio",
}
