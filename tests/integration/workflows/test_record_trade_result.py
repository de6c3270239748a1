import pytest

from alphaforge.core.errors import InvalidInput, UnknownInstrument
from alphaforge.signals.model import Outcome, Status
from alphaforge.signals.sizing import KellyStatistics
from alphaforge.statistics.intervals import wilson_lower_bound
from alphaforge.storage.engine import Database
from alphaforge.storage.signals import SignalRepository
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.record_trade_result import read_kelly, record_trade_result
from alphaforge.workflows.scan_market import scan_market
from api_bench import SQLITE
from builders import GBP_USD, MONDAY, USD_JPY, decision, walk
from desks import desk_of, market_of

NAMES = ("GBP_USD", "USD_JPY")


def desk_in(database: Database, name: str = "sandbox") -> Desk:
    history = [walk(one, 701, seed=3, gaps=0.0) for one in (GBP_USD, USD_JPY)]
    return desk_of(database, market_of(*history, moment=history[0].end + 5.0, name=name), NAMES)


async def recorded(desk: Desk, name: str, profit_loss: float, risk: float) -> KellyStatistics:
    async with desk.database.write("trade_results") as connection:
        return await record_trade_result(desk, connection, name, profit_loss, risk)


async def settled_signal(database: Database, r_multiple: float, number: int, source: str = "sandbox") -> None:
    """A signal of a market that ended with so many R."""
    start = MONDAY - 86_400 + 300 * number
    async with database.write() as connection:
        signals = SignalRepository(connection)
        signal_id = await signals.add(
            decision(candle_time=start), symbol="GBPUSD", source=source, simulated=True, expires_at=start + 14_700
        )
        assert signal_id
        status = Status.WON if r_multiple > 0 else Status.LOST
        end = Outcome(status, start + 600, 1.25, 1.0, r_multiple, 0.0, 0.0, 0.0001, ambiguous=False)
        await signals.settle(signal_id, end, start + 600)


async def test_a_traders_results_become_the_figures_of_sizing(database: Database) -> None:
    desk = desk_in(database)
    figures = await recorded(desk, "GBP_USD", 150.0, 100.0)
    assert (figures.trade_count, figures.win_rate, figures.avg_win) == (1, 1.0, 1.5)
    assert figures.win_loss_ratio is None, "no loss to hold it against"
    await recorded(desk, "GBP_USD", -50.0, 100.0)
    figures = await recorded(desk, "GBP_USD", 0.0, 80.0)
    assert (figures.trade_count, figures.avg_win, figures.avg_loss) == (3, 1.5, 0.5)
    assert figures.win_rate == pytest.approx(1 / 3)
    assert figures.win_loss_ratio == pytest.approx(3.0)
    assert figures.recommended_risk == 0.02, "before twenty results nothing is concluded"
    assert await read_kelly(desk, ("GBP_USD",)) == figures, "they are stored"
    assert (await read_kelly(desk, ("USD_JPY",))).trade_count == 0


@SQLITE
async def test_from_twenty_results_on_the_risk_follows_from_them(database: Database) -> None:
    desk = desk_in(database)
    for number in range(20):
        figures = await recorded(desk, "GBP_USD", -100.0 if number % 4 == 0 else 200.0, 100.0)
    share = wilson_lower_bound(15, 20, 0.90)
    fraction = 0.25 * (share - (1 - share) / 2.0) * 1.2
    assert figures.recommended_risk == pytest.approx(min(fraction, 0.03))
    results = await scan_market(desk, ("GBP_USD",))
    assert results[0].decision
    assert results[0].decision.risk_fraction != 0.02, "and the next decision is sized by it"


@SQLITE
async def test_settled_signals_of_this_market_and_the_traders_own_count_together(database: Database) -> None:
    desk = desk_in(database)
    await settled_signal(database, 2.0, 1)
    await settled_signal(database, -1.0, 2)
    await settled_signal(database, -1.0, 3, source="oanda-live")
    figures = await recorded(desk, "GBP_USD", 100.0, 100.0)
    assert (figures.trade_count, figures.avg_win, figures.avg_loss) == (3, 1.5, 1.0)
    elsewhere = await read_kelly(desk_in(database, "oanda-live"), ("GBP_USD",))
    assert (elsewhere.trade_count, elsewhere.avg_win, elsewhere.avg_loss) == (2, 1.0, 1.0)


@SQLITE
async def test_only_the_newest_fifty_count_and_all_instruments_add_up(database: Database) -> None:
    desk = desk_in(database)
    for _ in range(5):
        await recorded(desk, "GBP_USD", -1_000.0, 1.0)
        desk.clock.time += 1.0  # type: ignore[attr-defined] - a HandClock
    for _ in range(50):
        figures = await recorded(desk, "GBP_USD", 1.0, 1.0)
    assert (figures.trade_count, figures.win_rate, figures.avg_loss) == (50, 1.0, 0.0)
    desk.clock.time += 1.0  # type: ignore[attr-defined] - a HandClock
    await recorded(desk, "USD_JPY", -3.0, 1.0)
    both = await read_kelly(desk, NAMES)
    assert (both.trade_count, both.avg_loss) == (50, 3.0), "the newest fifty of both together"
    assert await read_kelly(desk, NAMES[::-1]) == both


@SQLITE
@pytest.mark.parametrize(
    ("profit_loss", "risk"),
    [(1.0, 0.0), (1.0, -1.0), (float("nan"), 1.0), (float("inf"), 1.0), (1.0, float("nan")), (1.0, float("inf"))],
)
async def test_a_result_that_cannot_be_is_refused_and_not_stored(
    database: Database, profit_loss: float, risk: float
) -> None:
    desk = desk_in(database)
    with pytest.raises(InvalidInput, match="cannot be"):
        await recorded(desk, "GBP_USD", profit_loss, risk)
    assert (await read_kelly(desk, NAMES)).trade_count == 0


@SQLITE
async def test_a_result_of_an_instrument_that_is_not_watched_is_refused(database: Database) -> None:
    with pytest.raises(UnknownInstrument, match="XAU_USD is not watched"):
        await recorded(desk_in(database), "XAU_USD", 1.0, 1.0)
