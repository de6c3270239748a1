"""Journal entries coming in, by the predecessor's short names or by the columns' names, and going out."""

import re
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, Any, Self

from pydantic import (
    AfterValidator,
    AliasChoices,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    model_validator,
)

from alphaforge.api.parameters import LARGEST_ID, Moment, Text
from alphaforge.api.schemas.common import Answer, AnyCase, Next, Number, Price, Time, no_flag, only_required
from alphaforge.core.errors import UnknownInstrument
from alphaforge.core.instruments import Instrument, instrument_name
from alphaforge.signals.model import Direction

_SYMBOL = re.compile(r"[A-Z0-9][A-Z0-9 ._/&\-]{0,19}")
_NAIVE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[T ][0-9]{2}:[0-9]{2}(:[0-9]{2}(\.[0-9]{1,9})?)?")
_DURATION = re.compile(r"([0-9]{1,8})\s*(?:min|m|minutes)?")


class Session(StrEnum):
    """The predecessor's sessions."""

    ASIAN = "ASIAN"
    LONDON = "LONDON"
    NEW_YORK = "NEW_YORK"
    OVERLAP = "OVERLAP"


class TradeOutcome(StrEnum):
    """How a trade ended."""

    WIN = "WIN"
    LOSS = "LOSS"
    BREAKEVEN = "BREAKEVEN"


@lru_cache(maxsize=1_000)
def _journal_symbol(text: str) -> str:
    """The journal's spelling (`GBPUSD`) of an instrument; what is no currency pair stays as it was written."""
    folded = text.strip().upper()
    try:
        return Instrument(instrument_name(folded)).short_symbol
    except UnknownInstrument:
        if not _SYMBOL.fullmatch(folded):
            message = "a symbol has up to 20 letters, digits and . _ / & -"
            raise ValueError(message) from None
        return folded


def _assumed_utc(value: object) -> object:
    """The journal's own times carry no zone: they are UTC."""
    if isinstance(value, str) and _NAIVE.fullmatch(value.strip()):
        return value.strip().replace(" ", "T") + "Z"
    return value


def _minutes(value: object) -> object:
    """`243 min`, as the answers have it, or a number."""
    if isinstance(value, str) and (found := _DURATION.fullmatch(value.strip().lower())):
        return int(found[1])
    return value


def _joined_tags(value: object) -> object:
    if isinstance(value, list) and all(isinstance(tag, str) for tag in value):
        return ",".join(value)
    return value


def _blank_is_none(value: object) -> object:
    """Forms send empty texts for what was left open."""
    return None if isinstance(value, str) and not value.strip() else value


def _session_word(value: object) -> object:
    return re.sub(r"[\s\-]+", "_", value.strip().upper()) if isinstance(value, str) else value


Blank = BeforeValidator(_blank_is_none)
_Symbol = Annotated[Text, Field(min_length=1, max_length=40), AfterValidator(_journal_symbol)]
_Time = Annotated[Moment, BeforeValidator(_assumed_utc)]
_Side = Annotated[Direction, AnyCase]
_Lots = Annotated[Number, Field(gt=0, lt=1e9)]
_Amount = Annotated[Number, Field(gt=-1e12, lt=1e12)]
_SignalId = Annotated[int, Field(ge=1, le=LARGEST_ID), BeforeValidator(no_flag)]
_Picture = Annotated[Text, Field(max_length=10_000_000)]


def _named(*names: str) -> Any:  # noqa: ANN401 - pydantic's Field answers Any
    return Field(None, validation_alias=AliasChoices(*names), description=f"Also as `{'`, `'.join(names[1:])}`.")


