"""Instruments: their names in every accepted spelling, and what a price of them means."""

import re
from dataclasses import dataclass
from types import MappingProxyType

from alphaforge.core.errors import InvalidInput, UnknownInstrument

_NAME = re.compile(r"[A-Z0-9]{2,10}_[A-Z0-9]{2,10}")
_ALIASES = MappingProxyType({"GOLD": "XAU_USD", "SILVER": "XAG_USD"})
_LEGACY_SYMBOLS = MappingProxyType({"XAU_USD": "GOLD", "XAG_USD": "SILVER"})


@dataclass(frozen=True, slots=True)
class Instrument:
    """What OANDA says of an instrument of the account.

    `pip_location` is the power of ten of a pip (-4: 0.0001), `display_precision` the number of decimals
    of a price, `trade_units_precision` the decimals of a size, `minimum_trade_size` in units.
    """

    name: str
    pip_location: int = -4
    display_precision: int = 5
    trade_units_precision: int = 0
    minimum_trade_size: float = 1.0

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            message = f"{self.name!r} is not an instrument's name"
            raise UnknownInstrument(message, advice="Names look like GBP_USD.")
        if self.pip_location not in range(-10, 5) or self.display_precision not in range(11):
            message = f"{self.name}: pip location {self.pip_location}, precision {self.display_precision}"
            raise InvalidInput(message)

    @property
    def pip(self) -> float:
        """The price of one pip."""
        return float(f"1e{self.pip_location}")

    @property
    def base(self) -> str:
        """The currency (or metal) that is bought by a BUY."""
        return self.name.partition("_")[0]

    @property
    def quote(self) -> str:
        """The currency in which the price is given."""
        return self.name.partition("_")[2]

    @property
    def symbol(self) -> str:
        """The predecessor's spelling in signals: `GBP/USD`, `GOLD`."""
        return _LEGACY_SYMBOLS.get(self.name, self.name.replace("_", "/"))

    @property
    def short_symbol(self) -> str:
        """The predecessor's spelling in the journal and in prices: `GBPUSD`, `XAUUSD`."""
        return self.name.replace("_", "")

    def pips(self, distance: float) -> float:
        """A distance of prices, in pips."""
        return distance / self.pip


FALLBACK_INSTRUMENTS: MappingProxyType[str, Instrument] = MappingProxyType(
    {
        "GBP_USD": Instrument("GBP_USD", -4, 5),
        "XAU_USD": Instrument("XAU_USD", -2, 3),
        "USD_JPY": Instrument("USD_JPY", -2, 3),
    }
)
"""Used only until the account's own list was read."""


def instrument_name(spelling: str) -> str:
    """OANDA's name for any accepted spelling: `GBP/USD`, `GBPUSD`, `gbp-usd`, `GBP_USD`, `GOLD`.

    Raises UnknownInstrument for what cannot be a name. Whether the account has it is another question.
    """
    folded = re.sub(r"[/\- ]", "_", spelling.strip().upper())
    folded = _ALIASES.get(folded, folded)
    if "_" not in folded and len(folded) == 6:  # noqa: PLR2004 - two ISO 4217 codes
        folded = f"{folded[:3]}_{folded[3:]}"
    if not _NAME.fullmatch(folded):
        message = f"{spelling[:40]!r} is not an instrument"
        raise UnknownInstrument(
            message, advice="Accepted spellings: GBP_USD, GBP/USD, GBPUSD, gbp-usd; GOLD for XAU_USD."
        )
    return folded
