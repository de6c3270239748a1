import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from enum import StrEnum

import pytest

from alphaforge.cli import output


class Side(StrEnum):
    BUY = "BUY"


@dataclass(frozen=True, slots=True)
class Value:
    price: float
    side: Side


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (1.5, 1.5),
        (math.nan, None),
        (math.inf, None),
        (Side.BUY, "BUY"),
        (datetime(2025, 7, 7, 6, tzinfo=UTC), "2025-07-07T06:00:00Z"),
        (datetime(2025, 7, 7, 8, tzinfo=timezone(timedelta(hours=2))), "2025-07-07T06:00:00Z"),
        (Value(1.1, Side.BUY), {"price": 1.1, "side": "BUY"}),
        ({"a": (1, math.nan)}, {"a": [1, None]}),
        (None, None),
        (True, True),
    ],
)
def test_values_become_what_json_knows(value: object, plain: object) -> None:
    assert output.plain(value) == plain


def test_json_is_one_document_with_every_digit_of_a_float(capsys: pytest.CaptureFixture[str]) -> None:
    output.print_json({"price": 0.1 + 0.2, "name": "Zürich"})
    out = capsys.readouterr().out
    assert json.loads(out) == {"price": 0.30000000000000004, "name": "Zürich"}
    assert "Zürich" in out


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), ("", "-"), (True, "yes"), (False, "no"), (1.26954, "1.26954"), (0, "0"), (3000.5, "3000.5")],
)
def test_a_cell_says_nothing_with_a_dash_and_keeps_a_prices_digits(value: object, text: str) -> None:
    assert output.cell(value) == text


def test_a_table_that_no_terminal_reads_wraps_nothing_and_takes_no_cell_for_markup(
    capsys: pytest.CaptureFixture[str],
) -> None:
    output.print_table("T", ("what", ">value"), [("[red]x[/red]", "y" * 300)])
    out = capsys.readouterr().out
    assert "[red]x[/red]" in out
    assert "y" * 300 in out
    assert "\x1b" not in out
