"""The words everything else is written in: instrument, candle, clock, market hours, error."""
