"""Results as columns: what every figure is made from, whoever made the trades."""

from dataclasses import dataclass, fields
from enum import IntEnum

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Floats
from alphaforge.core.errors import InvalidInput

_NEVER = 1e12  # epoch seconds; milliseconds taken for seconds are refused too
Classes = npt.NDArray[np.int8]


class ResultClass(IntEnum):
    """What a result counts as. Expired is a class of its own: neither win nor loss.

    `UNKNOWN`: a trade that is closed, and of which nobody has said how.
    """

    LOSS = -1
    BREAKEVEN = 0
    WIN = 1
    EXPIRED = 2
    UNKNOWN = 3


@dataclass(frozen=True, slots=True)
class Trades:
    """Closed trades as float64 columns of shape (n,), in the order of closing; NaN is `not known`, never zero.

    `opened`, `closed`: epoch seconds. `amount`: what the trade brought, net of `cost`, in money, or in R where there
    is no money. `cost`: spread, commission and financing that `amount` has paid already, in the same unit. `r`:
    R-multiple. `pips`: result in pips. `mae`, `mfe`: worst and best excursion in pips, both >= 0. `result`:
    `ResultClass`, int8.
    Raises InvalidInput for columns of different lengths, times that are not known, infinite values, classes that do
    not exist, and a wrong order.
    """

    opened: Floats
    closed: Floats
    amount: Floats
    cost: Floats
    r: Floats
    pips: Floats
    mae: Floats
    mfe: Floats
    result: Classes

    def __post_init__(self) -> None:
        lengths = {len(getattr(self, field.name)) for field in fields(self)}
        if len(lengths) != 1:
            message = f"The columns of trades have different lengths: {sorted(lengths)}"
            raise InvalidInput(message)
        if not (np.abs(self.opened) + np.abs(self.closed) < _NEVER).all():
            message = "A trade without an opening or a closing time is no closed trade"
            raise InvalidInput(message, advice="Give both as epoch seconds.")
        for name in ("amount", "cost", "r", "pips", "mae", "mfe"):
            if np.isinf(getattr(self, name)).any():
                message = f"A trade's {name} is infinite"
                raise InvalidInput(message, advice="Leave out what is not known: it is NaN here, null outside.")
        if len(self) and not (self.result.min() >= min(ResultClass) and self.result.max() <= max(ResultClass)):
            message = f"A result is none of {', '.join(f'{one} ({one.name})' for one in ResultClass)}"
            raise InvalidInput(message)
        if (np.diff(self.closed) < 0).any():
            message = "Trades come in the order of their closing"
            raise InvalidInput(message)

    def __len__(self) -> int:
        return len(self.closed)

    def where(self, chosen: npt.NDArray[np.bool_] | npt.NDArray[np.int64]) -> "Trades":
        """The chosen trades, by mask or by positions in ascending order."""
        return Trades(*(getattr(self, field.name)[chosen] for field in fields(self)))
