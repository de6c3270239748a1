"""The track record as it is answered: figures, parts, calibration, followers, and what they support in a sentence."""

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from alphaforge.api.encoding import stored_time
from alphaforge.api.signal_body import instrument_of
from alphaforge.signals.model import Direction, Status
from alphaforge.statistics.breakdown import group_figures
from alphaforge.statistics.calendar import SESSIONS, WEEKDAYS, day_name, hours, month_name, months, sessions, weekdays
from alphaforge.statistics.calibration import EDGES, Calibration, calibration
from alphaforge.statistics.days import Days, summarised, summarised_by
from alphaforge.statistics.distribution import distribution
from alphaforge.statistics.equity import equity
from alphaforge.statistics.figures import figures_of, plain
from alphaforge.statistics.following import MINIMUM, Signalled, Taken, following_of
from alphaforge.statistics.sections import Estimate
from alphaforge.statistics.trades import ResultClass, Trades
from alphaforge.storage.signal_results import SETTLED, Followers, Maker, Others, Settled, Whose

FEWEST = 30
"""Settled signals below which nothing is said: a share of 30 is known to about 18 points."""

_Labelled = tuple[npt.NDArray[np.integer], Sequence[str]]
"""The label of each signal by its position, -1 for none, and the labels in their order."""
_CLASSES = np.array([ResultClass.WIN, ResultClass.LOSS, ResultClass.EXPIRED], np.int8)
"""What each of SETTLED counts as."""
_OPEN = (Status.PENDING, Status.ACTIVE)
_HOURS = tuple(f"{hour:02d}:00" for hour in range(24))
_BUCKETS = tuple(f"{low}\u2013{high}" for low, high in pairwise(EDGES))
_MOST_CONFIDENT = 100.0


def record_body(
    whose: Whose, settled: Settled, others: Sequence[Others], followers: Followers, *, simulated: bool | None
) -> dict[str, Any]:
    """The answer. `simulated`: whether the market's prices are invented, None where only its signals can tell."""
    trades = _trades(settled)
    days = summarised(trades)
    figures = figures_of(days)
    invented = _invented(settled) if len(settled) else simulated
    open_now, left_out = _left_out(whose, others)
    status = Counter(SETTLED[code].lower() for code in settled.status.tolist())
    return {
        "source": whose.source or str(whose.maker),
        "strategy": str(whose.maker) if whose.maker is Maker.HAND else whose.strategy,
        "instrument": whose.instrument,
        "simulated": invented,
        "since": stored_time(float(settled.opened.min())) if len(settled) else None,
        "until": stored_time(float(settled.opened.max())) if len(settled) else None,
        "supports": sentence(figures.money.profit_factor, len(settled), simulated=bool(invented)),
        "signals": {
            "settled": len(settled),
            **{one.lower(): status[one.lower()] for one in SETTLED},
            "open": open_now,
            "ambiguous": int(settled.ambiguous.sum()),
            "said_by_hand": int(settled.said.sum()),
        },
        "left_out": left_out,
        "unit": "R",
        "statistics": plain(figures),
        "equity": _equity(days),
        "distribution": [plain(one) for one in distribution(trades.r)],
        "breakdown": _parts(settled, trades),
        "calibration": _calibrated(calibration(trades, _scores(settled))),
        "following": _following(whose, settled, followers),
    }


def _invented(settled: Settled) -> bool | None:
    """Whether prices were invented: those of any signal are enough; None where nothing tells."""
    if (settled.simulated > 0).any():
        return True
    return None if (settled.simulated < 0).any() else False


def sentence(profit_factor: Estimate, count: int, *, simulated: bool) -> str:
    """What so many settled signals with this profit factor support, and no more."""
    said = _said(profit_factor, count)
    return f"On invented prices, which say nothing of a market: {said}" if simulated and count else said


def _said(factor: Estimate, count: int) -> str:
    if not count:
        return "No settled signal: nothing to judge."
    if count < FEWEST:
        return f"{count} settled signals: too few to say anything."
    if factor.low is None or factor.high is None:
        return f"{count:,} settled signals: no edge shown, for their profit factor has no interval."
    numbers = f"profit factor {factor.value:.2f}, with 95 % confidence between {factor.low:.2f} and {factor.high:.2f}"
    if factor.high < 1:
        return f"{count:,} settled signals lost more than they won: {numbers}."
    if factor.low > 1:
        return f"{count:,} settled signals won more than they lost: {numbers}. That is their past, and no promise."
    return f"{count:,} settled signals: no edge shown. Their {numbers}, includes 1."


def _trades(settled: Settled) -> Trades:
    """Signals as trades of one R each: what they brought is their R-multiple, after the spread."""
    return Trades(
        opened=settled.opened,
        closed=settled.closed,
        amount=settled.r,
        cost=settled.cost,
        r=settled.r,
        pips=settled.pips,
        mae=settled.mae,
        mfe=settled.mfe,
        result=_CLASSES[settled.status],
    )


def _scores(settled: Settled) -> npt.NDArray[np.float64]:
    """The confidence that is one: the predecessor's column takes any number."""
    score = settled.confidence
    return np.where((score >= 0) & (score <= _MOST_CONFIDENT), score, np.nan)


