"""What the sandbox's broker lists: usual pairs, metals and indices with plausible prices, and a rule for the rest."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.market.sandbox.noise import key_of

_SHORT_PRICED = frozenset({"JPY", "HUF", "THB"})
_ASIA = frozenset({"JPY", "AUD", "NZD", "CNH", "HKD", "SGD", "THB", "JP225"})
_EUROPE = frozenset({"EUR", "GBP", "CHF", "SEK", "NOK", "DKK", "PLN", "HUF", "CZK", "TRY", "DE30", "UK100"})


@dataclass(frozen=True, slots=True)
class Listing:
    """An instrument and how it behaves.

    `anchor`: the price it wanders around. `volatility`: deviation of a day's logarithmic return.
    `spread`: the usual spread in pips. `asia`, `europe`, `america`: how much each session trades it, 0-1.
    """

    instrument: Instrument
    anchor: float
    volatility: float
    spread: float
    asia: float
    europe: float
    america: float

    @property
    def scale(self) -> int:
        """Points (smallest price steps) in a price of one."""
        return int(10**self.instrument.display_precision)

    @property
    def spread_points(self) -> float:
        """The usual spread in points."""
        return self.spread * self.instrument.pip * self.scale


# anchor, volatility of a day in per cent, spread in pips, pip location, display precision
_TABLE: Mapping[str, tuple[float, float, float, int, int]] = MappingProxyType(
    {
        "EUR_USD": (1.11, 0.45, 1.0, -4, 5),
        "GBP_USD": (1.29, 0.50, 1.2, -4, 5),
        "USD_JPY": (148.0, 0.60, 1.2, -2, 3),
        "USD_CHF": (0.875, 0.45, 1.3, -4, 5),
        "USD_CAD": (1.37, 0.38, 1.5, -4, 5),
        "AUD_USD": (0.66, 0.60, 1.1, -4, 5),
        "NZD_USD": (0.605, 0.60, 1.4, -4, 5),
        "EUR_GBP": (0.85, 0.35, 1.2, -4, 5),
        "EUR_JPY": (163.0, 0.60, 1.7, -2, 3),
        "EUR_CHF": (0.95, 0.35, 1.7, -4, 5),
        "EUR_AUD": (1.66, 0.50, 2.3, -4, 5),
        "EUR_CAD": (1.49, 0.42, 2.2, -4, 5),
        "EUR_NZD": (1.81, 0.52, 3.0, -4, 5),
        "GBP_JPY": (191.0, 0.70, 2.4, -2, 3),
        "GBP_CHF": (1.13, 0.48, 2.6, -4, 5),
        "GBP_AUD": (1.95, 0.55, 2.9, -4, 5),
        "GBP_CAD": (1.75, 0.48, 2.8, -4, 5),
        "GBP_NZD": (2.13, 0.56, 3.6, -4, 5),
        "AUD_JPY": (98.0, 0.75, 1.8, -2, 3),
        "AUD_NZD": (1.09, 0.35, 2.1, -4, 5),
        "AUD_CAD": (0.90, 0.45, 2.0, -4, 5),
        "AUD_CHF": (0.58, 0.60, 2.0, -4, 5),
        "CAD_JPY": (108.0, 0.62, 2.1, -2, 3),
        "CAD_CHF": (0.64, 0.45, 2.1, -4, 5),
        "CHF_JPY": (170.0, 0.60, 2.4, -2, 3),
        "NZD_JPY": (89.0, 0.75, 2.1, -2, 3),
        "USD_SEK": (10.4, 0.65, 38.0, -4, 5),
        "USD_NOK": (10.7, 0.70, 42.0, -4, 5),
        "USD_SGD": (1.34, 0.28, 2.5, -4, 5),
        "USD_HKD": (7.80, 0.04, 3.0, -4, 5),
        "USD_CNH": (7.20, 0.25, 12.0, -4, 5),
        "USD_MXN": (18.5, 0.80, 60.0, -4, 5),
        "USD_ZAR": (18.2, 0.95, 90.0, -4, 5),
        "USD_TRY": (33.0, 0.40, 250.0, -4, 5),
        "USD_PLN": (3.95, 0.65, 22.0, -4, 5),
        "USD_HUF": (360.0, 0.70, 18.0, -2, 3),
        "XAU_USD": (2650.0, 0.80, 32.0, -2, 3),
        "XAG_USD": (30.5, 1.60, 220.0, -4, 5),
        "XPT_USD": (980.0, 1.30, 180.0, -2, 3),
        "SPX500_USD": (5600.0, 0.90, 0.5, 0, 1),
        "NAS100_USD": (19_800.0, 1.20, 1.6, 0, 1),
        "US30_USD": (41_000.0, 0.80, 2.8, 0, 1),
        "DE30_EUR": (18_600.0, 0.90, 1.4, 0, 1),
        "UK100_GBP": (8_250.0, 0.70, 1.4, 0, 1),
        "JP225_USD": (38_500.0, 1.20, 9.0, 0, 1),
        "BCO_USD": (78.0, 1.80, 3.5, -2, 3),
        "WTICO_USD": (74.0, 1.90, 3.5, -2, 3),
        "BTC_USD": (62_000.0, 2.50, 45.0, 0, 1),
    }
)

USUAL_INSTRUMENTS = ("GBP_USD", "XAU_USD", "USD_JPY", "EUR_USD", "AUD_USD", "USD_CAD", "USD_CHF", "NZD_USD")
LISTED_INSTRUMENTS = tuple(_TABLE)
"""All whose prices are known to be plausible."""


def listing_of(name: str) -> Listing:
    """The listing of an instrument; one that is not in the table gets plausible values from its name alone."""
    anchor, per_cent, spread, pip_location, precision = _TABLE.get(name) or _unlisted(name)
    base, _, quote = name.partition("_")
    both = {base, quote}
    return Listing(
        Instrument(name, pip_location, precision),
        anchor,
        per_cent / 100,
        spread,
        asia=0.9 if both & _ASIA else 0.35,
        europe=1.0 if both & _EUROPE or base.startswith("XA") else 0.75,
        america=1.0 if "USD" in both or "CAD" in both else 0.6,
    )


def listings_of(spellings: Iterable[str]) -> Mapping[str, Listing]:
    """Listings by OANDA's name, for instruments in any spelling; raises UnknownInstrument for what is no name."""
    return MappingProxyType({(name := instrument_name(spelling)): listing_of(name) for spelling in spellings})


def _unlisted(name: str) -> tuple[float, float, float, int, int]:
    chance = int(key_of("listing", name)) / 2**64
    if name.partition("_")[2] in _SHORT_PRICED:
        return (80.0 + 100.0 * chance, 0.65, 2.5, -2, 3)
    return (0.6 + 1.6 * chance, 0.55, 2.5, -4, 5)
