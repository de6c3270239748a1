"""The market as the rest sees it: closed candles, quotes, instruments. Behind it OANDA or the sandbox."""
