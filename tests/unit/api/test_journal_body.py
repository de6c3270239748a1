"""Journal entries: what follows from what a trader wrote, and what does not."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from alphaforge.api.journal_body import derived_fields, entry_body
from alphaforge.api.schemas.journal import EntryBody, EntryChange
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS

BASE = {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31}


def derive(**fields: Any) -> dict[str, Any]:
    entry = EntryBody.model_validate({**BASE, **fields})
    return derived_fields(entry.model_dump(), frozenset(entry.model_fields_set), FALLBACK_INSTRUMENTS)


def change(entry: dict[str, Any], **fields: Any) -> dict[str, Any]:
    said = EntryChange.model_validate(fields).model_dump(exclude_unset=True)
    return derived_fields({**entry, **said}, frozenset(said), FALLBACK_INSTRUMENTS)


def stored(**fields: Any) -> dict[str, Any]:
    entry = EntryBody.model_validate({**BASE, **fields})
    row = entry.model_dump()
    return row | derived_fields(row, frozenset(entry.model_fields_set), FALLBACK_INSTRUMENTS)


def test_pips_r_and_outcome_follow_from_the_prices() -> None:
    assert derive(exit=1.3125, sl=1.309) == {
        "pips": 25.0,
        "r_value": 2.5,
        "outcome": "WIN",
        "duration_minutes": None,
    }


def test_a_sell_wins_when_the_price_falls() -> None:
    assert derive(type="SELL", exit=1.309, sl=1.312)["pips"] == 10.0
    assert derive(type="SELL", exit=1.309, sl=1.312)["r_value"] == 0.5


@pytest.mark.parametrize(
    ("symbol", "entry", "exit_", "pips"), [("USD/JPY", 157.0, 157.25, 25.0), ("GOLD", 4060, 4061, 100.0)]
)
def test_pips_follow_the_instruments_own_pip(symbol: str, entry: Any, exit_: float, pips: float) -> None:
    assert derive(symbol=symbol, entry=entry, exit=exit_)["pips"] == pips


def test_an_open_trade_has_no_result() -> None:
    assert derive(sl=1.309) == {"pips": None, "r_value": None, "outcome": None, "duration_minutes": None}


def test_pips_of_an_unknown_instrument_are_not_known() -> None:
    assert derive(symbol="EURUSD", exit=1.32)["pips"] is None
    assert derive(symbol="US30", entry=45_000, exit=45_100, sl=44_950)["r_value"] == 2.0


def test_a_stop_on_the_wrong_side_gives_no_r() -> None:
    assert derive(exit=1.32, sl=1.311)["r_value"] is None


def test_what_the_trader_gave_is_not_computed_again() -> None:
    derived = derive(exit=1.3125, sl=1.309, pips=24.1, r=2.4, outcome="BREAKEVEN")
    assert not {"pips", "r_value", "outcome"} & set(derived)


def test_the_money_decides_the_outcome_where_it_is_known() -> None:
    assert derive(exit=1.3125, pl=-3.0)["outcome"] == "LOSS"
    assert derive(exit=1.3125)["outcome"] == "WIN"
    assert derive(pips=-4)["outcome"] == "LOSS"
    assert derive(pl=0)["outcome"] == "BREAKEVEN"


def test_money_is_never_computed() -> None:
    assert "profit_loss" not in derive(exit=1.3125, sl=1.309)


def test_a_changed_exit_changes_what_followed_from_it() -> None:
    entry = stored(exit=1.3125, sl=1.309)
    assert change(entry, exit=1.3080) == {"pips": -20.0, "r_value": -2.0, "outcome": "LOSS"}


def test_a_changed_exit_speaks_louder_than_the_money_of_before() -> None:
    entry = stored(exit=1.3125, pl=5.0)
    assert change(entry, exit=1.3080)["outcome"] == "LOSS"
    assert change(entry, exit=1.3080, pl=5.0)["outcome"] == "WIN"
    assert change(entry, pl=-1.0)["outcome"] == "LOSS"


def test_a_removed_exit_takes_its_figures_along() -> None:
    assert change(stored(exit=1.3125, sl=1.309), exit=None) == {"pips": None, "r_value": None, "outcome": None}


def test_changing_the_notes_computes_nothing() -> None:
    assert change(stored(exit=1.3125), notes="x") == {}


def test_removing_a_figure_alone_leaves_it_removed() -> None:
    assert "pips" not in change(stored(exit=1.3125), pips=None)


@given(
    entry=st.floats(0.5, 2.0),
    move=st.floats(-0.1, 0.1),
    risk=st.floats(0.0001, 0.1),
    side=st.sampled_from(["BUY", "SELL"]),
)
def test_r_pips_and_outcome_never_disagree_about_the_side(entry: Any, move: float, risk: float, side: str) -> None:
    sign = 1 if side == "BUY" else -1
    derived = derive(type=side, entry=entry, exit=entry + sign * move, sl=entry - sign * risk)
    for figure in (derived["pips"], derived["r_value"] or 0.0):
        assert figure * move >= 0
    if derived["pips"]:
        assert derived["outcome"] == ("WIN" if move > 0 else "LOSS")


@pytest.mark.parametrize(
    ("written", "seconds"),
    [
        ("2026-03-02 08:15", 0),
        ("2026-03-02T08:15", 0),
        ("2026-03-02T08:15:30", 30),
        ("2026-03-02T08:15:00Z", 0),
        ("2026-03-02T10:15:00+02:00", 0),
        ("2026-03-02T08:15:00.5Z", 0.5),
    ],
)
def test_times_are_taken_in_every_form_that_clients_write(written: str, seconds: float) -> None:
    assert EntryBody.model_validate({**BASE, "openTime": written}).open_time == 1772439300 + seconds


@pytest.mark.parametrize("short", [True, False])
def test_either_habit_of_naming_is_understood(*, short: bool) -> None:
    names = {
        "closeTime": "close_time",
        "exit": "exit_price",
        "sl": "stop_loss",
        "tp": "take_profit",
        "pl": "profit_loss",
        "r": "r_value",
        "setup": "trade_setup",
        "duration": "duration_minutes",
    }
    values = {"exit": 1.32, "sl": 1.3, "tp": 1.33, "pl": 5, "r": 1, "setup": "x", "closeTime": "2026-03-02 09:00"}
    values["duration"] = "243 min"
    body = values if short else {names[name]: value for name, value in values.items()}
    entry = EntryBody.model_validate({**BASE, **body})
    assert (entry.exit_price, entry.stop_loss, entry.duration_minutes) == (1.32, 1.3, 243)
    assert (entry.trade_setup, entry.profit_loss, entry.close_time) == ("x", 5, 1772442000)


def test_what_forms_send_for_empty_fields_is_not_given() -> None:
    entry = EntryBody.model_validate({**BASE, "exit": "", "closeTime": "", "pips": "", "session": "", "outcome": ""})
    assert (entry.exit_price, entry.close_time, entry.pips, entry.session, entry.outcome) == (None,) * 5


def test_words_are_taken_in_any_case() -> None:
    entry = EntryBody.model_validate(
        {**BASE, "type": "sell", "session": "New York", "outcome": "win", "tags": ["a", "b"]}
    )
    assert (entry.trade_type, entry.session, entry.outcome, entry.tags) == ("SELL", "NEW_YORK", "WIN", "a,b")


def test_screenshots_may_come_together() -> None:
    entry = EntryBody.model_validate({**BASE, "screenshots": {"entry": "data:a", "analysis": "data:b"}})
    assert (entry.screenshot_entry, entry.screenshot_exit, entry.screenshot_analysis) == ("data:a", None, "data:b")


@pytest.mark.parametrize(
    "wrong",
    [
        {"lots": 0},
        {"lots": float("nan")},
        {"entry": float("inf")},
        {"entry": -1},
        {"symbol": ""},
        {"symbol": "a\0b"},
        {"symbol": "<script>"},
        {"type": "HOLD"},
        {"notes": "a\0b"},
        {"tags": "x" * 501},
        {"session": "MOON"},
        {"openTime": "yesterday"},
        {"openTime": "0001-01-01 00:00"},
        {"closeTime": "2026-03-02 08:14"},
        {"duration": -1},
        {"pips": 1e300},
    ],
)
def test_what_no_trade_can_be_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        EntryBody.model_validate({**BASE, **wrong})


@pytest.mark.parametrize("name", ["openTime", "symbol", "type", "lots", "entry"])
def test_a_change_cannot_take_away_what_every_entry_has(name: str) -> None:
    with pytest.raises(ValidationError):
        EntryChange.model_validate({name: None})


def test_an_answer_has_the_predecessors_keys_in_its_order_and_full_times_beside() -> None:
    row = dict.fromkeys(
        ("mae", "mfe", "screenshot_entry", "screenshot_exit", "screenshot_analysis", "trade_setup", "tags", "session"),
    )
    row |= stored(exit=1.3125, closeTime="2026-03-02 12:18") | {"id": 7, "created_at": 0.5, "updated_at": None}
    body = entry_body(row)
    assert list(body)[:8] == ["id", "openTime", "closeTime", "symbol", "type", "lots", "entry", "exit"]
    assert (body["openTime"], body["open_time"]) == ("2026-03-02 08:15", "2026-03-02T08:15:00Z")
    assert (body["duration"], body["duration_minutes"]) == ("243 min", 243)
    assert (body["symbol"], body["instrument"]) == ("GBPUSD", "GBP_USD")
    assert (body["created_at"], body["updated_at"]) == ("1970-01-01T00:00:00.500000Z", None)
