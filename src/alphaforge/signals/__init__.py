"""The rules, as values and pure functions: no clock, no disk, no network."""
