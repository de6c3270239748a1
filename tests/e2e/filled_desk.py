"""A desk with a past: signals that ended, a journal, backtests, alerts; and a strategy that makes more of them."""

import asyncio
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from processes import Server, free_port, server, until

sys.path.append(str(Path(__file__).parents[2]))
sys.path.append(str(Path(__file__).parents[1]))
from benchmarks.data import add_entries, new_database

from alphaforge.storage.engine import Database
from backtests_at_hand import ASKED, keep_candles

WILLING = (str(Path(__file__).with_name("willing.py")),)
SIGNALS, ENTRIES = 160, 260
NEWEST = 1_763_655_300.0
"""When the newest of the benchmarks' rows is, in epoch seconds; here it becomes yesterday."""
SOURCE = "sandbox"
"""Of the candles that backtests read: beside the desk's own."""


@contextmanager
def filled_desk(folder: Path) -> Iterator[tuple[Server, dict[str, int]]]:
    """It, and the numbers of a signal and a backtest to look at."""
    url = new_database(folder / "desk.db", signals=SIGNALS, entries=0)
    add_entries(folder / "desk.db", ENTRIES, minutes=60 * 30)
    _as_of_this_desk(folder / "desk.db")
    asyncio.run(_candles(url))
    with _receiver() as port:
        channels = (
            f"json://127.0.0.1:{port}/?af_name=desk-hook&af_kinds=signal, json://127.0.0.1:{free_port()}/?af_name=gone"
        )
        alerts = {"ALERT_URLS": channels, "ALERTS_ALLOW_PRIVATE": "true"}
        with server(folder, None, program=WILLING, **alerts) as desk:
            _tested(desk)
            made = [
                desk.post("/api/backtests", {**ASKED, "source": SOURCE, "settings": one})["id"] for one in _SETTINGS
            ]
            until(lambda: all(desk.get(f"/api/backtests/{one}")["status"] == "done" for one in made), "they are done")
            yield desk, {"signal": _newest(desk), "backtest": made[0]}


_SETTINGS = ({**ASKED["settings"]}, {**ASKED["settings"], "minimum_votes": 1.5})


def _newest(desk: Server) -> int:
    return int(desk.get("/api/signals?limit=1")["signals"][0]["id"])


def _tested(desk: Server) -> None:
    """Say something to both channels, one of which nobody hears."""
    for channel in ("desk-hook", "gone"):
        desk.post(f"/api/alerts/channels/{channel}/test")


def _as_of_this_desk(path: Path) -> None:
    """Settled signals of the desk's own market, four hours apart, and some entries that follow one."""
    connection = sqlite3.connect(path)
    with connection:
        connection.execute("DELETE FROM trading_signals WHERE status IN ('ACTIVE', 'PENDING')")
        connection.execute(
            "UPDATE trading_signals SET source = 'sandbox-seed-7',"
            " candle_time = (unixepoch('now') - 172800) / 300 * 300 - (:last - id) * 14400",
            {"last": SIGNALS},
        )
        connection.execute(
            "UPDATE trading_signals SET timestamp = strftime('%Y-%m-%d %H:%M:%f000', candle_time + 300, 'unixepoch'),"
            " exit_time = strftime('%Y-%m-%d %H:%M:%f000', candle_time + 6300, 'unixepoch'),"
            " expires_at = candle_time + 14700"
        )
        connection.execute("UPDATE trading_signals SET created_at = timestamp, updated_at = exit_time")
        connection.execute(
            "UPDATE journal_entries SET open_time = strftime('%Y-%m-%d %H:%M:%f000', open_time, :later),"
            " close_time = strftime('%Y-%m-%d %H:%M:%f000', close_time, :later)",
            {"later": f"+{(time.time() - NEWEST) / 86_400 - 1:.0f} days"},
        )
        connection.execute(
            "UPDATE journal_entries SET signal_id = (SELECT id FROM trading_signals AS s WHERE"
            " replace(s.instrument, '_', '') = journal_entries.symbol AND s.timestamp < journal_entries.open_time"
            " ORDER BY s.id DESC LIMIT 1) WHERE id % 9 = 0"
        )
        _settle_by_prices(connection)
    connection.close()


