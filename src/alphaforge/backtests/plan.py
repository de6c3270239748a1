"""A backtest as tasks: what one asks for, the parts that any core or machine may perform, and when each may be.

One flow for a single run, a grid and a walk-forward: take the tasks that `tasks_of` names, perform each, ask again with
the results until none is left, and compose the report. A task of points tries many settings and keeps a few figures of
each; a task of a run takes one and keeps everything. The run of what was chosen waits for the points to choose from.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any, Self

from alphaforge.backtests.choices import Entry, Figure, Positions
from alphaforge.backtests.grid import Point, Sweep, sweep_from
from alphaforge.backtests.model import Options
from alphaforge.backtests.setting_texts import plain_settings, settings_from
from alphaforge.backtests.walk_forward import Fold, Folds, folds_from, folds_of
from alphaforge.core.errors import InvalidInput
from alphaforge.core.times import rfc3339
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings

Result = Mapping[str, Any]
"""What a task came to, as JSON has it."""


class Kind(StrEnum):
    """What is asked for."""

    SINGLE = "single"
    GRID = "grid"
    WALK_FORWARD = "walk_forward"


@dataclass(frozen=True, slots=True)
class Plan:
    """What one asks of a backtest. `start`, `end`: epoch seconds.

    `sweep`: which settings to try beside `settings`. `folds`: how a walk-forward cuts the period, None for none. `by`:
    what the best is chosen by, among points with at least `minimum_trades`. `tried`: how many settings had been tried
    on this history before, this one among them. `version`: of the code, as the report shall say.
    Raises InvalidInput for what cannot be meant.
    """

    instruments: tuple[str, ...]
    start: float
    end: float
    settings: StrategySettings = DEFAULT_SETTINGS
    options: Options = field(default_factory=Options)
    sweep: Sweep = field(default_factory=Sweep)
    folds: Folds | None = None
    by: Figure = Figure.EXPECTANCY_R
    minimum_trades: int = 30
    tried: int = 1
    version: str = ""

    def __post_init__(self) -> None:
        if not self.instruments or len(set(self.instruments)) < len(self.instruments):
            message = f"A backtest of {', '.join(self.instruments) or 'no instruments'} cannot be meant"
            raise InvalidInput(message, advice="Name each instrument once.")
        if not (math.isfinite(self.start) and math.isfinite(self.end)):
            raise InvalidInput("A backtest has a beginning and an end", advice="Give both.")
        if self.end <= self.start:
            message = f"The period ends on {rfc3339(self.end)} and begins on {rfc3339(self.start)}"
            raise InvalidInput(message, advice="Give a beginning that is before the end.")
        if self.tried < 1 or self.minimum_trades < 0:
            message = f"{self.tried} settings tried, {self.minimum_trades} trades at least: impossible"
            raise InvalidInput(message, advice="The settings of this backtest count as tried: 1 or more.")
        if self.folds is not None:
            folds_of(self.start, self.end, self.folds)

    @property
    def kind(self) -> Kind:
        """A walk-forward where there are folds, a grid where there is a sweep."""
        if self.folds is not None:
            return Kind.WALK_FORWARD
        return Kind.GRID if self.sweep.axes else Kind.SINGLE

    def points(self) -> tuple[Point, ...]:
        """The settings to try. Raises InvalidInput where not one of them can be meant."""
        points, impossible = self.sweep.points(self.settings)
        if not points:
            message = f"None of the {len(self.sweep):,} combinations can be meant: {impossible[0].why}"
            raise InvalidInput(message, advice="Change the values of the grid.")
        return points

    def periods(self) -> tuple[Fold, ...]:
        """The folds; without a walk-forward there is none."""
        return () if self.folds is None else folds_of(self.start, self.end, self.folds)

    def to_dict(self) -> dict[str, Any]:
        """The plan as JSON has it."""
        return {
            "instruments": list(self.instruments),
            "start": self.start,
            "end": self.end,
            "settings": plain_settings(self.settings),
            "options": plain_options(self.options),
            "sweep": self.sweep.to_dict(),
            "folds": None if self.folds is None else asdict(self.folds),
            "by": str(self.by),
            "minimum_trades": self.minimum_trades,
            "tried": self.tried,
            "version": self.version,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_dict` was made of. Raises InvalidInput for what cannot be meant."""
        folds = plain.get("folds")
        return cls(
            instruments=tuple(plain["instruments"]),
            start=float(plain["start"]),
            end=float(plain["end"]),
            settings=settings_from(plain.get("settings") or {}),
            options=options_from(plain.get("options") or {}),
            sweep=sweep_from(plain.get("sweep") or {}),
            folds=None if folds is None else folds_from(folds),
            by=figure_named(str(plain.get("by", Figure.EXPECTANCY_R))),
            minimum_trades=int(plain.get("minimum_trades", 30)),
            tried=int(plain.get("tried", 1)),
            version=str(plain.get("version", "")),
        )


