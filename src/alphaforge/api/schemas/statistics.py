"""What the figures mean."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer


class FigureDefinition(Answer):
    """One figure."""

    name: str = Field(examples=["profit_factor"])
    section: str = Field(examples=["money"])
    unit: str = Field(description="`money`: the account's currency, or R where amounts are; `fraction`: 0.05 is 5 %.")
    formula: str
    n: str = Field(description="What its `n` counts.")
    source: str = Field(description="Of the formula or the interval; empty for what is only counted or divided.")


class FigureDefinitions(Answer):
    """Every figure of signals, journal and backtests."""

    definitions: list[FigureDefinition]
    count: int
