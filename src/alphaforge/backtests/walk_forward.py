"""Walk-forward: settings chosen on one stretch of history, judged on the next, again and again."""

import math
import re
from dataclasses import dataclass
from typing import Any, Final

from alphaforge.core.errors import InvalidInput

_DAY: Final = 86_400
_LENGTH = re.compile(r"\s*(\d{1,5})\s*(d|w|days?|weeks?)\s*")


@dataclass(frozen=True, slots=True)
class Folds:
    """How history is cut: lengths in seconds of what is learnt from and what is judged, and how far folds lie apart.

    `step`: from one fold to the next, None: as long as a test, so that tests follow each other without a gap.
    `anchored`: every fold learns from the beginning; else from the `train` seconds before its test.
    Raises InvalidInput for lengths that cannot be meant: tests never overlap, so a step is no shorter than a test.
    """

    train: float
    test: float
    step: float | None = None
    anchored: bool = False

    def __post_init__(self) -> None:
        lengths = (self.train, self.test, self.stride)
        if not all(math.isfinite(length) and length >= _DAY for length in lengths):
            message = f"Folds of {self.train:g} s to learn from and {self.test:g} s to be judged on are impossible"
            raise InvalidInput(message, advice="Give a day or more for each.")
        if self.stride < self.test:
            message = "A step shorter than a test would judge the same days twice"
            raise InvalidInput(message, advice="Give a step as long as the test, or longer.")

    @property
    def stride(self) -> float:
        """Seconds from the beginning of one fold to that of the next."""
        return self.test if self.step is None else self.step


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold, times in epoch seconds: the test begins where the training ends."""

    number: int
    train_start: float
    train_end: float
    test_end: float

    @property
    def test_start(self) -> float:
        """The end of what was learnt from."""
        return self.train_end


def folds_of(start: float, end: float, folds: Folds) -> tuple[Fold, ...]:
    """The folds whose tests end by `end`, oldest first; days at the end that make no whole test are in none.

    Raises InvalidInput where there is room for none.
    """
    count = int((end - start - folds.train - folds.test) // folds.stride) + 1
    if count < 1:
        message = (
            f"A period of {(end - start) / _DAY:.0f} days has no room for {folds.train / _DAY:g} days to learn from "
            f"and {folds.test / _DAY:g} days to be judged on"
        )
        raise InvalidInput(message, advice="Give a longer period, or shorter lengths.")
    begins = [start + number * folds.stride for number in range(count)]
    return tuple(
        Fold(
            number=number,
            train_start=start if folds.anchored else begin,
            train_end=begin + folds.train,
            test_end=begin + folds.train + folds.test,
        )
        for number, begin in enumerate(begins)
    )


def parse_length(text: str) -> float:
    """Seconds of `90d` or `12w`. Raises InvalidInput for anything else: a month has no length of its own."""
    found = _LENGTH.fullmatch(text.lower())
    if found is None:
        message = f"{text[:40]!r} is no length"
        raise InvalidInput(message, advice="Write days or weeks: 90d, 12w.")
    return float(int(found[1]) * (7 if found[2].startswith("w") else 1) * _DAY)


def folds_from(plain: dict[str, Any]) -> Folds:
    """What `dataclasses.asdict` made of folds; lengths may also be texts as `parse_length` reads them."""
    lengths = {
        name: parse_length(value) if isinstance(value, str) else float(value)
        for name in ("train", "test", "step")
        if (value := plain.get(name)) is not None
    }
    if not {"train", "test"} <= set(lengths):
        message = "A walk-forward has a length to learn from and a length to be judged on"
        raise InvalidInput(message, advice="Give train and test.")
    return Folds(**lengths, anchored=bool(plain.get("anchored", False)))
