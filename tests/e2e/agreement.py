"""Holds what a live desk stored against the backtest and the offline evaluation of the candles that it stored."""

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from alphaforge.backtests.engine import run
from alphaforge.backtests.model import SIGNAL, Market, Options, Reason, Run
from alphaforge.backtests.trades import trades_of
from alphaforge.core.instruments import FALLBACK_INSTRUMENTS
from alphaforge.core.market_hours import hours_of
from alphaforge.core.times import rfc3339
from alphaforge.signals.desk import Book
from alphaforge.signals.explain import decision_from_dict, differences
from alphaforge.signals.model import Decision, Status
from alphaforge.signals.offline import Step, replay
from alphaforge.signals.regime import REGIMES
from alphaforge.signals.settings import DEFAULT_SETTINGS
from alphaforge.statistics.figures import plain, statistics_of
from alphaforge.statistics.trades import ResultClass, Trades
from alphaforge.storage.candles import CandleRepository, sources_of
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import SignalCriteria, SignalRepository

M5 = 300
_STATUSES = tuple(Status)
_REASONS = tuple(Reason)
_OUTCOME = ("status", "exit_time", "exit_price", "pips_captured", "r_multiple", "mae", "mfe", "ambiguous")
_CLASSES = {"WON": ResultClass.WIN, "LOST": ResultClass.LOSS, "EXPIRED": ResultClass.EXPIRED}


@dataclass(frozen=True, slots=True)
class Lived:
    """What a live desk left: the market it saw, the reason of each candle, its signals' rows by candle."""

    market: Market
    reasons: Mapping[tuple[str, int], str]
    signals: Mapping[tuple[str, int], dict[str, Any]]

    @property
    def span(self) -> tuple[int, int]:
        """The closes of the first and the last evaluated candle."""
        times = [time for _, time in (*self.reasons, *self.signals)]
        return min(times) + M5, max(times) + M5


async def disagreements(database_url: str, names: tuple[str, ...], tell: Any = print) -> list[str]:
    """Every difference between live, backtest and offline, in words; `tell` hears what was compared."""
    database = await Database.open(database_url, read_only=True)
    try:
        lived = await _lived(database, names)
        first, last = lived.span
        made = run(lived.market, DEFAULT_SETTINGS, Options(), start=first - 1, end=last)
        faults = [*_against_live(made, lived), *_statistics_faults(made, lived)]
        tell(
            f"{len(lived.reasons)} refusals and {len(lived.signals)} signals live; "
            f"{sum(len(rows.reason) for rows in made.rows.values())} rows, {len(made.fills)} trades, "
            f"{made.still_open} open in the backtest"
        )
        async with database.read() as connection:
            offline = _Offline(lived, made)
            book = Book(DEFAULT_SETTINGS)
            hours = lived.market.hours
            steps = replay(lived.market.series, lived.market.instruments, hours, book, start=first - 1, end=last)
            chunk: list[Step] = []
            for step in steps:
                chunk.append(step)
                if len(chunk) == 2_000:
                    faults += offline.faults(chunk, await _decisions(connection, chunk))
                    chunk = []
            faults += offline.faults(chunk, await _decisions(connection, chunk))
        tell(f"{offline.decisions} decisions and {offline.ends} outcomes offline")
        return [*faults, *offline.missing()]
    finally:
        await database.close()


async def _lived(database: Database, names: tuple[str, ...]) -> Lived:
    async with database.read() as connection:
        (source,) = await sources_of(connection)
        candles = CandleRepository(connection, source)
        series = {name: await candles.between(name, 0, 4e9) for name in names}
        rows = await SignalRepository(connection).page(SignalCriteria(), limit=None)
        found = await connection.exec_driver_sql("SELECT instrument, candle_time, reason FROM rejections")
        reasons = {(row.instrument, row.candle_time): row.reason for row in found}
    market = Market(
        series, tuple(FALLBACK_INSTRUMENTS[name] for name in names), {name: hours_of(name) for name in names}, source
    )
    return Lived(market, reasons, {(row["instrument"], row["candle_time"]): row for row in rows})


async def _decisions(connection: Any, steps: list[Step]) -> dict[tuple[str, int], Decision]:
    """The stored decisions of the candles of these steps."""
    if not steps:
        return {}
    span = (steps[0].close - M5, steps[-1].close - M5)
    found: dict[tuple[str, int], Decision] = {}
    for table in ("rejections", "trading_signals"):
        asked = f"SELECT decision FROM {table} WHERE candle_time BETWEEN ? AND ?"  # noqa: S608 - names of this module
        rows = await connection.exec_driver_sql(asked, span)
        for row in rows:
            decision = decision_from_dict(json.loads(row.decision))
            found[decision.instrument, decision.candle_time] = decision
    return found


