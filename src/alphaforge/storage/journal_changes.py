"""Which days of the journal have changed, noted by the database itself.

Figures over the journal are made of one row a trading day, which every process keeps in memory. Whoever writes to the
journal, the predecessor and a hand at psql included, notes in the same transaction that the day a trade closed on has
changed: for each such day (UTC, since 1970) `journal_changes` has a version. A reader that knows another version reads
the trades of that day again, and of no other.

A version is one more than the last, or the clock in milliseconds where that is more: a database that was restored, or
put in the place of another, cannot by chance bear the versions that a process knows. Days stay when their last trade
goes, or a process would take the next one for what it knows.

PostgreSQL: the triggers see all rows of a statement at once and note each day once a transaction, since it keeps every
version of a row that a transaction makes (see journal_counting.py). The row of totals is locked before any day, and
days are taken in their order: of two transactions one waits, and none for one that waits for it.

These statements belong to migration 0007 and to a fresh database alike; a change here is a new migration.
"""

RESULT_COLUMNS = ("close_time", "open_time", "outcome", "profit_loss", "r_value", "pips", "mae", "mfe")
"""What figures are made from."""
_SQLITE_NOW = "CAST((julianday('now') - 2440587.5) * 86400000 AS INTEGER)"
_POSTGRESQL_NOW = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)"


def create_statements(dialect: str) -> list[str]:
    """Triggers, and the days that are there already; the table itself is `tables.journal_changes`."""
    return [*(_SQLITE if dialect == "sqlite" else _POSTGRESQL), _recount(dialect)]


def recount_statements(dialect: str) -> list[str]:
    """Note every day anew, for when rows came without the triggers."""
    return ["DELETE FROM journal_changes", _recount(dialect)]


