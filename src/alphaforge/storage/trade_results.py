"""What a trader's own trades brought: they count towards the size of the next position."""

import math
from dataclasses import dataclass

from sqlalchemy import insert

from alphaforge.core.errors import InvalidInput
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.results import TRADER
from alphaforge.storage.tables import trade_results


@dataclass(frozen=True, slots=True)
class TradeResultRepository:
    """Results, written here and read by `SignalRepository.results`."""

    connection: AsyncConnection

    async def add(self, instrument: str, profit_loss: float, risk: float, at: float, source: str = TRADER) -> int:
        """Store a result, both amounts in account currency, `at` in epoch seconds; answers its id.

        Raises InvalidInput for a risk that is not above zero, or amounts that are not finite.
        """
        r_multiple = profit_loss / risk if risk > 0 else math.nan
        if not (math.isfinite(r_multiple) and math.isfinite(risk)):
            message = f"A result of {profit_loss} at a risk of {risk} cannot be"
            raise InvalidInput(message, advice="Give finite amounts, and a risk above 0.")
        row = {
            "instrument": instrument,
            "profit_loss": profit_loss,
            "risk": risk,
            "r_multiple": r_multiple,
            "at": at,
            "source": source,
        }
        result = await self.connection.execute(insert(trade_results).values(row).returning(trade_results.c.id))
        return int(result.scalar_one())
