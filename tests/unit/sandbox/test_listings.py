import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.market.sandbox.listings import listing_of, listings_of


def test_the_sandbox_lists_what_the_desk_falls_back_on() -> None:
    for name, instrument in FALLBACK_INSTRUMENTS.items():
        assert listing_of(name).instrument == instrument


def test_instruments_are_listed_in_any_spelling_once() -> None:
    assert list(listings_of(["gbp/usd", "GOLD", "GBPUSD"])) == ["GBP_USD", "XAU_USD"]


def test_what_is_no_name_is_refused() -> None:
    with pytest.raises(UnknownInstrument):
        listings_of(["pound"])


@settings(deadline=None, max_examples=50)
@given(st.from_regex(r"[A-Z]{3}_[A-Z]{3}", fullmatch=True))
def test_any_pair_has_a_plausible_listing(name: str) -> None:
    listing = listing_of(name)

    assert listing == listing_of(name)
    assert listing.anchor * listing.scale * 4 < 2**31  # four times the anchor still fits into points
    assert listing.spread_points < listing.anchor * listing.scale * listing.volatility
    if name.endswith("_JPY"):
        assert (listing.instrument.pip_location, listing.instrument.display_precision) == (-2, 3)
