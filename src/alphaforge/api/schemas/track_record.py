"""What signals were worth. Figures in R; an estimate is a value, the N behind it and its 95 % interval."""

from dataclasses import dataclass

from pydantic import Field

from alphaforge.api.schemas.common import Answer, Time
from alphaforge.statistics.breakdown import GroupFigures
from alphaforge.statistics.calibration import Bucket
from alphaforge.statistics.distribution import Bin
from alphaforge.statistics.following import Following
from alphaforge.statistics.sections import Estimate, Figures


class SettledCounts(Answer):
    """How many signals, by what became of them; expired ones are neither won nor lost."""

    settled: int = Field(description="Those that all figures are of.")
    won: int
    lost: int
    expired: int
    open: int = Field(description="Not settled yet, and in no figure.")
    ambiguous: int = Field(description="Stop and target lay in one candle that no finer one told apart: lost.")
    said_by_hand: int = Field(description="No candle decided them. None of them is the strategy's own.")


class LeftOut(Answer):
    """Settled signals that are in no figure, and why."""

    reason: str = Field(examples=["other_market"])
    source: str | None
    strategy: str | None
    signals: int
    means: str = Field(description="The reason in words, and how to see them.")


@dataclass(frozen=True, slots=True)
class Part(GroupFigures):
    """The signals of one key; null: those that have none."""

    key: str | None


class AddedUp(Answer):
    """What the signals brought together, in arrays of one length: a place for each trading day on which any settled."""

    days: list[str] = Field(examples=[["2026-03-02", "2026-03-04"]])
    r: list[float] = Field(description="The sum so far, at the day's close.")
    drawdown: list[float] = Field(description="The sum below its highest so far, zero among them; <= 0.")


class Calibrated(Answer):
    """What the confidence score was worth: ten buckets, empty ones with null, and its rank correlation with R."""

    buckets: list[Bucket]
    known: int = Field(description="Settled signals that have a score.")
    rank_correlation: Estimate


@dataclass(frozen=True, slots=True)
class Followed(Following):
    """What was followed, since the first signal that was, or from `from` on."""

    minimum: int


class TrackRecord(Answer):
    """The settled signals of one market."""

    source: str
    strategy: str | None = Field(description="null: every strategy's.")
    instrument: str | None = Field(description="null: every instrument's.")
    simulated: bool | None = Field(description="Whether prices were invented; null where nothing tells.")
    since: Time | None
    until: Time | None
    supports: str = Field(
        description="What the figures support, in a sentence.",
        examples=["12 settled signals: too few to say anything."],
    )
    signals: SettledCounts
    left_out: list[LeftOut]
    unit: str = Field(description="What amounts are in.", examples=["R"])
    statistics: Figures
    equity: AddedUp
    distribution: list[Bin] = Field(description="How many signals brought how much R.")
    breakdown: dict[str, list[Part]] = Field(
        description="By instrument, side, regime, session, hour, weekday, month and confidence; those of the signal."
    )
    calibration: Calibrated
    following: Followed
