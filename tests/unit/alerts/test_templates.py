"""What alerts say."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.alerts.channel import channel_of
from alphaforge.alerts.model import Alert, Kind, Why
from alphaforge.alerts.templates import (
    MOST_LINES,
    foreign,
    gathered,
    joined,
    message_of,
    outcome_alert,
    queued,
    queued_of,
    signal_alert,
    trouble_alert,
)
from alphaforge.core.instruments import Instrument
from alphaforge.core.times import parse_rfc3339
from builders import GBP_USD, USD_JPY, XAU_USD

AT = parse_rfc3339("2025-07-07T06:05:00Z")
CHANNEL = channel_of("json://h/x?af_name=hook")


def row(**changes: Any) -> dict[str, Any]:
    return {
        "id": 7,
        "direction": "BUY",
        "entry": 1.360123456,
        "stop_loss": 1.3589,
        "tp1": 1.3624,
        "confidence_score": 78.4,
        "timestamp": AT,
        "simulated": True,
        "origin": "strategy",
        "status": "PENDING",
        "pips_captured": None,
        "r_multiple": None,
        "exit_price": None,
        "exit_time": None,
        **changes,
    }


def test_a_signal_is_told_with_the_instruments_decimals_its_time_and_that_prices_are_invented() -> None:
    alert = signal_alert("event:1", row(), GBP_USD, AT)
    assert alert.title == "BUY GBP/USD"
    assert alert.body == (
        "Entry 1.36012, stop 1.35890, target 1.36240 (R 1:1.9), confidence 78. 2025-07-07 06:05 UTC. Simulated prices."
    )
    assert (alert.kind, alert.instrument, alert.confidence, alert.signal_id) == (Kind.SIGNAL, "GBP_USD", 78.4, 7)


@pytest.mark.parametrize(("instrument", "says"), [(USD_JPY, "150.123"), (XAU_USD, "150.123"), (GBP_USD, "150.12346")])
def test_prices_have_the_instruments_decimals(instrument: Instrument, says: str) -> None:
    alert = signal_alert("event:1", row(entry=150.123456, stop_loss=149.0, tp1=152.0), instrument, AT)
    assert f"Entry {says}," in alert.body


def test_only_invented_prices_are_called_so_and_what_is_not_known_is_left_out() -> None:
    alert = signal_alert("event:1", row(simulated=False, confidence_score=None, origin="manual"), GBP_USD, AT)
    assert "imulated" not in alert.body
    assert "confidence" not in alert.body
    assert alert.body.endswith("Entered by hand.")


def test_an_outcome_is_told_with_pips_and_r() -> None:
    ended = row(status="WON", pips_captured=22.84, r_multiple=1.866, exit_price=1.3624, exit_time=AT + 3_600)
    alert = outcome_alert("event:2", ended, GBP_USD, AT)
    assert alert.title == "WON: BUY GBP/USD, +22.8 pips, +1.87 R"
    assert alert.body == (
        "Entry 1.36012 of 2025-07-07 06:05 UTC, exit 1.36240 at 2025-07-07 07:05 UTC. Simulated prices."
    )
    unseen = outcome_alert("event:3", row(status="EXPIRED", exit_time=AT), GBP_USD, AT)
    assert unseen.title == "EXPIRED: BUY GBP/USD"
    assert "exit price not known" in unseen.body


def test_what_comes_late_says_so() -> None:
    one = queued(CHANNEL, signal_alert("event:1", row(), GBP_USD, AT))
    assert message_of("k", one, AT + 299).title == "BUY GBP/USD"
    late = message_of("k", one, AT + 7_200)
    assert late.title == "Late: BUY GBP/USD"
    assert late.body.endswith("Happened 2025-07-07 06:05 UTC, told 2025-07-07 08:05 UTC.")


def alerts(count: int) -> list[Alert]:
    return [Alert(f"event:{n}", Kind.SIGNAL, AT + 60 * n, f"BUY {n}", "body") for n in range(count)]


def test_many_are_told_as_one_that_names_the_first_and_counts_all() -> None:
    one = joined(gathered(CHANNEL, alerts(3), Why.QUIET), alerts(30))
    assert (one.count, len(one.lines), one.title) == (33, MOST_LINES, "33 alerts in quiet hours")
    body = message_of("k", queued_of(one.payload()), AT).body
    assert body.startswith("06:05 BUY 0\n06:06 BUY 1\n06:07 BUY 2\n06:05 BUY 0")
    assert "and 13 more" in body
    assert body.endswith("Times are UTC.")
    assert gathered(CHANNEL, alerts(1), Why.MANY).title == "1 alert more within a minute"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("<b>@everyone</b> `x` *y*", "‹b›＠everyone‹/b› 'x' ·y·"),  # noqa: RUF001 - what stands in for markup
        ("a\r\nBcc: x\0\u202eb\ud800", "a Bcc: x b"),
        ("[link](javascript:x)", "(link)(javascript:x)"),
    ],
)
def test_foreign_text_is_one_line_without_markup(text: str, found: str) -> None:
    assert foreign(text) == found


@given(st.text(max_size=2_000))
def test_any_text_becomes_a_short_printable_line(text: str) -> None:
    said = trouble_alert("k", Kind.TASK, AT, "Task failing: scan", text).body
    assert said.isprintable()
    assert len(said) < 340
    assert not set("<>@`*[]") & set(said)
    said.encode()
