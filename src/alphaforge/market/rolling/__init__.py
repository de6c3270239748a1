"""The newest closed M5 candles of each instrument, kept in memory and in the archive, fetched once."""

from alphaforge.market.rolling.candles import InstrumentStatus, Refreshed, RollingCandles, RollingTraffic

__all__ = ["InstrumentStatus", "Refreshed", "RollingCandles", "RollingTraffic"]
