"""Background work: asking for it, and what became of it."""

from typing import Annotated, Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, PlainSerializer, RootModel, model_validator

from alphaforge.api.parameters import LARGEST_ID, Moment, Text
from alphaforge.api.schemas.common import Answer, AnyCase, Next, Number, Time
from alphaforge.api.schemas.journal import Session, TradeOutcome
from alphaforge.api.schemas.signals import SignalBody
from alphaforge.core.times import rfc3339
from alphaforge.signals.model import Direction, Status

_Written = PlainSerializer(lambda moment: moment and rfc3339(moment), when_used="json")
_From = Annotated[Moment | None, _Written, Field(alias="from", description="From here on.")]
_To = Annotated[Moment | None, _Written, Field(alias="to", description="Up to but not including.")]
_Names = Annotated[
    list[Annotated[Text, Field(max_length=40)]] | None,
    Field(min_length=1, max_length=500, description="In any spelling; without it every watched one."),
]


_FOREIGN = {
    "signals": ("include", "trade_type", "outcome", "session", "setup", "tag", "signal_id"),
    "journal": ("status",),
}
"""By the noun of an export what only the other one is filtered by."""


class _Asked(BaseModel):
    """A job as it is asked for."""

    model_config = ConfigDict(populate_by_name=True)

    @model_validator(mode="before")
    @classmethod
    def knows_every_parameter(cls, body: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        """Refuse what the kind does not take, naming what it does."""
        if not isinstance(body, dict):
            return body
        accepted = [field.alias or name for name, field in cls.model_fields.items()]
        if unknown := sorted(set(body) - set(accepted)):
            taken = ", ".join(name for name in accepted if name != "kind") or "nothing"
            message = f"{str(unknown[0])[:100]!r} is no parameter: {cls.model_fields['kind'].default} takes {taken}"
            raise ValueError(message)
        return body


class ScanJob(_Asked):
    """Evaluate the newest closed candles, as the schedule does: with the strategy stopped they are only fetched."""

    kind: Literal["scan"] = "scan"
    instruments: _Names = None


class SettleJob(_Asked):
    """Hold the desk's open signals against the candles."""

    kind: Literal["settle"] = "settle"


class DownloadJob(_Asked):
    """Fetch M5 candles from far back."""

    kind: Literal["download_candles"] = "download_candles"
    instruments: _Names = None
    start: _From = None
    end: _To = None
    days: Annotated[int | None, Field(ge=1, le=20_000, description="How many days back, instead of `from`; 90.")] = None

    @model_validator(mode="after")
    def has_one_beginning(self) -> Self:
        """Refuse two beginnings."""
        if self.start is not None and self.days is not None:
            message = "from and days both say where it begins: give one of them"
            raise ValueError(message)
        return self


class ExportJob(_Asked):
    """Write everything there is into a file, as GET .../export has it."""

    kind: Literal["export"] = "export"
    noun: Literal["signals", "journal"] = Field(description="What is written.")
    form: Literal["ndjson", "csv"] = Field("ndjson", alias="format")
    status: str | None = Field(None, max_length=100, description="Of signals: one or several, separated by commas.")
    symbol: str | None = Field(None, max_length=40, description="In any spelling.")
    start: _From = None
    end: _To = None
    trade_type: Annotated[Direction, AnyCase] | None = Field(None, alias="type", description="Of the journal.")
    outcome: Annotated[TradeOutcome, AnyCase] | None = Field(None, description="Of the journal.")
    session: Annotated[Session, AnyCase] | None = Field(None, description="Of the journal.")
    setup: Text | None = Field(None, max_length=100, description="Of the journal: the whole setup.")
    tag: Text | None = Field(None, max_length=100, description="Of the journal: one of the tags.")
    signal_id: int | None = Field(None, ge=1, le=LARGEST_ID, description="Of the journal: the signal followed.")
    include: Literal["screenshots"] | None = Field(None, description="Of the journal: the pictures too.")

    @model_validator(mode="after")
    def asks_for_what_the_noun_has(self) -> Self:
        """Refuse a filter that would be passed over."""
        for foreign in _FOREIGN[self.noun]:
            if getattr(self, foreign) is not None:
                name = type(self).model_fields[foreign].alias or foreign
                message = f"{name} is no parameter of an export of {self.noun}"
                raise ValueError(message)
        return self


class NewJob(RootModel[Annotated[ScanJob | SettleJob | DownloadJob | ExportJob, Field(discriminator="kind")]]):
    """A job of one of these kinds, with its parameters."""

    model_config = ConfigDict(json_schema_extra={"example": {"kind": "export", "noun": "journal", "format": "csv"}})


class ImportedSignal(SignalBody):
    """A signal as an export has it. What the desk itself knew of it (votes, candles, pips, R) is not taken in."""

    timestamp: Moment | None = None
    status: Annotated[Status, AnyCase] = Status.PENDING
    exit_time: Moment | None = None
    exit_price: Annotated[Number, Field(gt=0, lt=1e12)] | None = None
    actual_pnl: Annotated[Number, Field(gt=-1e12, lt=1e12)] | None = None
    source: Annotated[Text, Field(max_length=40)] | None = None
    simulated: bool | None = None


class JobFile(Answer):
    """The file that a job made."""

    url: str = Field(examples=["/api/jobs/7/file"])
    name: str = Field(examples=["journal-2026-03-02.csv"])
    media_type: str
    bytes: int = Field(description="Its length, not compressed.")


class ListedJob(Answer):
    """Background work, as the list has it."""

    id: int
    kind: str = Field(description="scan, settle, download_candles, export, import, ...")
    status: str = Field(description="queued, running, done, failed or cancelled.")
    progress: float | None = Field(description="From 0 to 1; null while nothing is known of it.")
    attempts: int = Field(description="How often it was begun.")
    cancelling: bool = Field(description="Whether it was asked to end.")
    parameters: dict[str, Any] = Field(description="What was asked for, where users may ask for it.")
    error: str | None = Field(description="Why the last attempt failed.")
    file: JobFile | None = None
    created_at: Time
    run_at: Time = Field(description="Not before this time.")
    started_at: Time | None
    finished_at: Time | None


class Job(ListedJob):
    """Background work, and its result."""

    result: Any = Field(None, description="What it answered; of a failed import `errors` with {row, loc, msg}.")


class JobPage(Answer):
    """Jobs, newest first."""

    jobs: list[ListedJob]
    count: int = Field(description="Jobs in this answer.")
    next: Next = None


class CancelledJob(Answer):
    """What cancelling did."""

    success: bool
    message: str
    job: Job
