"""The stored candles that a backtest runs over: whose they are, those of the period, and those it warms up with."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from alphaforge.backtests.checks import warm_from
from alphaforge.core.errors import Conflict, InvalidInput, NoData
from alphaforge.core.granularity import Granularity
from alphaforge.core.times import from_epoch, rfc3339
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.storage.candles import CandleRepository, sources_of
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.workflows.candle_columns import CandleColumns

_M5 = Granularity.M5.seconds
_PAGE = 10_000 * _M5
"""Candles read at once, as a span of time: few enough that a server answers others meanwhile."""
_DAY = 86_400
_YEAR = 365 * _DAY
_LONGEST = max(granularity.seconds for granularity in DEFAULT_SETTINGS.weights) // _M5
_SANDBOX = "sandbox"


@dataclass(frozen=True, slots=True)
class Loaded:
    """The candles of one instrument: how many of the period, and how many before it.

    `begins`: from which close on (epoch seconds) there are enough candles before for a decision. `late`: whether that
    is after the period's first candle.
    """

    instrument: str
    candles: int
    before: int
    begins: int
    late: bool

    def in_words(self) -> str:
        """From when on it is evaluated, where that is not from the beginning."""
        return f"{self.instrument} is evaluated from {rfc3339(self.begins)} on: before that its candles only warm up"


def is_simulated(source: str) -> bool:
    """Whether these candles are invented: a sandbox's are kept under its name."""
    return source.partition("-")[0] == _SANDBOX


def warm_up_of(settings: StrategySettings) -> int:
    """How many M5 candles before a period are loaded: what a decision sees, and enough for the first one."""
    return max(settings.window, settings.minimum_candles * (_LONGEST + 1))


async def source_of(
    connection: AsyncConnection, names: Sequence[str], asked: str | None, own: str | None = None
) -> str:
    """Whose candles of these instruments are meant: those asked for, else the desk's own market's, else the only ones.

    Raises Conflict where there are none, InvalidInput where several would do.
    """
    having = {name: await sources_of(connection, name) for name in names}
    for name, sources in having.items():
        if not sources or (asked is not None and asked not in sources):
            others = f"; {', '.join(sources)} has some" if sources else ""
            whose = f" of {asked[:40]}" if asked is not None else ""
            raise Conflict(f"There are no candles of {name}{whose}{others}", advice=_download(name))
    if asked is not None:
        return asked
    common = [one for one in next(iter(having.values())) if all(one in sources for sources in having.values())]
    if own in common and own is not None:
        return own
    if len(common) == 1:
        return common[0]
    if not common:
        found = ", ".join(f"{name} has those of {' and '.join(sources)}" for name, sources in having.items())
        raise Conflict(f"No source has candles of all of them: {found}", advice="Download what is missing.")
    raise InvalidInput(
        f"{', '.join(names)}: there are candles of {', '.join(common)}", advice="Say with `source` whose are meant."
    )


async def period_of(
    connection: AsyncConnection, source: str, names: Sequence[str], start: float | None, end: float | None
) -> tuple[float, float]:
    """Beginning and end (epoch seconds): as they are given, else the year up to the newest stored candle's close."""
    if end is None:
        newest = [await CandleRepository(connection, source).newest_start(name) for name in names]
        end = float(max(one for one in newest if one is not None) + _M5)
    return (end - _YEAR if start is None else start), end


@dataclass(frozen=True, slots=True)
class HistoryWriter:
    """Writes candles of a source that close after `start` and by `end` (epoch seconds), with `warm_up` before them.

    Into files of `folder`, a page at a time: it takes as much memory for a year as for a decade.
    """

    database: Database
    source: str
    folder: Path
    settings: StrategySettings
    start: float
    end: float
    warm_up: int

    async def write(self, names: Sequence[str]) -> tuple[Loaded, ...]:
        """Write those of these instruments.

        Raises NoData where one has no candles in the period, or never enough for a decision.
        """
        return tuple([await self._looked_at(*await self.copy(name)) for name in names])

    async def copy(self, name: str) -> tuple[CandleColumns, int, int, tuple[int, int] | None]:
        """Write what there is of an instrument, if only nothing.

        The file, how many candles before the period, how many of it, and the starts of the first and the last stored.
        """
        columns = CandleColumns(self.folder, name)
        async with self.database.read() as connection:
            repository = CandleRepository(connection, self.source)
            older = await repository.newest(name, self.warm_up, until=self.start - _M5)
            span = await repository.span(name)
        await asyncio.to_thread(columns.append, older)
        count = 0
        if span is not None:
            stop = min(int(self.end) - _M5, span[1]) + 1
            for at in range(max(int(self.start) - _M5 + 1, span[0]), stop, _PAGE):
                async with self.database.read() as connection:
                    page = await CandleRepository(connection, self.source).between(name, at, min(at + _PAGE, stop))
                await asyncio.to_thread(columns.append, page)
                count += len(page)
        return columns, len(older), count, span and span[:2]

    async def _looked_at(self, columns: CandleColumns, before: int, count: int, span: tuple[int, int] | None) -> Loaded:
        """What there is. Raises NoData where it is nothing, or too little."""
        name = columns.instrument
        if not count:
            async with self.database.read() as connection:
                others = [one for one in await sources_of(connection, name) if one != self.source]
            known = "" if span is None else f"; there are some from {rfc3339(span[0])} to {rfc3339(span[1])}"
            period = f"from {rfc3339(self.start)} to {rfc3339(self.end)}"
            message = f"There are no candles of {name} by {self.source} {period}{known}"
            instead = f" Or say with `source` that those of {' or '.join(others)} are meant." if others else ""
            raise NoData(message, advice=_download(name, self.start) + instead)
        time = columns.series().time
        begins = warm_from(time, self.settings)
        if begins is None:
            needed = f"{self.settings.minimum_candles:,} closed candles on every timeframe"
            raise NoData(
                f"{name} has {len(time):,} M5 candles by the end of this period: a decision needs {needed}",
                advice=_download(name, self.start - 2 * self.warm_up * _M5),
            )
        earliest = int(time[before]) + _M5
        return Loaded(name, count, before, max(begins, earliest), begins > earliest)


def _download(name: str, since: float | None = None) -> str:
    """How to get what is missing."""
    day = "" if since is None else f"{from_epoch(max(0.0, since) // _DAY * _DAY):%Y-%m-%d}T00:00:00Z"
    command = f"alphaforge candles download {name}" + (f" --from {day}" if day else "")
    body = f'{{"kind": "download_candles", "instruments": ["{name}"]' + (f', "from": "{day}"}}' if day else "}")
    return f"Download them: `{command}`, or beside a running server POST /api/jobs {body}."
