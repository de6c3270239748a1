"""What a status said by hand does to a signal."""

from typing import Any

from alphaforge.signals.model import Status
from alphaforge.storage.signal_values import OPEN, WORDS


def status_row(status: Status, *, exit_price: float | None, at: float) -> dict[str, Any]:
    """The columns that change. `exit_price` None: what is stored stays, where the signal ends.

    A status that ends it sets the exit time; one that opens it again takes the end away.
    """
    ended = status not in OPEN
    change: dict[str, Any] = {"status": status.value, "outcome": WORDS.get(status), "updated_at": at}
    change["exit_time"] = at if ended else None
    if exit_price is not None or not ended:
        change["exit_price"] = exit_price if ended else None
    return change
