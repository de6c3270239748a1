"""Backups: one moment of the whole database in a file that any SQLite opens, of and for either kind."""
