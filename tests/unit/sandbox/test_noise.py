import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from alphaforge.market.sandbox.noise import bits, fractions, key_of, normals, slow


def splitmix64(state: int) -> int:
    mask = 2**64 - 1
    state = ((state ^ state >> 30) * 0xBF58476D1CE4E5B9) & mask
    state = ((state ^ state >> 27) * 0x94D049BB133111EB) & mask
    return state ^ state >> 31


def test_a_key_is_the_same_on_every_machine() -> None:
    assert int(key_of(7, "GBP_USD", "walk")) == 6_196_526_708_948_187_826


@settings(deadline=None)
@given(st.integers(0, 2**40), st.integers(0, 2**20))
def test_the_numbers_are_those_of_splitmix64(position: int, seed: int) -> None:
    key = key_of(seed, "any")
    counter = (int(key) + position * 0x9E3779B97F4A7C15) % 2**64

    assert bits(key, np.array([position], np.int64)).tolist() == [splitmix64(counter)]


@settings(deadline=None, max_examples=50)
@given(st.lists(st.integers(0, 2**40), min_size=1, max_size=20), st.integers(0, 2**20))
def test_a_number_depends_on_its_position_alone(positions: list[int], seed: int) -> None:
    key = key_of(seed, "any")
    together = bits(key, np.array(positions, np.int64))

    assert together.tolist() == [int(bits(key, np.array([position], np.int64))[0]) for position in positions]


def test_normal_numbers_have_mean_zero_and_deviation_one() -> None:
    numbers = normals(key_of("some"), np.arange(200_000))

    assert abs(numbers.mean()) < 0.01
    assert abs(numbers.std() - 1) < 0.01


def test_the_four_fractions_of_a_position_are_uniform_and_independent() -> None:
    parts = np.array(fractions(key_of("some"), np.arange(100_000)))

    assert parts.min() >= 0
    assert parts.max() < 1
    assert np.allclose(parts.mean(axis=1), 0.5, atol=0.01)
    assert np.abs(np.corrcoef(parts) - np.eye(4)).max() < 0.02


@settings(deadline=None)
@given(st.integers(0, 10**9), st.integers(1, 5_000))
def test_a_slow_curve_is_the_same_however_much_of_it_is_asked_for(start: int, length: int) -> None:
    keys, periods = [key_of("a"), key_of("b")], [600.0, 7_200.0]
    moments = start + 60 * np.arange(length)
    whole = slow(keys, periods, moments)
    part = slow(keys, periods, moments[length // 2 :])

    for long, short in zip(whole, part, strict=True):
        assert np.allclose(long[length // 2 :], short, rtol=0, atol=1e-12)
