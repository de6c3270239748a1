import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.backtests.grid import Axis, Sweep, estimated_seconds, parse_sweep, refuse_above, sweep_from
from alphaforge.core.errors import InvalidInput, InvalidSetting
from alphaforge.signals.settings import DEFAULT_SETTINGS


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("min_votes=2,2.5,3", (2.0, 2.5, 3.0)),
        ("stop=0.1:0.3:0.1", (0.1, 0.2, 0.3)),
        ("stop=1:2:0.4", (1.0, 1.4, 1.8)),
        ("minimum_agreement=1/3:1:1/3", (1 / 3, 2 / 3, 1.0)),
        ("ema_fast=3:7:2", (3, 5, 7)),
        ("stop=2:2:1", (2.0,)),
    ],
)
def test_an_axis_is_a_list_or_a_range_with_both_ends(text: str, values: tuple[object, ...]) -> None:
    (axis,) = parse_sweep([text]).axes
    assert axis.values == values


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["min_votes"], "sweeps nothing"),
        (["min_votes="], "is no number"),
        (["min_vots=1,2"], "is no setting"),
        (["stop=1:2"], "is no range"),
        (["stop=2:1:0.5"], "goes nowhere"),
        (["stop=1:2:0"], "goes nowhere"),
        (["stop=1:2:-1"], "goes nowhere"),
        (["stop=0:1:0.0000001"], "10,000,001 values"),
        (["stop=1,1.0"], "value twice"),
        (["stop=1,2", "stop_atr=3,4"], "swept twice"),
        (["ema_fast=3:5:0.5"], "ema_fast = 7/2 is impossible"),
    ],
)
def test_sweeps_that_cannot_be_meant_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(InvalidSetting, match=message):
        parse_sweep(texts)


def test_combinations_that_contradict_themselves_are_counted_and_named() -> None:
    points, impossible = parse_sweep(["ema_fast=5,8,9", "stop=1,2"]).points()
    assert [point.number for point in points] == [0, 1]
    (contradiction,) = impossible
    assert "fast to slow" in contradiction.why
    assert (contradiction.count, contradiction.example) == (4, {"ema_fast": 8, "stop_atr": 1.0})


def test_without_axes_the_base_is_the_only_point() -> None:
    points, impossible = Sweep().points()
    assert [point.settings for point in points] == [DEFAULT_SETTINGS]
    assert not impossible


_AXES = st.dictionaries(
    st.sampled_from(["stop_atr", "target_atr", "minimum_votes", "minimum_adx"]),
    st.lists(st.integers(1, 50).map(float), min_size=1, max_size=4, unique=True).map(tuple),
    max_size=3,
)


@settings(max_examples=40)
@given(_AXES)
def test_a_grid_has_as_many_points_as_its_axes_multiply_to_and_each_once(axes: dict[str, tuple[float, ...]]) -> None:
    sweep = Sweep(tuple(Axis(name, values) for name, values in axes.items()))
    points, impossible = sweep.points()
    assert len(sweep) == math.prod(map(len, axes.values())) == len(points) + sum(one.count for one in impossible)
    assert len({point.settings for point in points}) == len(points)
    assert sweep_from(json.loads(json.dumps(sweep.to_dict()))) == sweep


def test_a_sweep_of_regimes_survives_json() -> None:
    sweep = parse_sweep(["untraded=none,unknown,ranging_high_volatility+unknown"])
    assert sweep_from(json.loads(json.dumps(sweep.to_dict()))) == sweep
    assert sweep_from({"stop": "1:2:0.5"}) == parse_sweep(["stop=1,1.5,2"])


def test_a_grid_above_the_limit_is_refused_with_what_it_would_take() -> None:
    sweep = parse_sweep(["stop=0.01:1:0.01", "target=1:2:0.01"])
    seconds = estimated_seconds(len(sweep), 225_000, rate=4e6, cores=2)
    assert seconds == pytest.approx(10_100 * 225_000 / 8e6)
    with pytest.raises(InvalidInput, match=r"10,100 points \(100 stop_atr x 101 target_atr\).* about 5 minutes"):
        refuse_above(sweep, seconds)
    refuse_above(sweep, seconds, limit=10_100)
