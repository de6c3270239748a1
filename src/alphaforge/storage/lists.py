"""The lists that are served page by page, and what they can be restricted to: each of them by an index."""

from sqlalchemy import and_, bindparam, func, literal, literal_column, select

from alphaforge.storage.listing import Listing
from alphaforge.storage.tables import journal, rejections, signals
from alphaforge.storage.types import Moment

_s, _j, _r = signals.c, journal.c, rejections.c

SIGNAL_COLUMNS = tuple(str(column.name) for column in signals.columns if column.name != "decision")
"""What a signal is shown with unless told otherwise: all but the trace of its decision."""

ENTRY_COLUMNS = tuple(str(column.name) for column in journal.columns)
PICTURES = ("screenshot_entry", "screenshot_exit", "screenshot_analysis")
REJECTION_COLUMNS = tuple(str(column.name) for column in rejections.columns if column.name != "decision")

EPOCHS_OF_SIGNALS = ("candle_time", "expires_at")
"""Columns of epoch seconds."""

_OF_SIGNALS = {
    "status": _s.status,
    "instrument": _s.instrument,
    "direction": _s.direction,
    "start": _s.timestamp >= bindparam("start_0", type_=Moment()),
    "end": _s.timestamp < bindparam("end_0", type_=Moment()),
    "min_confidence": _s.confidence_score >= bindparam("min_confidence_0", type_=_s.confidence_score.type),
    "origin": _s.origin,
    "source": _s.source,
}
SIGNAL_LIST = Listing(signals, "timestamp", _OF_SIGNALS, epochs=EPOCHS_OF_SIGNALS)
"""Newest first. Values as `SignalCriteria.values` has them."""

OLDEST_SIGNALS = Listing(signals, "timestamp", _OF_SIGNALS, epochs=EPOCHS_OF_SIGNALS, newest_first=False)
"""The same, oldest first: the indexes are read from their other end."""

_closing = journal.alias("closing").c
_tags = literal(",") + func.replace(func.coalesce(_j.tags, ""), ", ", ",") + literal(",")

JOURNAL_LIST = Listing(
    journal,
    "open_time",
    {
        "symbol": _j.symbol,
        "trade_type": _j.trade_type,
        "outcome": _j.outcome,
        "session": _j.session,
        "start": _j.open_time >= bindparam("start_0", type_=Moment()),
        "end": _j.open_time < bindparam("end_0", type_=Moment()),
        # found by the index on the closing, which no order by the opening would make use of
        "closed": _j.id.in_(
            select(_closing.id)
            .where(
                _closing.close_time >= bindparam("closed_0", type_=Moment()),
                _closing.close_time < bindparam("closed_1", type_=Moment()),
            )
            .offset(literal_column("0"))  # PostgreSQL would make one question of both
        ),
        "signal_id": _j.signal_id,
        "setup": func.lower(_j.trade_setup) == func.lower(bindparam("setup_0", type_=_j.trade_setup.type)),
        "tag": and_(
            # what is nowhere in the text need not be looked for among tags: that costs several times as much
            func.lower(_j.tags).like(func.lower(bindparam("tag_1", type_=_j.tags.type)), escape="\\"),
            func.lower(_tags).like(func.lower(bindparam("tag_0", type_=_j.tags.type)), escape="\\"),
        ),
    },
)
"""Newest first. A tag is looked for among those that commas part, as `tag_patterns` writes it."""

DAY_OF_REJECTIONS = Listing(
    rejections,
    "decided_at",
    {
        "instrument": _r.instrument,
        "start": _r.decided_at >= bindparam("start_0", type_=_r.decided_at.type),
        "end": _r.decided_at < bindparam("end_0", type_=_r.decided_at.type),
    },
    epochs=("decided_at", "candle_time"),
    newest_first=False,
)
"""Oldest first."""

EVALUATED_REJECTIONS = Listing(
    rejections, "candle_time", {"instrument": _r.instrument}, epochs=("decided_at", "candle_time")
)
"""By candle, newest first."""

EVALUATED_SIGNALS = Listing(
    signals,
    "candle_time",
    {"instrument": _s.instrument, "evaluated": _s.candle_time.is_not(None), "origin": _s.origin},
    epochs=("candle_time",),
)
"""Those of the strategy by candle, newest first."""


def tag_patterns(tag: str) -> tuple[str, str]:
    """What the journal's filter `tag` compares with: the tag between commas, and somewhere; nothing a wildcard."""
    for special in ("\\", "%", "_"):
        tag = tag.replace(special, f"\\{special}")
    return f"%,{tag},%", f"%{tag.partition(',')[0]}%"