class EntryFields(BaseModel):
    """What a client may say of a trade; only what was said counts (PUT is partial)."""

    model_config = ConfigDict(populate_by_name=True, use_enum_values=True)

    open_time: Annotated[_Time | None, Blank] = _named("openTime", "open_time")
    close_time: Annotated[_Time | None, Blank] = _named("closeTime", "close_time")
    symbol: _Symbol | None = None
    trade_type: Annotated[_Side | None, Blank] = _named("type", "trade_type")
    lots: Annotated[_Lots | None, Blank] = None
    entry_price: Annotated[Price | None, Blank] = _named("entry", "entry_price")
    exit_price: Annotated[Price | None, Blank] = _named("exit", "exit_price")
    stop_loss: Annotated[Price | None, Blank] = _named("sl", "stop_loss")
    take_profit: Annotated[Price | None, Blank] = _named("tp", "take_profit")
    pips: Annotated[_Amount | None, Blank] = None
    profit_loss: Annotated[_Amount | None, Blank] = _named("pl", "profit_loss")
    mae: Annotated[_Amount | None, Blank] = None
    mfe: Annotated[_Amount | None, Blank] = None
    r_value: Annotated[_Amount | None, Blank] = _named("r", "r_value")
    trade_setup: Annotated[Text | None, Field(max_length=100)] = _named("setup", "trade_setup")
    session: Annotated[Session | None, BeforeValidator(_session_word), Blank] = None
    duration_minutes: Annotated[Annotated[int, Field(ge=0, lt=2**31)] | None, BeforeValidator(_minutes), Blank] = (
        _named("duration", "duration_minutes")
    )
    notes: Annotated[Text, Field(max_length=100_000)] | None = None
    tags: Annotated[Annotated[Text, Field(max_length=500)] | None, BeforeValidator(_joined_tags)] = None
    screenshot_entry: _Picture | None = None
    screenshot_exit: _Picture | None = None
    screenshot_analysis: _Picture | None = None
    outcome: Annotated[TradeOutcome | None, AnyCase, Blank] = None
    signal_id: Annotated[_SignalId | None, Blank] = Field(
        None,
        validation_alias=AliasChoices("signal_id", "signalId"),
        description="The signal that the trade follows, of the same instrument. Also as `signalId`.",
    )

    @model_validator(mode="before")
    @classmethod
    def spread_screenshots(cls, body: Any) -> Any:  # noqa: ANN401 - whatever the client sent
        """`screenshots: {entry, exit, analysis}` means the three columns."""
        if isinstance(body, dict) and isinstance(pictures := body.get("screenshots"), dict):
            spread = {
                f"screenshot_{name}": pictures[name] for name in ("entry", "exit", "analysis") if name in pictures
            }
            return {**spread, **{name: value for name, value in body.items() if name != "screenshots"}}
        return body

    @model_validator(mode="after")
    def closes_after_it_opens(self) -> Self:
        """Refuse a trade that ends before it begins."""
        if self.open_time is not None and self.close_time is not None and self.close_time < self.open_time:
            message = "closeTime lies before openTime"
            raise ValueError(message)
        return self


REQUIRED = ("open_time", "symbol", "trade_type", "lots", "entry_price")
"""What every entry has; a change may not take it away."""

_EXAMPLE: dict[str, JsonValue] = {
    "openTime": "2026-03-02 08:15",
    "closeTime": "2026-03-02 11:40",
    "symbol": "GBPUSD",
    "type": "BUY",
    "lots": 0.25,
    "entry": 1.31,
    "exit": 1.3125,
    "sl": 1.3085,
    "tp": 1.314,
    "setup": "London open",
    "session": "LONDON",
    "notes": "Followed the plan.",
    "tags": "plan",
}


class EntryBody(EntryFields):
    """A new entry of the journal."""

    model_config = ConfigDict(json_schema_extra={"example": _EXAMPLE})

    open_time: _Time = Field(validation_alias=AliasChoices("openTime", "open_time"))
    symbol: _Symbol
    trade_type: _Side = Field(validation_alias=AliasChoices("type", "trade_type"))
    lots: _Lots
    entry_price: Price = Field(validation_alias=AliasChoices("entry", "entry_price"))


class EntryChange(EntryFields):
    """Changes to an entry: what is absent stays, null takes away."""

    model_config = ConfigDict(json_schema_extra={"example": {"exit": 1.3125, "notes": "Closed early."}})

    @model_validator(mode="after")
    def keeps_what_every_entry_has(self) -> Self:
        """Refuse to empty a field that no entry is without."""
        for name in REQUIRED:
            if name in self.model_fields_set and getattr(self, name) is None:
                message = f"{name} cannot be taken away"
                raise ValueError(message)
        return self


class Entry(Answer):
    """A trade in the journal. `openTime` and `closeTime` are UTC in short form; their twins are in full."""

    id: int
    openTime: str = Field(examples=["2025-11-20 14:55"])  # noqa: N815 - the predecessor's key
    closeTime: str | None  # noqa: N815 - the predecessor's key
    open_time: Time
    close_time: Time | None
    symbol: str
    instrument: str | None
    type: str
    lots: float
    entry: float
    exit: float | None
    sl: float | None
    tp: float | None
    pips: float | None
    pl: float | None
    mae: float | None
    mfe: float | None
    r: float | None
    setup: str | None
    session: str | None
    duration: str | None = Field(examples=["243 min"])
    notes: str | None
    tags: str | None
    screenshot_entry: str | None
    screenshot_exit: str | None
    screenshot_analysis: str | None
    outcome: str | None
    created_at: Time | None
    updated_at: Time | None
    signal_id: int | None = Field(description="The signal that the trade follows.")


class ListedEntry(Entry):
    """An entry with the parts that were asked for."""

    model_config = only_required(
        *("id", "openTime", "closeTime", "open_time", "close_time", "symbol", "instrument", "type", "lots", "entry"),
        *("exit", "sl", "tp", "pips", "pl", "r", "setup", "session", "tags", "outcome"),
    )


class StoredEntry(Entry):
    """The entry as it was stored, at the top and once more under `journal_entry`."""

    success: bool
    message: str
    journal_entry: Entry


class RemovedEntry(Answer):
    """The id that is gone."""

    success: bool
    message: str
    id: int


class EntryPage(Answer):
    """Entries, newest first."""

    entries: list[ListedEntry]
    total: int = Field(description="Entries in this answer, as in the predecessor.")
    total_entries: int = Field(description="Entries in the journal.")
    next: Next = None


class EntryList(Answer):
    """Entries, newest first."""

    entries: list[ListedEntry]
    count: int
    total_entries: int
    next: Next = None
