"""Whether a database is whole, for those who ask before something goes wrong."""

from alphaforge.storage.engine import Database


async def complaints(database: Database, most: int = 5) -> list[str]:
    """What SQLite's own check complains of, at most `most`; PostgreSQL looks after itself and has none."""
    async with database.read() as connection:
        if database.dialect != "sqlite":
            return []
        found = (await connection.exec_driver_sql(f"PRAGMA quick_check({int(most)})")).scalars().all()
    return [str(line) for line in found if line != "ok"]
