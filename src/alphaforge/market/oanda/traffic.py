"""What went over the wire, counted."""

from dataclasses import dataclass


@dataclass(slots=True)
class Traffic:
    """Counts since the client was made.

    `last_answer` is the monotonic moment of the last good answer, `last_error` what went wrong since, empty where
    nothing did, and `refused` whether that was the token.

    `refused_prices` were NaN, crossed or otherwise no price; `stale_prices` were duplicates or out of order.
    """

    requests: int = 0
    errors: int = 0
    retries: int = 0
    connections: int = 0
    bytes_received: int = 0
    last_answer: float | None = None
    last_error: str = ""
    refused: bool = False
    prices: int = 0
    heartbeats: int = 0
    bad_lines: int = 0
    refused_prices: int = 0
    stale_prices: int = 0
    future_prices: int = 0
