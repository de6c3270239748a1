"""The three standard streams, as a shell, a service or a closed pipe leaves them."""

import os
import sys


def complete_streams() -> None:
    """Put nothing in the place of each standard stream that is closed.

    Else the first file or connection that is opened gets its number, and what is written to the stream goes into it.
    """
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest number that is free: this one
    if sys.stdout is None:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - for as long as the process lives
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - the same


def silence_output() -> None:
    """Let what is still to be written go nowhere: whoever read us has left."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
