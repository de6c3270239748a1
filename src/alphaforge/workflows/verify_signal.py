"""Anyone can compute a signal again from the stored candles and see whether it says the same."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from alphaforge.core.errors import InvalidInput, NotFound
from alphaforge.signals.analysis import analyse_last
from alphaforge.signals.decision import decide
from alphaforge.signals.explain import decision_from_dict, differences
from alphaforge.signals.model import Decision
from alphaforge.signals.receipt import candles_hashed
from alphaforge.signals.settings import DEFAULT_SETTINGS, StrategySettings
from alphaforge.storage.candles import CandleRepository
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.store_evaluation import context_from_dict


@dataclass(frozen=True, slots=True)
class Verification:
    """What came of computing a signal again: nothing `differences` names means bit for bit the same."""

    stored: Decision
    differences: tuple[str, ...]

    @property
    def same(self) -> bool:
        """Whether the signal says what the candles say."""
        return not self.differences


async def verify_signal(
    database: Database, signal_id: int, settings: StrategySettings = DEFAULT_SETTINGS
) -> Verification:
    """Recompute a signal of the strategy from stored candles, by the desk's `settings`.

    Raises NotFound where there is no such signal, InvalidInput where it is none of the strategy's.
    """
    async with database.read() as connection:
        signals = SignalRepository(connection)
        row, plain = await signals.get(signal_id), await signals.decision_of(signal_id)
        if row is None:
            raise NotFound(f"There is no signal {signal_id}")
        if plain is None:
            raise InvalidInput(f"Signal {signal_id} was not made by the strategy, so there is nothing to compute again")
        stored = decision_from_dict(plain)
        count = candles_hashed(stored.candle_hash)
        candles = CandleRepository(connection, row["source"])
        series = await candles.newest(stored.instrument, count, until=stored.candle_time)
    if stored.settings_hash != settings.fingerprint():
        return Verification(stored, ("settings_hash: it was made by other settings of the strategy",))
    if len(series) < count or int(series.time[-1]) != stored.candle_time:
        return Verification(stored, (f"candles: {len(series)} of the {count} that it saw are stored",))
    context = context_from_dict(plain["context"], stored.instrument, stored.as_of)
    again = decide(analyse_last(series, settings), -1, context)
    return Verification(stored, (*differences(stored, again), *_changed_since(row, stored)))


def _changed_since(row: Mapping[str, Any], stored: Decision) -> tuple[str, ...]:
    """What the signal shows that is not what was decided: its levels can be changed after the fact."""
    levels = stored.levels
    if levels is None:
        return ("levels: a signal has some",)
    decided = {"entry": levels.entry, "stop_loss": levels.stop, "tp1": levels.target}
    found = [
        f"{name}: {row[name]} is shown, {price} was decided" for name, price in decided.items() if row[name] != price
    ]
    if row["direction"] != levels.direction:
        found.append(f"direction: {row['direction']} is shown, {levels.direction} was decided")
    return tuple(found)
