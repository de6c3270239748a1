"""What is true of a database at work and not of its copy: put right before a restored one is handed over."""

from collections.abc import Collection

from sqlalchemy import Connection, delete, update

from alphaforge.storage import journal_changes, tables, totals
from alphaforge.storage.alerts import ALERT
from alphaforge.storage.jobs import CANCELLED, QUEUED, RUNNING, release_statement
from alphaforge.storage.work_tables import jobs, leases, performance_minutes, process_figures

_KEPT = {tables.journal_totals.name: totals, tables.journal_changes.name: journal_changes}


def begin_anew(connection: Connection) -> None:
    """Forget who led and what was measured, and let jobs that somebody was at be done again: nobody here is at them.

    But for alerts: what waited to be sent when the backup was taken has most likely been sent since.
    """
    for table in (leases, process_figures, performance_minutes):
        connection.execute(delete(table))
    unsent = (jobs.c.kind == ALERT) & jobs.c.status.in_((QUEUED, RUNNING))
    connection.execute(update(jobs).where(unsent).values(status=CANCELLED, holder=None, held_until=None))
    connection.execute(release_statement())


def recount_statements(dialect: str, there: Collection[str] = tuple(_KEPT)) -> list[str]:
    """Count anew what triggers keep, in those of its tables that are `there`: rows came without them."""
    return [one for name, kept in _KEPT.items() if name in there for one in kept.recount_statements(dialect)]
