"""The endpoints."""

from fastapi import FastAPI
from sqlalchemy import create_engine
from sqlalchemy.orm import Session

from benchmarks.reference.market import signal, timeframes
from benchmarks.reference.models import Entry, Signal, SignalBody, SignalPage, Statistics

INSTRUMENTS = ("GBP_USD", "XAU_USD", "USD_JPY")


def create_app(database: str, market: str) -> FastAPI:
    """The application over a SQLite file and a market's address."""
    app = FastAPI()
    engine = create_engine(f"sqlite:///{database}")

    @app.get("/api/signals")
    def list_signals(limit: int = 100) -> SignalPage:
        with Session(engine) as session:
            rows = session.query(Signal).order_by(Signal.timestamp.desc()).limit(limit).all()
            total = session.query(Signal).count()
            return SignalPage(signals=[SignalBody.model_validate(row) for row in rows], count=len(rows), total=total)

    @app.get("/api/journal/statistics")
    def statistics() -> Statistics:
        with Session(engine) as session:
            return _statistics(session.query(Entry).all())

    @app.post("/api/signals/enhanced/generate")
    def generate() -> dict[str, list[SignalBody]]:
        found = []
        for instrument in INSTRUMENTS:
            with Session(engine) as session:
                row = signal(market, instrument)
                session.add(row)
                session.commit()
                found.append(SignalBody.model_validate(row))
        return {"signals": found}

    @app.get("/api/timeframes/{instrument}")
    def fetch(instrument: str) -> dict[str, int]:
        return {granularity: len(candles) for granularity, candles in timeframes(market, instrument).items()}

    return app


def _statistics(entries: list[Entry]) -> Statistics:
    wins = [entry for entry in entries if entry.outcome == "WIN"]
    losses = [entry for entry in entries if entry.outcome == "LOSS"]
    r_values = [entry.r_value for entry in entries if entry.r_value]
    return Statistics(
        total_trades=len(entries),
        wins=len(wins),
        losses=len(losses),
        win_rate=round(100 * len(wins) / len(entries), 1) if entries else 0.0,
        total_pnl=round(sum(entry.profit_loss or 0.0 for entry in entries), 2),
        total_pips=round(sum(entry.pips or 0.0 for entry in entries), 1),
        avg_r=round(sum(r_values) / len(r_values), 2) if r_values else 0.0,
    )
