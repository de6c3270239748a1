"""Alembic's folder: how the database becomes what `storage/tables.py` says, step by step."""