def drop_statements(dialect: str) -> list[str]:
    """Take the triggers away, before the table goes."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER journal_changes_{event}" for event in ("insert", "delete", "update")]
    return [
        *(f"DROP TRIGGER journal_changes_{event} ON journal_entries" for event in (*_STATEMENTS, "truncate")),
        "DROP FUNCTION journal_changes_rows()",
        "DROP FUNCTION journal_changes_truncate()",
        "DROP FUNCTION journal_changes_note(integer[])",
    ]


def versions_statement(dialect: str) -> str:
    """One row: how many days there are, the sum of their versions, and `day,version,...` of the newest.

    Newest: of a version that is not below the one parameter. Who knows all up to that one, and with these comes to the
    same number and the same sum, knows all, for a version only grows; who comes to another sum asks from 0.
    """
    if dialect == "sqlite":
        of = "group_concat(CASE WHEN version >= ? THEN day || ',' || version END)"
    else:
        of = "string_agg(day || ',' || version, ',') FILTER (WHERE version >= $1)"
    return f"SELECT count(*), COALESCE(sum(version), 0), {of} FROM journal_changes"  # noqa: S608 - names of this module only


def unnoted_statement(dialect: str) -> str:
    """How many days there are of trades that `journal_changes` does not have."""
    there = "day IS NOT NULL AND day NOT IN (SELECT day FROM journal_changes)"
    return f"SELECT count(*) FROM ({_days(dialect)}) d WHERE {there}"  # noqa: S608 - names of this module only


def day_of(dialect: str, row: str) -> str:
    """The UTC day a trade closed on; NULL where it is not known, or no time."""
    closed = f"{row}.close_time"
    if dialect == "sqlite":  # a remainder below zero is of the day before
        seconds = f"CAST(strftime('%s', {closed}) AS INTEGER)"
        return f"({seconds} - (({seconds} % 86400) + 86400) % 86400) / 86400"
    return f"CASE WHEN isfinite({closed}) THEN CAST(floor(extract(epoch FROM {closed}) / 86400) AS integer) END"


def _recount(dialect: str) -> str:
    now = _SQLITE_NOW if dialect == "sqlite" else _POSTGRESQL_NOW
    noted = f"SELECT day, {now} FROM ({_days(dialect)}) d WHERE day IS NOT NULL"  # noqa: S608 - names of this module only
    return f"INSERT INTO journal_changes (day, version) {noted}"


def _days(dialect: str) -> str:
    return f"SELECT DISTINCT {day_of(dialect, 'e')} AS day FROM journal_entries e"  # noqa: S608 - names of this module only


def _noted(row: str) -> str:
    """In two statements: a clause for conflicts would give way to the one of the statement that fires the trigger."""
    day = day_of("sqlite", row)
    return f"""
        UPDATE journal_changes SET version = max(version + 1, {_SQLITE_NOW}) WHERE day = {day};
        INSERT INTO journal_changes (day, version) SELECT {day}, {_SQLITE_NOW}
        WHERE {day} IS NOT NULL AND NOT EXISTS (SELECT 1 FROM journal_changes WHERE day = {day});"""  # noqa: S608 - names of this module only


_SQLITE = [
    f"CREATE TRIGGER journal_changes_insert AFTER INSERT ON journal_entries BEGIN {_noted('NEW')} END",
    f"CREATE TRIGGER journal_changes_delete AFTER DELETE ON journal_entries BEGIN {_noted('OLD')} END",
    f"""CREATE TRIGGER journal_changes_update AFTER UPDATE OF id, {", ".join(RESULT_COLUMNS)} ON journal_entries
    BEGIN {_noted("OLD")} {_noted("NEW")} END""",
]

_STATEMENTS = {
    "insert": "NEW TABLE AS new_rows",
    "delete": "OLD TABLE AS old_rows",
    "update": "OLD TABLE AS old_rows NEW TABLE AS new_rows",
}


def _rows(which: str) -> str:
    return f"SELECT id, {', '.join(RESULT_COLUMNS)} FROM {which}_rows"  # noqa: S608 - names of this module only


def _note(rows: str) -> str:
    days = f"SELECT DISTINCT {day_of('postgresql', 'e')} AS day FROM ({rows}) e"  # noqa: S608 - the same
    return f"PERFORM journal_changes_note(ARRAY(SELECT day FROM ({days}) d WHERE day IS NOT NULL ORDER BY day));"  # noqa: S608 - the same


_DIFFERENT = f"({_rows('old')} EXCEPT {_rows('new')}) UNION ALL ({_rows('new')} EXCEPT {_rows('old')})"
_POSTGRESQL = [
    f"""CREATE FUNCTION journal_changes_note(days integer[]) RETURNS void LANGUAGE plpgsql AS $$
    BEGIN
        IF cardinality(days) = 0 THEN RETURN; END IF;
        PERFORM 1 FROM journal_totals FOR UPDATE;
        INSERT INTO journal_changes AS noted (day, version)
        SELECT day, {_POSTGRESQL_NOW} FROM unnest(days) AS day ORDER BY day
        ON CONFLICT (day) DO UPDATE SET version = greatest(noted.version + 1, excluded.version)
        WHERE noted.xmin <> pg_current_xact_id()::xid;
    END $$""",  # noqa: S608 - names of this module only
    f"""CREATE FUNCTION journal_changes_rows() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'INSERT' THEN {_note(_rows("new"))}
        ELSIF TG_OP = 'DELETE' THEN {_note(_rows("old"))}
        ELSE {_note(_DIFFERENT)} END IF;
        RETURN NULL;
    END $$""",
    *(
        f"""CREATE TRIGGER journal_changes_{event} AFTER {event.upper()} ON journal_entries REFERENCING {seen}
    FOR EACH STATEMENT EXECUTE FUNCTION journal_changes_rows()"""
        for event, seen in _STATEMENTS.items()
    ),
    f"""CREATE FUNCTION journal_changes_truncate() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        UPDATE journal_changes SET version = greatest(version + 1, {_POSTGRESQL_NOW});
        RETURN NULL;
    END $$""",  # noqa: S608 - names of this module only
    """CREATE TRIGGER journal_changes_truncate AFTER TRUNCATE ON journal_entries
    FOR EACH STATEMENT EXECUTE FUNCTION journal_changes_truncate()""",
]
