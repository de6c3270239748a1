import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS, Instrument, instrument_name
from builders import GBP_USD, USD_JPY, XAU_USD


@pytest.mark.parametrize(
    ("spelling", "name"),
    [
        ("GBP_USD", "GBP_USD"),
        ("GBP/USD", "GBP_USD"),
        ("GBPUSD", "GBP_USD"),
        ("gbp-usd", "GBP_USD"),
        (" gbp usd ", "GBP_USD"),
        ("gold", "XAU_USD"),
        ("GOLD", "XAU_USD"),
        ("XAUUSD", "XAU_USD"),
        ("xau/usd", "XAU_USD"),
        ("silver", "XAG_USD"),
        ("SPX500_USD", "SPX500_USD"),
        ("spx500/usd", "SPX500_USD"),
    ],
)
def test_every_accepted_spelling_means_its_instrument(spelling: str, name: str) -> None:
    assert instrument_name(spelling) == name


@pytest.mark.parametrize(
    "spelling", ["", "GBP", "GBP_", "_USD", "GBP__USD", "GBP_USD_EUR", "GB;DROP", "GBP\nUSD", "£_$"]
)
def test_what_cannot_be_a_name_is_refused(spelling: str) -> None:
    with pytest.raises(UnknownInstrument):
        instrument_name(spelling)


@given(st.sampled_from(sorted(FALLBACK_INSTRUMENTS)), st.sampled_from(["_", "/", "-", " ", ""]), st.booleans())
def test_a_spelling_of_ours_leads_back_to_the_name(name: str, separator: str, lower: bool) -> None:  # noqa: FBT001 - drawn by hypothesis
    spelling = name.replace("_", separator)
    assert instrument_name(spelling.lower() if lower else spelling) == name


@pytest.mark.parametrize("one", FALLBACK_INSTRUMENTS.values(), ids=str)
def test_the_predecessors_symbols_lead_back_to_the_name(one: Instrument) -> None:
    assert instrument_name(one.symbol) == one.name
    assert instrument_name(one.short_symbol) == one.name


@given(st.text(max_size=30))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        name = instrument_name(text)
    except UnknownInstrument:
        return
    assert instrument_name(name) == name
    assert Instrument(name).name == name


def test_a_pip_follows_its_location() -> None:
    assert (GBP_USD.pip, USD_JPY.pip, XAU_USD.pip) == (0.0001, 0.01, 0.01)
    assert USD_JPY.pips(0.25) == 25.0


def test_a_buy_takes_the_base_and_gives_the_quote() -> None:
    assert (XAU_USD.base, XAU_USD.quote) == ("XAU", "USD")


def test_impossible_instruments_are_refused() -> None:
    with pytest.raises(UnknownInstrument):
        Instrument("gbp_usd")
    with pytest.raises(InvalidInput):
        Instrument("GBP_USD", pip_location=9)
    with pytest.raises(InvalidInput):
        Instrument("GBP_USD", display_precision=-1)
