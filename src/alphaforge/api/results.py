"""What the workflows answer, as far as the routers look at it."""

from typing import Protocol

from alphaforge.signals.model import Decision, Status


class ScanResult(Protocol):
    """What one scan said of one instrument.

    `reason` says why there is no signal: the first failed filter's name, `already_signalled`, or a sentence where
    nothing could be decided; it is empty for a signal. `problem` is what the market answered instead of candles.
    """

    @property
    def instrument(self) -> str:
        """OANDA's name."""
        ...

    @property
    def decision(self) -> Decision | None:
        """What was decided, where the candles allowed a decision."""
        ...

    @property
    def signal_id(self) -> int | None:
        """The stored signal, where this scan made one."""
        ...

    @property
    def earlier_id(self) -> int | None:
        """The signal that an earlier scan made of the same candle."""
        ...

    @property
    def reason(self) -> str:
        """Why there is no signal."""
        ...

    @property
    def problem(self) -> str | None:
        """What was wrong with the market, in plain words."""
        ...


class Settlement(Protocol):
    """One open signal that was held against the candles. `status` stays PENDING or ACTIVE while it is open."""

    @property
    def signal_id(self) -> int:
        """The signal."""
        ...

    @property
    def instrument(self) -> str:
        """OANDA's name."""
        ...

    @property
    def status(self) -> Status:
        """WON, LOST, EXPIRED; PENDING or ACTIVE where it is open still."""
        ...

    @property
    def exit_price(self) -> float | None:
        """Where it left; None where it is open or expired unseen."""
        ...

    @property
    def reason(self) -> str:
        """In plain words: `4 hours elapsed`, `the stop was touched`."""
        ...


class KellyFigures(Protocol):
    """What the results of an instrument are worth for sizing. Rates and fractions, not percent."""

    @property
    def win_rate(self) -> float:
        """Wins of all counted results, 0 to 1."""
        ...

    @property
    def avg_win(self) -> float:
        """Mean R of the wins."""
        ...

    @property
    def avg_loss(self) -> float:
        """Mean R of the losses, as a positive number."""
        ...

    @property
    def win_loss_ratio(self) -> float | None:
        """`avg_win / avg_loss`; 0 without results, None where there is no loss."""
        ...

    @property
    def recommended_risk(self) -> float:
        """The share of equity to risk."""
        ...

    @property
    def trade_count(self) -> int:
        """How many results were counted."""
        ...