_MARKETS = {"GBP_USD": (0.0001, 5, 10.0), "XAU_USD": (0.01, 3, 1.0), "USD_JPY": (0.01, 3, 6.6)}
"""The pip, the digits of a price, and what a pip of one lot is worth in the account's currency."""


def _settle_by_prices(connection: sqlite3.Connection) -> None:
    """Derive what signals and entries came to from their prices: the benchmarks' rows have only the shape of results.

    The excursions keep their share of the risk, and reach as far as the result did.
    """
    for name, (pip, digits, worth) in _MARKETS.items():
        here = {"name": name, "short": name.replace("_", ""), "pip": pip, "digits": digits, "worth": worth}
        for statement in (_SIGNAL_PRICES, _SIGNAL_RESULTS, _SIGNAL_EXCURSIONS, _ENTRY_PRICES, _ENTRY_RESULTS):
            connection.execute(statement, here)


_SIGNAL_PRICES = """UPDATE trading_signals SET entry = round(entry, :digits), stop_loss = round(stop_loss, :digits),
    tp1 = round(tp1, :digits), spread = 1.2 * :pip, spread_paid = 1.2 * :pip, exit_price = round(
        CASE status WHEN 'WON' THEN tp1 WHEN 'LOST' THEN stop_loss ELSE exit_price END, :digits)
    WHERE instrument = :name"""
_SIGNAL_RESULTS = """UPDATE trading_signals SET
    pips_captured = round((exit_price - entry) * iif(direction = 'BUY', 1, -1) / :pip, 1),
    r_multiple = round((exit_price - entry) / (entry - stop_loss), 3) WHERE instrument = :name"""
_SIGNAL_EXCURSIONS = """UPDATE trading_signals SET actual_pnl = round(r_multiple * 100, 2),
    mae = round(max(-pips_captured, iif(status = 'LOST', 0, mae / 13 * abs(entry - stop_loss) / :pip)), 1),
    mfe = round(max(pips_captured, iif(status = 'WON', 0, mfe / 13 * abs(entry - stop_loss) / :pip)), 1)
    WHERE instrument = :name"""
_ENTRY_PRICES = """UPDATE journal_entries SET entry_price = round(entry_price, :digits),
    exit_price = round(exit_price, :digits), stop_loss = round(stop_loss, :digits),
    take_profit = round(take_profit, :digits) WHERE symbol = :short"""
_ENTRY_RESULTS = """UPDATE journal_entries SET pips = one.pips, r_value = one.r,
    profit_loss = round(one.pips * :worth * lots, 2),
    mae = round(max(-one.pips, mae / 15 * one.risk), 1), mfe = round(max(one.pips, mfe / 15 * one.risk), 1),
    outcome = CASE sign(one.pips) WHEN 1 THEN 'WIN' WHEN -1 THEN 'LOSS' ELSE 'BREAKEVEN' END
    FROM (SELECT id, round((exit_price - entry_price) * iif(trade_type = 'BUY', 1, -1) / :pip, 1) AS pips,
        round((exit_price - entry_price) / (entry_price - stop_loss), 2) AS r,
        abs(entry_price - stop_loss) / :pip AS risk FROM journal_entries) AS one
    WHERE one.id = journal_entries.id AND symbol = :short"""


async def _candles(url: str) -> None:
    database = await Database.open(url)
    await keep_candles(database, SOURCE)
    await database.close()


@contextmanager
def _receiver() -> Iterator[int]:
    """Somebody who takes every alert."""

    class Taken(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the base class's
            """Say nothing."""

    receiver = ThreadingHTTPServer(("127.0.0.1", 0), Taken)
    serving = threading.Thread(target=receiver.serve_forever)
    serving.start()
    try:
        yield receiver.server_port
    finally:
        receiver.shutdown()
        serving.join()
        receiver.server_close()
