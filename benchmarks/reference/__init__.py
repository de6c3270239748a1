"""The `before` of every comparison: a plain FastAPI and SQLAlchemy application, as one writes it first.

Every column of every row becomes an object, every object a response model; statistics are computed in Python over all
rows; timeframes are fetched one after another, each over a connection of its own; nothing is kept. It reads the same
database, but only the columns that the predecessor had.
"""
