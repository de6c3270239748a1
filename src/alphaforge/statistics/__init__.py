"""What results are worth: one set of figures for signals, journal and backtests alike; pure."""
