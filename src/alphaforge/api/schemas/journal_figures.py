"""The journal's figures: all of them, by day, and by group."""

from pydantic import Field

from alphaforge.api.schemas.common import Answer
from alphaforge.statistics import sections


class JournalStatistics(Answer):
    """The journal in figures. The first seven count every entry; the sections those that closed in the chosen span.

    What is not known or not defined is null. See docs/statistics.md, or /api/statistics/definitions.
    """

    total_trades: int = Field(description="All entries, open ones included.")
    wins: int
    losses: int
    win_rate: float = Field(description="Wins of all entries, in percent.")
    total_pnl: float
    total_pips: float
    avg_r: float = Field(description="Mean R of the entries whose R is known and not zero, as in the predecessor.")
    closed_entries: int = Field(description="Those that closed in the span: the trades of the sections.")
    open_entries: int = Field(description="Of the whole journal: those without a time of closing.")
    counts: sections.Counts
    rates: sections.Rates
    money: sections.Money
    r: sections.Multiples
    pips: sections.Pips
    streaks: sections.Streaks
    holding: sections.Holding
    excursions: sections.Excursions
    daily: sections.Daily
    drawdown: sections.Drawdown


class Stats(Answer):
    """The first seven under the keys of /api/stats."""

    total_trades: int
    win_rate: float
    profit_loss: float
    total_pips: float
    wins: int
    losses: int
    avg_r: float


class JournalEquity(Answer):
    """The account at the close of each trading day, in arrays of one length."""

    balance: float | None = Field(description="Where the equity begins; null: it begins at zero.")
    days: list[str] = Field(examples=[["2026-03-02", "2026-03-03"]])
    trades: list[int]
    net: list[float] = Field(description="What each day brought; 0 on a day without trades.")
    equity: list[float]
    drawdown: list[float] = Field(description="Equity below its highest close so far, the start among them; <= 0.")
    count: int


class JournalGroup(Answer):
    """A group's figures, as `/api/journal/statistics` has them."""

    key: str | None = Field(description="null: entries that have none.")
    trades: int
    wins: int
    losses: int
    breakevens: int
    expired: int
    win_rate: sections.Estimate
    net: float | None
    pips: float | None
    expectancy: sections.Estimate
    expectancy_r: sections.Estimate
    profit_factor: sections.Estimate
    no_losses: bool
    mean_seconds: sections.Estimate


class JournalBreakdown(Answer):
    """The groups of closed entries, in the order of their keys."""

    by: str
    groups: list[JournalGroup]
    count: int


class CalendarDay(Answer):
    """A trading day on which entries closed."""

    day: str = Field(examples=["2026-03-02"])
    trades: int
    wins: int
    losses: int
    net: float | None
    r: float | None
    pips: float | None


class JournalCalendar(Answer):
    """Trading days with closed entries, oldest first, and their sum."""

    days: list[CalendarDay]
    count: int
    trades: int
    wins: int
    losses: int
    net: float | None
    r: float | None
    pips: float | None