@dataclass(frozen=True, slots=True)
class Task:
    """A part of a plan: settings to run over candles that close after `start` and by `end` (epoch seconds).

    `points`: the numbers of the settings in the sweep where they are to be compared, empty for a run whose trades,
    controls and rejections are kept. `fold`: the number of the fold it belongs to, None without one.
    """

    number: int
    start: float
    end: float
    settings: tuple[StrategySettings, ...]
    options: Options
    points: tuple[int, ...] = ()
    fold: int | None = None

    def to_dict(self) -> dict[str, Any]:
        """The task as JSON has it."""
        return {
            "number": self.number,
            "start": self.start,
            "end": self.end,
            "settings": [plain_settings(settings) for settings in self.settings],
            "options": plain_options(self.options),
            "points": list(self.points),
            "fold": self.fold,
        }

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> Self:
        """What `to_dict` was made of."""
        return cls(
            number=int(plain["number"]),
            start=float(plain["start"]),
            end=float(plain["end"]),
            settings=tuple(settings_from(settings) for settings in plain["settings"]),
            options=options_from(plain["options"]),
            points=tuple(plain["points"]),
            fold=plain["fold"],
        )


def plain_options(options: Options) -> dict[str, Any]:
    """How trades are made, as JSON has it."""
    return {
        "entry": str(options.entry),
        "positions": str(options.positions),
        "balance": options.balance,
        "risk": options.risk,
        "financing": {name: list(rates) for name, rates in options.financing.items()},
        "finer": options.finer,
    }


def options_from(plain: Mapping[str, Any]) -> Options:
    """What `plain_options` was made of. Raises InvalidInput for words and numbers that cannot be meant."""
    unknown = set(plain) - {"entry", "positions", "balance", "risk", "financing", "finer"}
    if unknown:
        message = f"{min(unknown)!r} is no option of a backtest"
        raise InvalidInput(message, advice="Options are entry, positions, balance, risk, financing and finer.")
    try:
        return Options(
            entry=Entry(plain.get("entry", Entry.SIGNAL)),
            positions=Positions(plain.get("positions", Positions.MANY)),
            balance=float(plain.get("balance", 10_000.0)),
            risk=None if plain.get("risk") is None else float(plain["risk"]),
            financing={str(name): (float(long), float(short)) for name, (long, short) in financing_of(plain).items()},
            finer=bool(plain.get("finer", True)),
        )
    except InvalidInput:
        raise
    except (TypeError, ValueError) as error:
        message = f"These options of a backtest cannot be meant: {error}"
        raise InvalidInput(message, advice="docs/backtesting.md lists them.") from None


def financing_of(plain: Mapping[str, Any]) -> Mapping[str, Any]:
    """The financing among plain options; raises TypeError where it is no table."""
    financing = plain.get("financing") or {}
    if not isinstance(financing, Mapping):
        raise TypeError("financing maps an instrument to two rates")
    return financing


def figure_named(name: str) -> Figure:
    """The figure that is called so. Raises InvalidInput for any other name."""
    try:
        return Figure(name)
    except ValueError:
        message = f"{name[:40]!r} is nothing to choose by"
        raise InvalidInput(message, advice=f"Choose by {', '.join(Figure)}.") from None
