"""What the application itself remembers over restarts, by key."""

import time
from dataclasses import dataclass

from sqlalchemy import select

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.tables import app_settings
from alphaforge.storage.upsert import insert


@dataclass(frozen=True, slots=True)
class SettingRepository:
    """Texts by key."""

    connection: AsyncConnection

    async def get(self, key: str) -> str | None:
        """The value last put under `key`."""
        value: str | None = await self.connection.scalar(select(app_settings.c.value).where(app_settings.c.key == key))
        return value

    async def put(self, key: str, value: str) -> None:
        """Remember `value` under `key`."""
        row = {"key": key, "value": value, "updated_at": time.time()}
        statement = insert(self.connection, app_settings).values(row)
        await self.connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=row))
