"""What became of a signal, from the candles after it. BUY leaves on the bid, SELL on the ask."""

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from alphaforge.core.candles import CandleSeries, Floats, Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.signals.model import Direction, Outcome, Status


@dataclass(frozen=True, slots=True)
class OpenSignal:
    """A signal whose end is not known yet. `opened_at`: the close of its candle; both times in epoch seconds.

    Raises InvalidInput where stop and target do not lie on their sides of the entry.
    """

    id: int
    instrument: str
    direction: Direction
    entry: float
    stop: float
    target: float
    opened_at: int
    expires_at: int
    spread: float

    def __post_init__(self) -> None:
        below, above = sorted((self.stop, self.target))
        right = self.stop < self.target if self.direction is Direction.BUY else self.target < self.stop
        if not (right and 0 < below < self.entry < above < float("inf")):
            message = (
                f"{self.direction} at {self.entry} cannot have its stop at {self.stop} and target at {self.target}"
            )
            raise InvalidInput(message)

    @property
    def sign(self) -> int:
        """+1 for a BUY, -1 for a SELL."""
        return 1 if self.direction is Direction.BUY else -1

    @property
    def risk(self) -> float:
        """The distance from entry to stop: one R."""
        return abs(self.entry - self.stop)

    def gain(self, price: float) -> float:
        """What leaving at `price` is worth, in prices."""
        return self.sign * (price - self.entry)


class _Touch(StrEnum):
    """How a candle ends a signal. Its open is its first price, so a gap through a level leaves no doubt."""

    STOP = "stop"
    STOP_AT_OPEN = "stop at open"
    TARGET = "target"
    TARGET_AT_OPEN = "target at open"
    BOTH = "both"


@dataclass(frozen=True, slots=True)
class _Path:
    """Candles as the signal feels them: gains in prices at each open, worst, best and close, (n,) each."""

    time: Ints
    seconds: int
    open: Floats
    worst: Floats
    best: Floats
    close: Floats

    @classmethod
    def of(cls, signal: OpenSignal, candles: CandleSeries) -> "_Path":
        """The candles' prices on the side on which the signal leaves."""
        price = candles.bid if signal.direction is Direction.BUY else candles.ask
        low, high = (price.low, price.high) if signal.direction is Direction.BUY else (price.high, price.low)
        gains = (signal.sign * (column - signal.entry) for column in (price.open, low, high, price.close))
        return cls(candles.time, candles.granularity.seconds, *gains)


@dataclass(frozen=True, slots=True)
class _End:
    """The candle that ended a signal, by its position in its path."""

    touch: _Touch
    path: _Path
    position: int

    @property
    def start(self) -> int:
        """The candle's start in epoch seconds."""
        return int(self.path.time[self.position])


def settle(
    signal: OpenSignal,
    candles: CandleSeries,
    pip: float,
    *,
    finer: CandleSeries | None = None,
    through: float | None = None,
) -> Outcome | None:
    """How the signal ended by these candles (M5, those before it are ignored); None while it is open.

    `pip` in prices. `finer`: M1 or S5 candles of the candle that `ambiguous_candle` names; where they do not tell
    either, the signal is LOST and marked ambiguous. `through`: the candles are complete through this moment (epoch
    seconds); without it, an end by time is only known once a candle is there that reaches the expiry.

    LOST at the stop, or at the open that gapped through it; WON at the target, also where the open lies beyond it;
    EXPIRED at the last close by then. The exit's time is that of the open, or the end of the candle that touched.
    """
    window = _window(signal, candles)
    path = _Path.of(signal, window)
    end = _first_touch(signal, path)
    if end is None:
        reached = through is not None and through >= signal.expires_at
        if not reached and not (len(candles) and candles.end >= signal.expires_at):
            return None
        return _expired(signal, path, pip)
    if end.touch is not _Touch.BOTH:
        return _ended(signal, end, [], pip)
    before = _before(path, end.position)
    if finer is not None:
        inside = finer.after(end.start).until(end.start + path.seconds)
        closer = _first_touch(signal, _Path.of(signal, inside))
        if closer is not None and closer.touch is not _Touch.BOTH:
            return _ended(signal, closer, before, pip)
    return _ended(signal, end, [], pip)


