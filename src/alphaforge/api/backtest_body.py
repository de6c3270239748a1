"""A backtest as the interface shows it."""

from enum import StrEnum
from typing import Any

from alphaforge.api.encoding import stored_time
from alphaforge.core.times import rfc3339
from alphaforge.storage.backtests import CANCELLED_WORDS, Backtest, Work
from alphaforge.storage.jobs import CANCELLED, FAILED, RUNNING

FORMATS = ("json", "html", "csv", "parquet")


class State(StrEnum):
    """How a backtest is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


def state_of(backtest: Backtest, work: Work) -> tuple[State, str | None]:
    """How it is, and why there is no report where there will be none: by its own word, else by its jobs'."""
    if backtest.finished_at is not None:
        if backtest.error is None:
            return State.DONE, None
        return (State.CANCELLED if backtest.error == CANCELLED_WORDS else State.FAILED), backtest.error
    if work.jobs.get(FAILED):
        return State.FAILED, work.error
    if work.jobs.get(CANCELLED):
        return State.CANCELLED, "One of its jobs was cancelled"
    if not work.jobs:
        return State.FAILED, "Its jobs are gone: they are kept for a week"
    return (State.RUNNING if work.jobs.get(RUNNING) or work.done else State.QUEUED), None


def listed_body(backtest: Backtest, work: Work) -> dict[str, Any]:
    """A backtest as the list has it."""
    state, error = state_of(backtest, work)
    asked, plan = backtest.asked, backtest.asked["plan"]
    total = asked["total"]
    done = total if state is State.DONE else work.done
    at = f"/api/backtests/{backtest.id}/report?format="
    return {
        "id": backtest.id,
        "status": state,
        "created_at": stored_time(backtest.created_at),
        "finished_at": stored_time(backtest.finished_at),
        "instruments": plan["instruments"],
        "source": asked["source"],
        "simulated": asked["simulated"],
        "from": rfc3339(plan["start"]),
        "to": rfc3339(plan["end"]),
        "kind": "walk_forward" if plan["folds"] else "grid" if plan["sweep"] else "single",
        "settings": plan["settings"],
        "grid": plan["sweep"],
        "progress": {"done": done, "total": total, "fraction": done / total},
        "summary": backtest.summary,
        "error": error,
        "reports": {form: at + form for form in FORMATS} if state is State.DONE else None,
    }


def backtest_body(backtest: Backtest, work: Work) -> dict[str, Any]:
    """A backtest with what was asked."""
    asked = {name: value for name, value in backtest.asked.items() if name not in ("total", "estimated_seconds")}
    return listed_body(backtest, work) | {
        "asked": asked,
        "estimated_seconds": backtest.asked["estimated_seconds"],
    }
