"""What is true of a database at work and not of its copy: put right before a restored one is handed over."""

from sqlalchemy import Connection, delete, update

from alphaforge.storage.jobs import QUEUED, RUNNING
from alphaforge.storage.work_tables import jobs, leases


def begin_anew(connection: Connection) -> None:
    """Forget who led, and let the jobs that somebody was at be done again: nobody here is at them."""
    connection.execute(delete(leases))
    given_up = {"status": QUEUED, "holder": None, "held_until": None}
    connection.execute(update(jobs).where(jobs.c.status == RUNNING).values(given_up))
