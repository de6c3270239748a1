from typing import Any

import pytest

from alphaforge.backtests.warnings import warnings_of

DAY = 86_400
QUIET: dict[str, Any] = {
    "start": 1_751_846_400,
    "end": 1_751_846_400 + 90 * DAY,
    "periods": [(1_751_846_400 + 4 * DAY, 1_751_846_400 + 86 * DAY)],
    "history": {"GBP_USD": {"missing": 20, "expected": 1_000}},
    "trades": {"ambiguous": [True, *[False] * 49]},
    "controls": {},
}


def test_where_nothing_is_wrong_nothing_is_said() -> None:
    assert warnings_of(QUIET) == []


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"periods": [(1_751_846_400 + 5 * DAY, 1_751_846_400 + 86 * DAY)]},
            "The first candle that could be evaluated began on 2025-07-12 00:00 UTC",
        ),
        (
            {"periods": [(1_751_846_400, 1_751_846_400 + 85 * DAY)]},
            "The last candle that there is closed on 2025-09-30 00:00 UTC.",
        ),
        (
            {"history": {"GBP_USD": {"missing": 1_021, "expected": 50_000}}},
            "GBP_USD: 1,021 of 50,000 candles of the open market are missing. `alphaforge candles",
        ),
        ({"trades": {"ambiguous": [True, True, *[False] * 48]}}, "2 of 50 trades touched both levels in one candle"),
        ({"controls": None}, "This run was held against no controls."),
    ],
    ids=str,
)
def test_what_a_reader_must_know_is_said_first(changes: dict[str, Any], said: str) -> None:
    (warning,) = warnings_of(QUIET | changes)
    assert warning.startswith(said)