def _parts(settled: Settled, trades: Trades) -> dict[str, list[dict[str, Any]]]:
    """For each kind of part those that have signals; sessions, hours, weekdays and months are the signal's own."""
    at, score = settled.opened, _scores(settled)
    month = months(at)
    first, last = (int(month.min()), int(month.max())) if len(month) else (0, -1)
    bucket = np.where(np.isnan(score), -1, np.minimum(np.nan_to_num(score) // EDGES[1], len(_BUCKETS) - 1))
    codes: dict[str, _Labelled] = {
        "instrument": (settled.instrument, settled.instruments),
        "side": (np.array([-1, 0, 1])[settled.side], (Direction.BUY.value, Direction.SELL.value)),
        "regime": (settled.regime, settled.regimes),
        "session": (sessions(at), SESSIONS),
        "hour": (hours(at), _HOURS),
        "weekday": (weekdays(at), WEEKDAYS),
        "month": (month - first, [month_name(number) for number in range(first, last + 1)]),
        "confidence": (bucket.astype(np.int64), _BUCKETS),
    }
    return _grouped(trades, codes)


def _equity(days: Days) -> dict[str, Any]:
    """R added up by trading day; days on which nothing settled are left out."""
    account = equity(days)
    return {
        "days": [day_name(day) for day in days.day.tolist()],
        "r": account.equity[1:].tolist(),
        "drawdown": account.drawdown[1:].tolist(),
    }


def _grouped(trades: Trades, codes: Mapping[str, _Labelled]) -> dict[str, list[dict[str, Any]]]:
    """The figures by kind and label, those without a label last; the days of all groups are made at once."""
    places, firsts, after = list[npt.NDArray[np.int64]](), dict[str, int](), 0
    for kind, (code, labels) in codes.items():
        places.append(after + np.where(code < 0, len(labels), code).astype(np.int64))
        firsts[kind] = after
        after += len(labels) + 1
    days = summarised_by(trades, np.concatenate(places), np.tile(np.arange(len(trades)), len(codes)))
    return {
        kind: [
            {"key": label, **plain(group_figures(days[place]))}
            for place, label in enumerate((*labels, None), firsts[kind])
            if place in days
        ]
        for kind, (_, labels) in codes.items()
    }


def _calibrated(found: Calibration) -> dict[str, Any]:
    return {
        "buckets": [plain(bucket) for bucket in found.buckets],
        "known": found.known,
        "rank_correlation": plain(found.rank_correlation),
    }


def _following(whose: Whose, settled: Settled, followers: Followers) -> dict[str, Any]:
    signalled = Signalled(settled.id, settled.opened, settled.side, settled.r, settled.pips)
    # a symbol that is no instrument follows any signal, and its price means nothing beside the signal's
    known = np.array([instrument_of(symbol) is not None for symbol in followers.symbol], np.bool_)
    taken = Taken(
        signal=followers.signal,
        opened=followers.opened,
        side=followers.side,
        price=np.where(known, followers.price, np.nan),
        r=followers.r,
        entry=followers.entry,
        stop=followers.stop,
    )
    found = following_of(signalled, taken, whose.start)
    return plain(found) | {"since": stored_time(found.since), "minimum": MINIMUM}


_MEANS = {
    "other_market": "signals of another market; ask with `source`",
    "predecessor": "signals that the predecessor left; ask with `source=predecessor`",
    "made_by_hand": "signals made by hand; ask with `strategy=manual`",
    "other_strategy": "signals of another strategy; ask with `strategy`",
    "other_prices": "signals on prices of the other kind, invented or real",
    "said_by_hand": "the outcome was said by hand; no candle decided it",
    "unseen": "ended without a known result: no candles, no exit price, or no stop",
    "withdrawn": "closed or cancelled by hand before an outcome",
}
"""Why signals are in no figure."""


def _left_out(whose: Whose, others: Sequence[Others]) -> tuple[int, list[dict[str, Any]]]:
    """How many are open, and how many of which are in no figure, and why."""
    counts, open_now = Counter[tuple[str, str | None, str | None]](), 0
    for one in others:
        why = _why(whose, one)
        if why is None:
            open_now += one.count
        elif why:
            counts[why, one.source, one.strategy] += one.count
    rows = sorted(counts.items(), key=lambda item: tuple(map(str, item[0])))
    keys = ("reason", "source", "strategy")
    return open_now, [
        {**dict(zip(keys, key, strict=True)), "signals": count, "means": _MEANS[key[0]]} for key, count in rows
    ]


def _why(whose: Whose, one: Others) -> str | None:
    """Why signals are left out; None: they are open and would be in; empty: they are open and somebody else's."""
    foreign = _foreign(whose, one)
    if one.status in _OPEN:
        return "" if foreign else None
    if foreign:
        return foreign
    if one.status not in SETTLED:
        return "withdrawn"
    return "said_by_hand" if one.known else "unseen"


def _foreign(whose: Whose, one: Others) -> str:
    """What makes signals somebody else's; empty: nothing does."""
    maker = Maker.PREDECESSOR if one.origin is None else Maker(one.origin)
    if maker is Maker.PREDECESSOR and whose.maker is not maker:
        return "predecessor"
    if maker is not Maker.PREDECESSOR and one.source != whose.source:
        return "other_market"
    if maker is not whose.maker:
        return "made_by_hand" if maker is Maker.HAND else "other_strategy"
    if whose.strategy is not None and one.strategy != whose.strategy:
        return "other_strategy"
    if whose.simulated is not None and one.simulated is not whose.simulated:
        return "other_prices"
    return ""
