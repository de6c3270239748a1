"""The signal that an entry follows: it has to be there, and to be of the entry's instrument."""

from collections.abc import Collection, Sequence

from alphaforge.api.journal_body import Row
from alphaforge.api.rows import Fault, complain, fault
from alphaforge.api.signal_body import instrument_of
from alphaforge.core.errors import InvalidInput
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.journal import NewEntry
from alphaforge.storage.signals import SignalRepository

Named = tuple[int | None, str]
"""The signal that an entry names, and the symbol of the entry."""


def follows_anew(changed: Collection[str]) -> bool:
    """Whether changes to these fields of an entry have to do with the signal that it follows."""
    return "signal_id" in changed or "symbol" in changed


async def check_followed(connection: AsyncConnection, entry: Row) -> None:
    """Raise InvalidInput saying why an entry cannot follow the signal that it names."""
    for _, why in await _misfits(connection, [(entry["signal_id"], entry["symbol"])]):
        raise InvalidInput(why, advice="GET /api/signals lists them; a trade without a signal names none.")


async def check_new(connection: AsyncConnection, entries: Sequence[NewEntry]) -> None:
    """The same for many, naming each row in the InvalidRows that is raised."""
    complain(await followed_faults(connection, [(one.signal_id, one.symbol) for one in entries]), len(entries))


async def followed_faults(connection: AsyncConnection, entries: Sequence[Named]) -> list[Fault]:
    """What is wrong with the signals that many entries name, by row."""
    return [fault(number, ("signal_id",), why) for number, why in await _misfits(connection, entries)]


async def _misfits(connection: AsyncConnection, entries: Sequence[Named]) -> list[tuple[int, str]]:
    """The places of entries that name a signal which they cannot follow, and why.

    A symbol that is no instrument of any broker says nothing about the signal, and is let pass.
    """
    ids = {named for named, _ in entries if named is not None}
    there = await SignalRepository(connection).symbols(ids) if ids else {}
    found = []
    for number, (named, symbol) in enumerate(entries):
        if named is None:
            continue
        if named not in there:
            found.append((number, f"There is no signal {named}"))
            continue
        of_signal, of_entry = instrument_of(there[named]), instrument_of(symbol)
        if None not in (of_signal, of_entry) and of_signal != of_entry:
            found.append((number, f"Signal {named} is of {of_signal}, and the entry of {of_entry}"))
    return found
