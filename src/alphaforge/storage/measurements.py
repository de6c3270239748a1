"""What processes measured, as packed values that only their makers read: figures since their start, and minutes."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sqlalchemy import delete, or_, select, update

from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.now import now
from alphaforge.storage.upsert import insert
from alphaforge.storage.work_tables import performance_minutes, process_figures
from alphaforge.telemetry.minutes import KEPT_MINUTES, MINUTE

RETIRED = "retired"
"""The row that has what processes counted which are long gone."""
SILENT_SECONDS = 30.0
"""Without a word for so long a process is taken for gone."""
FOLDED_SECONDS = 3_600.0
MOST_ROWS = 50
"""Rows that are kept apart; of more, those that are silent are folded at once."""
KEPT_SECONDS = KEPT_MINUTES * MINUTE
AHEAD_SECONDS = 3_600
"""A minute that lies further in the future than this was written by a clock that was wrong."""

_f = process_figures.c
_m = performance_minutes.c


@dataclass(frozen=True, slots=True)
class Figures:
    """What a process said last, `age` seconds ago by the database's clock."""

    process: str
    age: float
    packed: bytes

    @property
    def is_live(self) -> bool:
        """Whether it is still there to say more."""
        return self.process != RETIRED and self.age <= SILENT_SECONDS


@dataclass(frozen=True, slots=True)
class FigureRepository:
    """A row a process, within one transaction."""

    connection: AsyncConnection

    async def replace(self, process: str, packed: bytes) -> bool:
        """Put what a process measured instead of what it said before; False where there is nothing that it said."""
        values = {"at": now(self.connection), "figures": packed}
        replacing = update(process_figures).where(_f.process == process).values(values)
        return (await self.connection.execute(replacing)).rowcount == 1

    async def put(self, process: str, packed: bytes) -> None:
        """What a process measured, instead of what it said before."""
        values = {"at": now(self.connection), "figures": packed}
        statement = insert(self.connection, process_figures).values(process=process, **values)
        await self.connection.execute(statement.on_conflict_do_update(index_elements=["process"], set_=values))

    async def others(self, process: str) -> list[Figures]:
        """What everybody else said last, those who are gone included."""
        statement = select(_f.process, now(self.connection) - _f.at, _f.figures).where(_f.process != process)
        rows = (await self.connection.execute(statement.order_by(_f.process))).all()
        return [Figures(*row) for row in rows if row.figures]

    async def fold(self, process: str, folded: Callable[[Sequence[bytes]], bytes]) -> int:
        """Put what the long gone said into one row, by `folded`; answers how many they were.

        However many processes do so at once, each row is folded once: they queue for the row that takes it in.
        """
        gone = await self._gone(process)
        if not gone:
            return 0
        empty = insert(self.connection, process_figures).values(process=RETIRED, at=now(self.connection), figures=b"")
        await self.connection.execute(empty.on_conflict_do_nothing(index_elements=["process"]))
        held = select(_f.figures).where(_f.process == RETIRED).with_for_update()
        before: bytes = await self.connection.scalar(held)
        still = now(self.connection) - _f.at > SILENT_SECONDS  # one that woke up meanwhile goes on for itself
        taking = delete(process_figures).where(_f.process.in_(gone), still).returning(_f.figures)
        taken = (await self.connection.execute(taking)).scalars().all()
        if taken:
            packed = folded([one for one in (before, *taken) if one])
            put = update(process_figures).where(_f.process == RETIRED).values(at=now(self.connection), figures=packed)
            await self.connection.execute(put)
        return len(taken)

    async def _gone(self, process: str) -> list[str]:
        statement = select(_f.process, now(self.connection) - _f.at).where(_f.process.not_in((process, RETIRED)))
        rows = (await self.connection.execute(statement.order_by(_f.at.desc(), _f.process))).all()
        return [
            name
            for place, (name, age) in enumerate(rows)
            if age > FOLDED_SECONDS or (age > SILENT_SECONDS and place >= MOST_ROWS)
        ]


@dataclass(frozen=True, slots=True)
class MinuteRepository:
    """A row a minute and process, within one transaction. `at`: the minute's start, epoch seconds."""

    connection: AsyncConnection

    async def put(self, at: int, process: str, packed: bytes) -> None:
        """A minute, instead of what was said of it before."""
        statement = insert(self.connection, performance_minutes).values(at=at, process=process, figures=packed)
        replacing = statement.on_conflict_do_update(index_elements=["at", "process"], set_={"figures": packed})
        await self.connection.execute(replacing)

    async def since(self, at: float) -> list[tuple[int, str, bytes]]:
        """The minutes of all processes that began then or later: start, process, what was put."""
        statement = select(_m.at, _m.process, _m.figures).where(_m.at >= at).order_by(_m.at, _m.process)
        return [(row.at, row.process, row.figures) for row in (await self.connection.execute(statement)).all()]

    async def prune(self) -> int:
        """Forget those of more than a day ago, and those that have not been yet; answers how many they were."""
        present = now(self.connection)
        wrong = or_(_m.at < present - KEPT_SECONDS, _m.at > present + AHEAD_SECONDS)
        return (await self.connection.execute(delete(performance_minutes).where(wrong))).rowcount
