"""The same figures by group: instrument, side, session, hour, setup, tag, whatever a trade has a word for."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from alphaforge.core.candles import Ints
from alphaforge.core.errors import InvalidInput
from alphaforge.statistics import results
from alphaforge.statistics.days import Days, summarised
from alphaforge.statistics.estimates import edges
from alphaforge.statistics.sections import Estimate
from alphaforge.statistics.trades import Trades


@dataclass(frozen=True, slots=True)
class GroupFigures:
    """The figures that groups are compared by; names and definitions as in `Figures`."""

    trades: int
    wins: int
    losses: int
    breakevens: int
    expired: int
    win_rate: Estimate
    net: float | None
    pips: float | None
    expectancy: Estimate
    expectancy_r: Estimate
    profit_factor: Estimate
    no_losses: bool
    mean_seconds: Estimate


@dataclass(frozen=True, slots=True)
class Group:
    """The trades of one key; None: those that have none."""

    key: str | None
    figures: GroupFigures


def by(trades: Trades, keys: Sequence[str | None]) -> list[Group]:
    """The groups of these keys, one a trade, sorted; trades without a key are the last group, of key None."""
    return by_several(trades, [() if key is None else (key,) for key in keys])


def by_several(trades: Trades, keys: Sequence[Iterable[str]]) -> list[Group]:
    """The same where a trade may have several keys, as tags: it counts in each of their groups, once in each."""
    _same_length(trades, len(keys))
    members: dict[str | None, list[int]] = {}
    for position, several in enumerate(keys):
        for key in dict.fromkeys(several) or (None,):
            members.setdefault(key, []).append(position)
    order = sorted(members, key=lambda key: (key is None, key or ""))
    return [Group(key, _figures(trades, np.array(members[key], np.int64))) for key in order]


def by_codes(trades: Trades, codes: npt.NDArray[np.integer], labels: Sequence[str]) -> list[Group]:
    """The groups of codes (integers, (n,)), positions in `labels` and in their order; -1: no key.

    Groups without a trade are left out. Raises InvalidInput for a code that has no label.
    """
    _same_length(trades, len(codes))
    if len(codes) and not -1 <= codes.min() <= codes.max() < len(labels):
        message = f"Codes from {codes.min()} to {codes.max()} for {len(labels)} labels"
        raise InvalidInput(message)
    order = np.argsort(codes, kind="stable")
    ends = np.searchsorted(codes[order], np.arange(-1, len(labels)), side="right")
    starts = np.concatenate(([0], ends[:-1]))
    parts = zip((None, *labels), starts, ends, strict=True)
    groups = [Group(key, _figures(trades, order[start:end])) for key, start, end in parts if end > start]
    return [*groups[1:], groups[0]] if groups and groups[0].key is None else groups


def group_figures(days: Days) -> GroupFigures:
    """The figures of a group from its own days."""
    totals = results.totals_of(days)
    money, multiples = edges(days)
    trades, known = int(totals["trades"]), int(totals["amounts"])
    pips, multiples_known = totals["pips_known"], int(totals["rs"])
    return GroupFigures(
        trades=trades,
        wins=int(totals["wins"]),
        losses=int(totals["losses"]),
        breakevens=int(totals["breakevens"]),
        expired=int(totals["expired"]),
        win_rate=results.share(int(totals["wins"]), int(totals["wins"] + totals["losses"])),
        net=totals["amount"] if known else None,
        pips=totals["pips"] if pips else None,
        expectancy=Estimate(results.ratio(totals["amount"], known), known, *money.expectancy),
        expectancy_r=Estimate(results.ratio(totals["r"], multiples_known), multiples_known, *multiples.expectancy),
        profit_factor=results.profit_factor(totals["profit"], totals["shortfall"], known, money),
        no_losses=bool(totals["profit"] > 0 and not totals["shortfall"]),
        mean_seconds=Estimate(results.ratio(totals["holding"], trades), trades),
    )


def _figures(trades: Trades, positions: Ints) -> GroupFigures:
    return group_figures(summarised(trades.where(positions)))


def _same_length(trades: Trades, count: int) -> None:
    if count != len(trades):
        message = f"{count} keys for {len(trades)} trades"
        raise InvalidInput(message)