def _against_live(made: Run, lived: Lived) -> Iterator[str]:
    """Rows whose reason differs, and trades whose levels, size or outcome do."""
    seen: Counter[str] = Counter()
    for name, rows in made.rows.items():
        times = lived.market.series[name].time[rows.first : rows.first + len(rows.reason)].tolist()
        for time, code in zip(times, rows.reason.tolist(), strict=True):
            key = (name, time)
            mine = "signal" if code == SIGNAL else str(_REASONS[code])
            live = "signal" if key in lived.signals else lived.reasons.get(key, "nothing")
            seen[name] += 1
            if mine != live:
                yield f"{name} {rfc3339(time)}: {mine} in the backtest, {live} live"
    if sum(seen.values()) != len(lived.reasons) + len(lived.signals):
        yield f"The backtest evaluated {dict(seen)}, live {len(lived.reasons) + len(lived.signals)}"
    for at in range(len(made.fills)):
        yield from _trade_faults(made, at, lived)


def _trade_faults(made: Run, at: int, lived: Lived) -> Iterator[str]:
    fills = made.fills
    name = lived.market.instruments[int(fills.instrument[at])].name
    row = lived.signals.get((name, int(fills.candle_time[at])))
    if row is None:
        yield f"{name} {rfc3339(int(fills.candle_time[at]))}: a trade in the backtest, no signal live"
        return
    mine = {
        "direction": "BUY" if fills.side[at] > 0 else "SELL",
        "entry": float(fills.entry[at]),
        "stop_loss": float(fills.stop[at]),
        "tp1": float(fills.target[at]),
        "spread": float(fills.spread[at]),
        "confidence_score": float(fills.confidence[at]),
        "regime": str(REGIMES[int(fills.regime[at])]),
        "status": str(_STATUSES[int(fills.status[at])]),
        "exit_time": int(fills.closed[at]),
        "exit_price": float(fills.exit[at]),
        "pips_captured": float(fills.pips[at]),
        "r_multiple": float(fills.r[at]),
        "mae": float(fills.mae[at]),
        "mfe": float(fills.mfe[at]),
        "ambiguous": bool(fills.ambiguous[at]),
    }
    for field, value in mine.items():
        if row.get(field) != value:
            yield f"signal {row['id']}: {field} {value!r} in the backtest, {row.get(field)!r} live"


def _statistics_faults(made: Run, lived: Lived) -> Iterator[str]:
    """Figures of the signals as stored, in R, beside those of the backtest's trades."""
    ended = sorted(
        (row for row in lived.signals.values() if row["exit_time"] is not None),
        key=lambda row: (row["exit_time"], row["id"]),
    )
    stored = statistics_of(_in_r(ended))
    trades, order = trades_of(made), np.argsort(made.fills.closed, kind="stable")
    backtest = statistics_of(
        Trades(
            trades.opened,
            trades.closed,
            made.fills.r[order],
            np.full(len(trades), np.nan),
            made.fills.r[order],
            trades.pips,
            trades.mae,
            trades.mfe,
            trades.result,
        )
    )
    if plain(stored) != plain(backtest):
        yield "The statistics of the stored signals differ from those of the backtest's trades"


def _in_r(rows: list[dict[str, Any]]) -> Trades:
    def column(name: str) -> np.ndarray[Any, np.dtype[np.float64]]:
        return np.array([row[name] for row in rows], np.float64)

    return Trades(
        opened=column("candle_time") + M5,
        closed=column("exit_time"),
        amount=column("r_multiple"),
        cost=np.full(len(rows), np.nan),
        r=column("r_multiple"),
        pips=column("pips_captured"),
        mae=column("mae"),
        mfe=column("mfe"),
        result=np.array([_CLASSES[row["status"]] for row in rows], np.int8),
    )


class _Offline:
    """Compares the offline evaluation step by step with what is stored and with the backtest."""

    def __init__(self, lived: Lived, made: Run) -> None:
        self._lived = lived
        self._made = made
        self._left = {key for key, row in lived.signals.items() if row["exit_time"] is not None}
        self.decisions = self.ends = 0

    def faults(self, steps: list[Step], stored: Mapping[tuple[str, int], Decision]) -> list[str]:
        """What differs in these steps."""
        found = []
        for step in steps:
            for decision in step.decisions:
                self.decisions += 1
                live = stored.get((decision.instrument, decision.candle_time))
                names = ("it is not there",) if live is None else differences(live, decision)
                if names:
                    found.append(f"{decision.instrument} {rfc3339(decision.candle_time)}: offline {', '.join(names)}")
            for end in step.settled:
                self.ends += 1
                key = (end.signal.instrument, end.signal.opened_at - M5)
                row = self._lived.signals.get(key, {})
                self._left.discard(key)
                one = end.outcome
                mine = (str(one.status), one.exit_time, one.exit_price, one.pips, one.r_multiple, one.mae, one.mfe)
                if (*mine, one.ambiguous) != tuple(row.get(name) for name in _OUTCOME):
                    found.append(f"{key}: offline {one}, live {[row.get(name) for name in _OUTCOME]}")
        return found

    def missing(self) -> list[str]:
        """Signals that ended live and not offline."""
        return [f"{name} {rfc3339(time)} ended live and not offline" for name, time in sorted(self._left)]
