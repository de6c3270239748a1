"""Many signals or entries in one request."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, SkipValidation, model_validator

from alphaforge.api.parameters import LARGEST_ID, Text
from alphaforge.api.schemas.common import Answer, AnyCase, Number, Price
from alphaforge.api.schemas.journal import EntryBody, EntryChange
from alphaforge.api.schemas.signals import SignalBody
from alphaforge.signals.model import Status

MOST_ROWS = 10_000
"""In one request, and so in one transaction: a second of everybody else's writing."""

_Id = Annotated[int, Field(strict=True, ge=1, le=LARGEST_ID, description="The id as the lists give it.")]
_Some = Field(min_length=1, max_length=MOST_ROWS, description="All of them are stored, or none.")
# rows are validated one by one where they are used, so that an error can name its row and others get a turn


class SignalChange(BaseModel):
    """What became of a signal, and what its owner notes of it: what is absent stays, null takes away."""

    model_config = ConfigDict(extra="forbid")

    id: _Id
    status: Annotated[Status | None, AnyCase] = Field(
        None, description="One that ends it sets its exit time, one that opens it again takes its end away."
    )
    exit_price: Annotated[Price, Field(lt=1e12)] | None = None
    actual_pnl: Annotated[Number, Field(gt=-1e12, lt=1e12)] | None = Field(None, description="In account currency.")
    position_size: Annotated[Number, Field(ge=0)] | None = None
    risk_amount: Annotated[Number, Field(ge=0)] | None = None
    notes: Annotated[Text, Field(max_length=20_000)] | None = None
    tags: Annotated[Text, Field(max_length=200)] | None = None

    @model_validator(mode="after")
    def has_a_status(self) -> Self:
        """Refuse to take away what every signal has."""
        if self.status is None and "status" in self.model_fields_set:
            message = "status cannot be taken away"
            raise ValueError(message)
        return self


class ChangeOfEntry(EntryChange):
    """A change to the entry of this id."""

    id: _Id


class NewSignals(BaseModel):
    """Signals made by hand or by a client."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "signals": [
                    {"symbol": "GBP/USD", "direction": "BUY", "entry": 1.31, "stop_loss": 1.308, "tp1": 1.314},
                    {"symbol": "USD/JPY", "direction": "SELL", "entry": 151.2, "stop_loss": 151.5, "tp1": 150.6},
                ]
            }
        }
    )

    signals: Annotated[list[SkipValidation[SignalBody]], _Some]


class SignalChanges(BaseModel):
    """Changes to signals."""

    model_config = ConfigDict(
        json_schema_extra={"example": {"signals": [{"id": 1, "status": "WON", "exit_price": 1.314}]}}
    )

    signals: Annotated[list[SkipValidation[SignalChange]], _Some]


class NewEntries(BaseModel):
    """Entries of the journal."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "entries": [
                    {"openTime": "2026-03-02 08:15", "symbol": "GBPUSD", "type": "BUY", "lots": 0.25, "entry": 1.31},
                    {"openTime": "2026-03-02 09:40", "symbol": "GOLD", "type": "SELL", "lots": 0.1, "entry": 2650.5},
                ]
            }
        }
    )

    entries: Annotated[list[SkipValidation[EntryBody]], _Some]


class EntryChanges(BaseModel):
    """Changes to entries."""

    model_config = ConfigDict(json_schema_extra={"example": {"entries": [{"id": 1, "exit": 1.3125}]}})

    entries: Annotated[list[SkipValidation[ChangeOfEntry]], _Some]


class Created(Answer):
    """What was stored."""

    success: bool
    created: int
    ids: list[int] = Field(description="In the order of the rows.")


class Changed(Answer):
    """How many were changed."""

    success: bool
    updated: int
