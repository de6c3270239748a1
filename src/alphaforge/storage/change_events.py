"""What happened to signals and evaluations, written down by the database in the very transaction in which it happens.

Triggers do it, so that no writer can forget: a hand at psql, the predecessor, a bulk import. On PostgreSQL an event
gets its number only while no other transaction has a number that is not committed yet (the lock of `LOCK`), so that
whoever has read up to a number has missed nothing below it. Transactions of ours that will make events take the lock
first, before any row: two of them can then not wait for one another.

These statements belong to migration 0005 and to a fresh database alike; a change here is a new migration.
"""

EVENTFUL = frozenset({"trading_signals", "rejections", "candles"})
"""The nouns whose changes are events. Candles are told by the one who stores them, see storage/candles.py."""

LOCK = "SELECT pg_advisory_xact_lock(4701201906)"
_OPEN = "('PENDING', 'ACTIVE')"
_NOW = "(julianday('now') - 2440587.5) * 86400.0"


def create_statements(dialect: str) -> list[str]:
    """The triggers; the table itself is `tables.events`."""
    return _SQLITE if dialect == "sqlite" else _POSTGRESQL


def drop_statements(dialect: str) -> list[str]:
    """Take the triggers away, before the table goes."""
    if dialect == "sqlite":
        return [f"DROP TRIGGER {name}" for name in ("events_signal", "events_outcome", "events_rejection")]
    return [
        "DROP TRIGGER events_signal ON trading_signals",
        "DROP TRIGGER events_outcome ON trading_signals",
        "DROP TRIGGER events_rejection ON rejections",
        "DROP FUNCTION alphaforge_event()",
    ]


def _written(kind: str) -> str:
    values = f"{_NOW}, {kind}, NEW.instrument, NEW.id"
    return f"BEGIN INSERT INTO events (at, kind, instrument, ref) VALUES ({values}); END"  # noqa: S608 - names of this module only


_CHANGED = f"CASE WHEN NEW.status IN {_OPEN} THEN 'signal' ELSE 'outcome' END"
_SQLITE = [
    "CREATE TRIGGER events_signal AFTER INSERT ON trading_signals " + _written("'signal'"),
    "CREATE TRIGGER events_outcome AFTER UPDATE OF status ON trading_signals WHEN OLD.status <> NEW.status "
    + _written(_CHANGED),
    "CREATE TRIGGER events_rejection AFTER INSERT ON rejections " + _written("'rejection'"),
]
_POSTGRESQL = [
    f"""CREATE FUNCTION alphaforge_event() RETURNS trigger LANGUAGE plpgsql AS $$
    DECLARE
        what text := TG_ARGV[0];
    BEGIN
        IF what = 'outcome' THEN
            IF OLD.status = NEW.status THEN RETURN NULL; END IF;
            IF NEW.status::text IN {_OPEN} THEN what := 'signal'; END IF;
        END IF;
        PERFORM pg_advisory_xact_lock(4701201906);
        INSERT INTO events (at, kind, instrument, ref)
        VALUES (extract(epoch FROM clock_timestamp()), what, NEW.instrument, NEW.id);
        RETURN NULL;
    END $$""",  # noqa: S608 - names of this module only
    """CREATE TRIGGER events_signal AFTER INSERT ON trading_signals
    FOR EACH ROW EXECUTE FUNCTION alphaforge_event('signal')""",
    """CREATE TRIGGER events_outcome AFTER UPDATE OF status ON trading_signals
    FOR EACH ROW EXECUTE FUNCTION alphaforge_event('outcome')""",
    """CREATE TRIGGER events_rejection AFTER INSERT ON rejections
    FOR EACH ROW EXECUTE FUNCTION alphaforge_event('rejection')""",
]
