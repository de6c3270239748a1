"""The book as the database knows it: what a decision depends on beside candles, found again after any end."""

from alphaforge.signals.desk import Book
from alphaforge.storage.rejections import RejectionRepository
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.desk import Desk, HeldBook

NOUN = "trading_signals"
RESULTS = "trade_results"
_WATCHED = "app_settings"
"""Which instruments are watched: the book has the results of these."""


async def load_book(desk: Desk) -> HeldBook:
    """The book of the market that the desk looks at: simulated and real signals know nothing of each other.

    It is read again whenever a commit may have changed it. The newest evaluated candles are read once where no other
    process evaluates. To be called while `desk.deciding` is held.
    """
    commits = desk.database.commits
    nouns = (NOUN, RESULTS, _WATCHED, "rejections") if desk.database.is_shared else (NOUN, RESULTS, _WATCHED)
    source, generation = desk.source.name, sum(commits.generation(noun) for noun in nouns)
    if desk.held is not None and (desk.held.source, desk.held.generation) == (source, generation):
        return desk.held
    async with desk.database.read() as connection:
        signals = SignalRepository(connection)
        if desk.evaluated_in != source or desk.database.is_shared:
            desk.evaluated = await RejectionRepository(connection).last_evaluated(source, desk.names)
            desk.evaluated_in = source
        book = Book(
            settings=desk.strategy,
            last_signal_at=await signals.last_signal_times(source=source),
            results=await signals.results(source, desk.names, desk.strategy.kelly_results),
        )
        book.hold(await signals.open_signals(own_only=True, source=source))
    return HeldBook(book, source, generation)


def followed(held: HeldBook) -> HeldBook:
    """The same book after a commit of one's own that it has followed; anybody else's in between makes it outdated."""
    return HeldBook(held.book, held.source, held.generation + 1)
