"""What the commands about backtests share: instruments, period, source and settings, and whose candles."""

import os
import re
import tempfile
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from alphaforge.backtests.choices import Entry, Figure, Positions
from alphaforge.cli.opening import reading
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import parse_rfc3339, rfc3339

if TYPE_CHECKING:
    from alphaforge.core.instruments import Instrument
    from alphaforge.core.market_hours import MarketHours
    from alphaforge.storage.engine import Database

Instruments = Annotated[
    list[str] | None,
    typer.Option("--instruments", "-i", help="GBP_USD,gold,... or given again; INSTRUMENTS, if none is given."),
]
Start = Annotated[str | None, typer.Option("--from", help="A date or RFC 3339; a year before the end, if not given.")]
End = Annotated[str | None, typer.Option("--to", help="The same; the newest stored candle, if not given.")]
Source = Annotated[
    str | None,
    typer.Option(help="Whose candles: oanda-practice, oanda-live, sandbox-..., import; see `candles check`."),
]
Set = Annotated[
    list[str] | None, typer.Option("--set", metavar="NAME=VALUE", help="A setting of docs/strategy.md; again for more.")
]


Grid = Annotated[
    list[str] | None, typer.Option(metavar="NAME=V1,V2", help="Values to try: a list or from:to:step; again for more.")
]
WalkForward = Annotated[
    str | None, typer.Option(metavar="TRAIN/TEST", help="Choose on so many days, judge on the next: 180d/30d.")
]
ByOption = Annotated[Figure, typer.Option("--by", help="By what the best of a grid is chosen.")]
MinimumTrades = Annotated[int, typer.Option(min=0, help="Points with fewer trades are not chosen.")]
Tried = Annotated[int, typer.Option(min=1, help="Settings tried on this history so far, this one included.")]
EntryOption = Annotated[Entry, typer.Option("--entry", help="Enter at the signal's quote, or at the next open.")]
PositionsOption = Annotated[Positions, typer.Option("--positions", help="Of an instrument at once.")]
Balance = Annotated[float, typer.Option(help="Money at the start.")]
Risk = Annotated[float | None, typer.Option(help="Fraction of the equity that a trade risks; else as live.")]
Financing = Annotated[
    list[str] | None, typer.Option(metavar="NAME=LONG,SHORT", help="Yearly rates: GBP_USD=-0.03,0.01; again for more.")
]
Controls = Annotated[bool, typer.Option(help="Random entries, zero spread, buy-and-hold.")]
Cores = Annotated[int, typer.Option(min=1, help="Processes that work at once.")]
Limit = Annotated[int, typer.Option(min=1, help="How many points a grid may have.")]
Out = Annotated[Path | None, typer.Option(help="A folder for report.json, report.html and the trades.")]

ALL_CORES = os.cpu_count() or 1
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


def names_of(given: list[str] | None) -> tuple[str, ...]:
    """The instruments that are meant, each once. Raises UnknownInstrument for what cannot be a name."""
    from alphaforge.core.instruments import instrument_name  # noqa: PLC0415 - `--help` needs none of it

    spelled = [part for one in given or () for part in one.split(",")]
    return tuple(dict.fromkeys(instrument_name(one) for one in spelled)) or tuple(state.settings().instruments)


def bounds_of(start: str | None, end: str | None) -> tuple[float | None, float | None]:
    """Beginning and end in epoch seconds, as far as they are given. Raises InvalidInput where there is no time."""
    first, last = (None if one is None else _moment(one) for one in (start, end))
    if first is not None and last is not None and last <= first:
        raise InvalidInput(
            f"There is no time between {rfc3339(first)} and {rfc3339(last)}", advice="--from comes before --to."
        )
    return first, last


def _moment(text: str) -> float:
    return parse_rfc3339(f"{text}T00:00:00Z" if _DATE.fullmatch(text) else text)


@dataclass(frozen=True, slots=True)
class Scope:
    """Which candles are meant, and where they are. `start`, `end` in epoch seconds."""

    database: "Database"
    source: str
    simulated: bool
    start: float
    end: float
    instruments: "tuple[Instrument, ...]"
    hours: "Mapping[str, MarketHours]"


@asynccontextmanager
async def scope(
    names: tuple[str, ...], bounds: tuple[float | None, float | None], source: str | None
) -> AsyncIterator[Scope]:
    """The candles that are meant, in a database that is open for the block; works beside a running server.

    Raises Conflict where there are none, InvalidInput where several sources would do.
    """
    from alphaforge.workflows.backtest_history import (  # noqa: PLC0415 - `--help` needs none of it
        is_simulated,
        period_of,
        source_of,
    )

    async with reading(state.settings()) as database:
        async with database.read() as connection:
            found = await source_of(connection, names, source, _own_source())
            start, end = await period_of(connection, found, names, *bounds)
        yield Scope(database, found, is_simulated(found), start, end, _instruments(names), _hours(names))


@contextmanager
def scratch() -> Iterator[Path]:
    """A folder for candles, gone after the block."""
    from alphaforge.workflows.backtest_child import SCRATCH  # noqa: PLC0415 - `--help` needs none of it

    with tempfile.TemporaryDirectory(prefix=SCRATCH) as name:
        yield Path(name)


def _own_source() -> str | None:
    """Under whose name the configured market's candles are kept; None for a sandbox, which says so only when asked."""
    settings = state.settings()
    if settings.oanda_api_key is None:
        return None
    from alphaforge.market.oanda.access import OandaAccess  # noqa: PLC0415 - costs a third of a second

    key = settings.oanda_api_key.get_secret_value()
    return OandaAccess.of(settings.oanda_environment, key, api_url=settings.oanda_api_url).source_name


def _instruments(names: tuple[str, ...]) -> "tuple[Instrument, ...]":
    """What brokers usually say of them: no broker is asked."""
    from alphaforge.core.instruments import FALLBACK_INSTRUMENTS  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.market.sandbox.listings import listing_of  # noqa: PLC0415 - the same

    return tuple(FALLBACK_INSTRUMENTS.get(name) or listing_of(name).instrument for name in names)


def _hours(names: tuple[str, ...]) -> "Mapping[str, MarketHours]":
    from alphaforge.setting_values import hours_as_set  # noqa: PLC0415 - `--help` needs none of it

    return {name: hours_as_set(state.settings().market_hours, name) for name in names}
