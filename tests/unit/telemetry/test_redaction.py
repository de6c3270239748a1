import json
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alphaforge.telemetry.redaction import HIDDEN, Redactor

CANARY = "c4nary/with+odd'signs\\and spaces"


@pytest.mark.parametrize(
    "text",
    [
        "Authorization: Bearer aaaa.bbbb-cccc",
        "authorization: aaaabbbb",
        "('authorization', 'Bearer aaaabbbb')",
        "headers {'X-API-Key': 'aaaabbbb'}",
        "GET /v3/accounts?token=aaaabbbb&count=2",
        "OANDA_API_KEY=aaaabbbb",
        '{"password": "aaaabbbb", "user": "me"}',
        "postgresql://trader:aaaabbbb@db/alphaforge",
        "redis://:aaaabbbb@127.0.0.1:6379/0",
        "wrong token " + "a" * 32 + "-" + "b" * 32,
        "https://api.telegram.org/bot1234567890:" + "a" * 20 + "b" * 15 + "/sendMessage",
        "Basic aaaabbbb==",
    ],
)
def test_what_looks_like_a_secret_is_hidden_although_nobody_configured_it(text: str) -> None:
    hidden = Redactor().text(text)
    assert "aaaa" not in hidden
    assert "bbbb" not in hidden
    assert HIDDEN in hidden


@pytest.mark.parametrize(
    "text",
    [
        "the token was refused by the broker",
        "GBP_USD: BUY at 1.27310, stop 1.27110",
        "http://127.0.0.1:5000/api/signals?limit=20",
        "2025-07-07T06:00:00Z scan_finished",
        "set OANDA_API_KEY to connect",
        "5:30 and 16:58",
        "mail someone@example.org",
    ],
)
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert Redactor(["another secret"]).text(text) == text


def test_headers_keep_their_names_and_lose_their_values() -> None:
    headers = [(b"authorization", b"k3y"), (b"accept", b"*/*"), ("X-Api-Key", "k3y"), ("Cookie", "k3y")]
    shown = Redactor().value(headers)
    assert "k3y" not in repr(shown)
    assert ["accept", "*/*"] in shown


def test_a_secret_is_found_in_nested_values_objects_and_keys() -> None:
    @dataclass
    class Access:
        token: str
        note: str

    class Opaque:
        def __repr__(self) -> str:
            return f"<Opaque {CANARY}>"

    value = {
        "a": [{"b": (CANARY, {CANARY})}],
        "access": Access(token="tiny", note=CANARY),
        "opaque": Opaque(),
        "error": ValueError(CANARY),
        "bytes": CANARY.encode(),
        CANARY: 1,
        "OANDA_API_KEY": "tiny",
    }
    shown = json.dumps(Redactor([CANARY]).value(value))
    assert "c4nary" not in shown
    assert "tiny" not in shown


def test_numbers_and_nothing_stay_what_they_are() -> None:
    value = {"pips": 12.5, "count": 3, "open": True, "none": None, "password": None}
    assert Redactor(["1234"]).value(value) == value


def test_a_secret_too_short_to_be_one_does_not_hide_everything() -> None:
    assert Redactor(["a", ""]).text("a market has gaps") == "a market has gaps"


@pytest.mark.parametrize(
    "spelling", [CANARY, quote(CANARY), quote(CANARY, safe=""), quote_plus(CANARY), repr(CANARY)[1:-1]]
)
def test_a_secret_is_found_as_urls_and_reprs_spell_it(spelling: str) -> None:
    assert Redactor([CANARY]).text(f"said {spelling} aloud") == f"said {HIDDEN} aloud"


def test_of_two_secrets_that_begin_alike_nothing_is_left_over() -> None:
    assert Redactor(["abcd", "abcdefgh"]).text("abcdefgh abcd") == f"{HIDDEN} {HIDDEN}"


LETTERS = st.text("abcdefghijklmnopqrstuvwxyz ", max_size=30)


@given(st.text(min_size=4, max_size=40).filter(lambda text: not text.islower()), LETTERS, LETTERS)
def test_a_configured_secret_never_survives_in_any_spelling(secret: str, before: str, after: str) -> None:
    redactor = Redactor([secret])
    for spelling in (secret, quote(secret, safe=""), quote_plus(secret), repr(secret)[1:-1]):
        if spelling not in before + after:
            assert spelling not in redactor.text(f"{before}{spelling}{after}").replace(HIDDEN, "")
