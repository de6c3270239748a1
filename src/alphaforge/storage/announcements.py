"""PostgreSQL's word for every commit: which table changed, sent to all processes when the change becomes visible.

Triggers send it, so that it is part of the transaction and no writer can forget it: a process that dies after its
commit has told everybody, one that dies before has told nobody, and the predecessor or a hand at psql tell as well.
These statements belong to migrations 0003 and 0005 and to a fresh database alike; a change here is a new migration.
"""

CHANNEL = "alphaforge_changes"
_FUNCTION = "alphaforge_announce"
NOUNS = ("trading_signals", "journal_entries", "rejections", "candles", "trade_results", "app_settings")
LATER_NOUNS = ("jobs", "events")
"""Those of migration 0005."""


def create_statements() -> list[str]:
    """What announces the first nouns. What a transaction does to a table several times is said once."""
    return [
        f"""CREATE FUNCTION {_FUNCTION}() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        PERFORM pg_notify('{CHANNEL}', TG_TABLE_NAME || ' ' || txid_current());
        RETURN NULL;
    END $$""",
        *trigger_statements(NOUNS),
    ]


def trigger_statements(nouns: tuple[str, ...]) -> list[str]:
    """What announces further nouns, where the function is there already."""
    return [
        f"""CREATE TRIGGER {_FUNCTION} AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON {noun}
    FOR EACH STATEMENT EXECUTE FUNCTION {_FUNCTION}()"""
        for noun in nouns
    ]


def drop_statements() -> list[str]:
    """Take the first ones away, before the tables go; the others go with their tables."""
    return [*(f"DROP TRIGGER {_FUNCTION} ON {noun}" for noun in NOUNS), f"DROP FUNCTION {_FUNCTION}()"]
