"""The journal's running totals, kept by the database itself.

Statistics over 500,000 trades must cost what they cost over 500, and the predecessor, which may write to the same
tables, knows nothing of totals: so triggers keep them. Sums are whole millionths: adding and taking away floats
would drift, whole numbers come back to where they were. Amounts of 10^12 and more count as none (no trade has them,
and they would overflow the sum).

These statements belong to migration 0002 and to a fresh database alike; a change here is a new migration.
"""

_AMOUNTS = {"pnl": "profit_loss", "pips": "pips", "r_sum": "r_value"}
COUNTS = ("trades", "wins", "losses", "r_count")
SUMS = tuple(_AMOUNTS)
MILLIONTHS = 1_000_000


def create_statements(dialect: str) -> list[str]:
    """Triggers, and the totals of what is there already; the table itself is `tables.journal_totals`."""
    return [*(_SQLITE if dialect == "sqlite" else _POSTGRESQL), _recount(dialect)]


def recount_statements(dialect: str) -> list[str]:
    """Count everything again, for when rows came without the triggers."""
    return ["DELETE FROM journal_totals", _recount(dialect)]


def counted_statement(dialect: str, before: str = "") -> str:
    """The totals as the entries have them now, counts before sums."""
    sums = ", ".join(f"COALESCE(SUM({value}), 0)" for value in _values(dialect, "e").values())
    return f"SELECT {before}{sums} FROM journal_entries e"  # noqa: S608 - names of this module only


def kept_statement() -> str:
    """The totals as the triggers have kept them, in the same order."""
    return f"SELECT {', '.join((*COUNTS, *SUMS))} FROM journal_totals"  # noqa: S608 - names of this module only


def drop_statements(dialect: str) -> list[str]:
    """Take the triggers away, before the table goes."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER journal_totals_{event}" for event in ("insert", "delete", "update")]
    return [
        "DROP TRIGGER journal_totals_rows ON journal_entries",
        "DROP TRIGGER journal_totals_truncate ON journal_entries",
        "DROP FUNCTION journal_totals_rows()",
        "DROP FUNCTION journal_totals_truncate()",
    ]


def sums_statement() -> str:
    """The totals over the entries with these `:ids`, an array as PostgreSQL has it."""
    sums = ", ".join(f"COALESCE(SUM({value}), 0) AS {total}" for total, value in _values("postgresql", "e").items())
    return f"SELECT {sums} FROM journal_entries e WHERE e.id = ANY(CAST(:ids AS integer[]))"  # noqa: S608 - names of this module only


def _values(dialect: str, row: str) -> dict[str, str]:
    """What one row adds to each total."""
    whole = "CAST(ROUND({x} * 1000000) AS INTEGER)" if dialect == "sqlite" else "ROUND(({x} * 1000000)::numeric)"

    def amount(column: str) -> str:
        x = f"{row}.{column}"
        return f"CASE WHEN ABS({x}) < 1e12 THEN {whole.format(x=x)} ELSE 0 END"

    return {
        "trades": "1",
        "wins": f"CASE WHEN {row}.outcome = 'WIN' THEN 1 ELSE 0 END",
        "losses": f"CASE WHEN {row}.outcome = 'LOSS' THEN 1 ELSE 0 END",
        # the predecessor's mean R leaves out trades that ended at exactly zero, and its clients show that number
        "r_count": f"CASE WHEN ABS({row}.r_value) < 1e12 AND {row}.r_value <> 0 THEN 1 ELSE 0 END",
        **{total: amount(column) for total, column in _AMOUNTS.items()},
    }


def _change(dialect: str, row: str, sign: str) -> str:
    steps = ", ".join(f"{total} = {total} {sign} ({value})" for total, value in _values(dialect, row).items())
    return f"UPDATE journal_totals SET {steps} WHERE id = 1;"  # noqa: S608 - names of this module only


def _recount(dialect: str) -> str:
    return f"INSERT INTO journal_totals (id, {', '.join((*COUNTS, *SUMS))}) {counted_statement(dialect, '1, ')}"


_COUNTED = "outcome, profit_loss, pips, r_value"
_ZEROS = ", ".join(f"{name} = 0" for name in (*COUNTS, *SUMS))
_SQLITE = [
    f"CREATE TRIGGER journal_totals_insert AFTER INSERT ON journal_entries BEGIN {_change('sqlite', 'NEW', '+')} END",
    f"CREATE TRIGGER journal_totals_delete AFTER DELETE ON journal_entries BEGIN {_change('sqlite', 'OLD', '-')} END",
    f"""CREATE TRIGGER journal_totals_update AFTER UPDATE OF {_COUNTED} ON journal_entries BEGIN
        {_change("sqlite", "OLD", "-")}
        {_change("sqlite", "NEW", "+")}
    END""",
]
_POSTGRESQL = [
    f"""CREATE FUNCTION journal_totals_rows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP <> 'INSERT' THEN {_change("postgresql", "OLD", "-")} END IF;
        IF TG_OP <> 'DELETE' THEN {_change("postgresql", "NEW", "+")} END IF;
        RETURN NULL;
    END $$""",
    f"""CREATE TRIGGER journal_totals_rows AFTER INSERT OR DELETE OR UPDATE OF {_COUNTED} ON journal_entries
    FOR EACH ROW EXECUTE FUNCTION journal_totals_rows()""",
    f"""CREATE FUNCTION journal_totals_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE journal_totals SET {_ZEROS} WHERE id = 1;
        RETURN NULL;
    END $$""",  # noqa: S608 - names of this module only
    """CREATE TRIGGER journal_totals_truncate AFTER TRUNCATE ON journal_entries
    FOR EACH STATEMENT EXECUTE FUNCTION journal_totals_truncate()""",
]
