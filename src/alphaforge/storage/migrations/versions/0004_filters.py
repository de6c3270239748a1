"""Indexes of lists carry what the lists are filtered by: a rare value is then looked for in an index, not in the table.

A hundred signals above a confidence that hardly any has, or a rare tag among 500,000 entries, took half a second.
More indexes, one for every filter, would each cost every write a page; wider ones hardly cost anything, and serve
filters together.
"""

from alembic import op

revision = "0004_filters"
down_revision = "0003_answers"
branch_labels = None
depends_on = None

_ENTRIES = ("trade_type", "outcome", "session", "trade_setup", "tags")
_INDEXES = (
    (
        "ix_signals_newest",
        "trading_signals",
        ("timestamp", "id"),
        (
            *("status", "instrument", "direction", "confidence_score"),
            *("symbol", "actual_pnl", "pips_captured", "r_multiple"),
        ),
    ),
    (
        "ix_signals_of_status",
        "trading_signals",
        ("status", "timestamp", "id"),
        ("instrument", "direction", "confidence_score"),
    ),
    (
        "ix_signals_of_instrument",
        "trading_signals",
        ("instrument", "timestamp", "id"),
        ("status", "direction", "confidence_score"),
    ),
    ("ix_journal_newest", "journal_entries", ("open_time", "id"), ("symbol", *_ENTRIES)),
    ("ix_journal_of_symbol", "journal_entries", ("symbol", "open_time", "id"), _ENTRIES),
)


def upgrade() -> None:
    """Widen them."""
    for name, table, order, filtered in _INDEXES:
        op.drop_index(name, table)
        op.create_index(name, table, [*order, *filtered])


def downgrade() -> None:
    """Narrow them again."""
    for name, table, order, _ in reversed(_INDEXES):
        op.drop_index(name, table)
        op.create_index(name, table, list(order))