def ambiguous_candle(signal: OpenSignal, candles: CandleSeries) -> int | None:
    """The start of the candle that touched both stop and target before any other touched one; else None.

    Finer candles of it, given to `settle`, tell which came first.
    """
    end = _first_touch(signal, _Path.of(signal, _window(signal, candles)))
    return end.start if end is not None and end.touch is _Touch.BOTH else None


def _window(signal: OpenSignal, candles: CandleSeries) -> CandleSeries:
    """The candles that begin after the signal's and have ended by its expiry."""
    if candles.instrument != signal.instrument:
        raise InvalidInput(f"Candles of {candles.instrument} cannot settle a signal on {signal.instrument}")
    return candles.after(signal.opened_at).until(signal.expires_at)


def _first_touch(signal: OpenSignal, path: _Path) -> _End | None:
    """The first candle that touches stop or target, and how."""
    # The levels are measured as the candles are, so that a price on a level is on it to the last bit.
    stop, target = signal.gain(signal.stop), signal.gain(signal.target)
    stopped, taken = path.worst <= stop, path.best >= target
    touched = stopped | taken
    if not touched.any():
        return None
    at = int(np.argmax(touched))
    if path.open[at] <= stop:
        touch = _Touch.STOP_AT_OPEN
    elif path.open[at] >= target:
        touch = _Touch.TARGET_AT_OPEN
    elif stopped[at] and taken[at]:
        touch = _Touch.BOTH
    else:
        touch = _Touch.STOP if stopped[at] else _Touch.TARGET
    return _End(touch, path, at)


def _before(path: _Path, position: int) -> list[tuple[float, float]]:
    """Worst and best gain of the candles before `position`."""
    return [(float(path.worst[:position].min()), float(path.best[:position].max()))] if position else []


def _ended(signal: OpenSignal, end: _End, before: list[tuple[float, float]], pip: float) -> Outcome:
    """The outcome of a signal that touched a level."""
    path, at = end.path, end.position
    lived = before + _before(path, at)
    if end.touch is _Touch.TARGET_AT_OPEN:
        status, price, time = Status.WON, signal.target, end.start
    elif end.touch is _Touch.TARGET:
        status, price, time = Status.WON, signal.target, end.start + path.seconds
        # Where in the candle the target lay is not known: all that went against the signal counts as before it.
        lived.append((float(path.worst[at]), float(path.open[at])))
    elif end.touch is _Touch.STOP_AT_OPEN:
        status, price, time = Status.LOST, signal.entry + signal.sign * float(path.open[at]), end.start
    else:
        status, price, time = Status.LOST, signal.stop, end.start + path.seconds
        lived.append((float(path.open[at]), float(path.open[at])))
    return _outcome(signal, status, time, price, lived, pip=pip, ambiguous=end.touch is _Touch.BOTH)


def _expired(signal: OpenSignal, path: _Path, pip: float) -> Outcome:
    """The outcome of a signal that ran out of time: at the last close, or where it began if nothing came after."""
    gain = float(path.close[-1]) if len(path.close) else -signal.spread
    price = signal.entry + signal.sign * gain
    return _outcome(
        signal, Status.EXPIRED, signal.expires_at, price, _before(path, len(path.close)), pip=pip, ambiguous=False
    )


def _outcome(
    signal: OpenSignal,
    status: Status,
    time: int,
    price: float,
    lived: list[tuple[float, float]],
    *,
    pip: float,
    ambiguous: bool,
) -> Outcome:
    """The figures of an end, from the worst and best gains it lived through; rounded to what a price can tell."""
    gain = signal.gain(price)
    worst = min([gain, *(low for low, _ in lived)])
    best = max([gain, *(high for _, high in lived)])
    return Outcome(
        status=status,
        exit_time=time,
        exit_price=round(price, 10),
        pips=round(gain / pip, 4),
        r_multiple=round(gain / signal.risk, 6),
        mae=round(max(0.0, -worst) / pip, 4),
        mfe=round(max(0.0, best) / pip, 4),
        spread_paid=signal.spread,
        ambiguous=ambiguous,
    )
