"""Channels as the settings name them."""

from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.alerts.channel import Wanted, channel_of, channels_of, secret_parts, telegram_channel
from alphaforge.alerts.model import Kind
from alphaforge.core.errors import InvalidSetting
from alphaforge.telemetry.redaction import Redactor

SECRET = "s3cr3t-t0ken"


def test_our_parameters_are_taken_out_and_the_rest_stays_as_it_was() -> None:
    channel = channel_of(
        f"json://u:{SECRET}@h.example/p%20q?method=PUT&af_kinds=signal,outcome&%2BX-A=b%26c&af_instruments=gbpusd,GOLD"
        "&af_min_confidence=70&af_quiet=22:00-07:00%40Europe/London&af_name=phone&af_per_minute=5"
    )
    assert channel.url == f"json://u:{SECRET}@h.example/p%20q?method=PUT&%2BX-A=b%26c"
    assert (channel.name, channel.schema) == ("phone", "json")
    wanted = channel.wanted
    assert (wanted.kinds, wanted.instruments) == ({"signal", "outcome"}, {"GBP_USD", "XAU_USD"})
    assert (wanted.min_confidence, wanted.per_minute, str(wanted.quiet)) == (70, 5, "22:00-07:00@Europe/London")


def test_addresses_are_parted_by_commas_spaces_and_lines_but_not_within() -> None:
    found = channels_of(
        " discord://a/b,json://h/x?to=a,b&af_kinds=signal,task\n\tmailto://u:p@h.example ; ntfy://topic "
    )
    assert [one.url for one in found] == [
        "discord://a/b",
        "json://h/x?to=a,b",
        "mailto://u:p@h.example",
        "ntfy://topic",
    ]
    assert found[1].wanted.kinds == {"signal", "task"}
    assert channels_of(" ,\n") == ()


def test_a_channel_is_its_address_whatever_it_wants() -> None:
    plain, named, other = channel_of("json://h/x"), channel_of("json://h/x?af_name=a"), channel_of("json://h/y")
    assert plain.key == named.key != other.key
    assert plain.name == f"json-{plain.key[:6]}"
    assert telegram_channel("123:ab", "-100").url == "tgram://123:ab/-100/"


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (SECRET, "begins with its service"),
        (f"json://h/{SECRET} x", "no spaces"),
        (f"json://h/{SECRET}?af_kinds=trade", "af_kinds takes signal, outcome"),
        (f"json://h/{SECRET}?af_kinds=", "af_kinds takes"),
        (f"json://h/{SECRET}?af_instruments=nonsense!", "af_instruments takes"),
        (f"json://h/{SECRET}?af_min_confidence=101", "af_min_confidence takes"),
        (f"json://h/{SECRET}?af_min_confidence=nan", "af_min_confidence takes"),
        (f"json://h/{SECRET}?af_quiet=22-7", "af_quiet takes"),
        (f"json://h/{SECRET}?af_quiet=22:00-22:00", "af_quiet takes"),
        (f"json://h/{SECRET}?af_quiet=22:00-07:00@Mars/Olympus", "af_quiet takes"),
        (f"json://h/{SECRET}?af_quiet=22:00-07:00@../etc/passwd", "af_quiet takes"),
        (f"json://h/{SECRET}?af_per_minute=0", "af_per_minute takes"),
        (f"json://h/{SECRET}?af_colour=red", "af_colour is no parameter"),
        (f"json://h/{SECRET}?af_name={'x' * 41}", "af_name takes"),
        (f"json://h/{SECRET}?af_name=a&AF_name=b", "there twice"),
        (f"json://h/{SECRET}?af_name=Telegram", "TELEGRAM_BOT_TOKEN"),
        (f"json://h/{SECRET} json://h/{SECRET}?af_kinds=task", "there twice"),
        (f"json://h/{SECRET}?af_name=a json://h/y?af_name=a", "another channel's"),
    ],
)
def test_what_is_wrong_is_said_by_place_and_service_and_shows_no_secret(text: str, says: str) -> None:
    with pytest.raises(InvalidSetting, match=says) as refused:
        channels_of(f"discord://a/b {text}")
    assert SECRET not in str(refused.value)
    assert refused.value.message.startswith(("address 1", "address 2", "address 3"))
    assert refused.value.__cause__ is None


@given(st.text(max_size=200))
def test_any_text_is_channels_or_a_refusal(text: str) -> None:
    try:
        found = channels_of(text)
    except InvalidSetting:
        return
    assert all("://" in one.url and "af_" not in one.url.partition("?")[2].lower()[:3] for one in found)


@pytest.mark.parametrize(
    ("wanted", "kind", "instrument", "confidence", "answer"),
    [
        (Wanted(), Kind.TASK, None, None, True),
        (Wanted(kinds=frozenset({"signal"})), Kind.TASK, None, None, False),
        (Wanted(instruments=frozenset({"GBP_USD"})), Kind.SIGNAL, "XAU_USD", 90.0, False),
        (Wanted(instruments=frozenset({"GBP_USD"})), Kind.FEED, None, None, True),
        (Wanted(min_confidence=70), Kind.SIGNAL, "GBP_USD", 69.9, False),
        (Wanted(min_confidence=70), Kind.SIGNAL, "GBP_USD", 70.0, True),
        (Wanted(min_confidence=70), Kind.OUTCOME, "GBP_USD", None, False),
        (Wanted(min_confidence=70), Kind.TASK, None, None, True),
    ],
)
def test_a_channel_is_told_what_it_wants(
    wanted: Wanted, kind: Kind, instrument: str | None, confidence: float | None, *, answer: bool
) -> None:
    assert wanted.wants(kind, instrument, confidence) is answer


def test_no_part_of_an_address_that_may_be_a_secret_is_left_in_a_text() -> None:
    for url in (
        f"json://user:{SECRET}@h.example/x",
        f"discord://{SECRET}/abc",
        f"json://h.example/{SECRET}",
        f"json://h.example/?%2BAuthorization={SECRET}",
        f"tgram://123456789:{SECRET}/-100/",
        f"mailto://u%40x.example:{SECRET}@smtp.example?to=me@x.example",
    ):
        hidden = Redactor(secret_parts(url)).text(f"Failed to send to {url}: {SECRET} said no")
        assert SECRET not in hidden, url
    assert Redactor(secret_parts("json://127.0.0.1/x")).text("127.0.0.1:5000") == "127.0.0.1:5000"


def test_a_channels_repr_has_no_address() -> None:
    assert SECRET not in repr(channel_of(f"json://h/{SECRET}?af_quiet=01:00-02:00"))


def test_quiet_hours_without_a_zone_are_utcs() -> None:
    quiet = channel_of("json://h/?af_quiet=01:00-02:30").wanted.quiet
    assert quiet is not None
    assert (quiet.start, quiet.end, quiet.zone.key) == (time(1), time(2, 30), "UTC")
