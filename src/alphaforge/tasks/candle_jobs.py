"""The job that fetches candles from far back: one instrument after the other, so that others get through."""

from collections.abc import Callable, Sequence

import msgspec

from alphaforge.core.errors import RequestRejected
from alphaforge.core.times import parse_rfc3339
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.job_pieces import GIVEN, JobPieces, still_held
from alphaforge.storage.jobs import Job
from alphaforge.tasks.kinds import GiveUp, Running, TaskKind
from alphaforge.workflows.desk import Desk
from alphaforge.workflows.download_candles import Fetched, Span, download_candles, spans_of

DOWNLOAD = "download_candles"
_SECONDS = 6 * 3_600.0
_PAUSES = (5.0, 30.0, 120.0, 600.0)


def candle_kinds(desk: Desk, is_ready: Callable[[], bool]) -> tuple[TaskKind, ...]:
    """How it is run, by a process whose market `is_ready`: its name is known only then.

    The payload has `instruments` by OANDA's names, `from` and `to` as RFC 3339.
    """

    async def download(running: Running) -> object:
        payload = running.job.payload
        spans = spans_of(parse_rfc3339(payload["from"]), parse_rfc3339(payload["to"]))
        try:
            found = [
                await _Place(desk, running, number, len(payload["instruments"])).fetch(name, spans)
                for number, name in enumerate(payload["instruments"])
            ]
        except RequestRejected as error:
            raise GiveUp(error.message) from None
        return {"source": desk.source.name, "simulated": desk.source.simulated, "instruments": found}

    return (TaskKind(DOWNLOAD, download, timeout=_SECONDS, attempts=6, pauses=_PAUSES, is_ready=is_ready),)


class _Place:
    """One of a job's instruments. How far it has come is kept with the candles: the next attempt goes on there."""

    def __init__(self, desk: Desk, running: Running, number: int, of: int) -> None:
        self._desk = desk
        self._running = running
        self._number = number
        self._of = of
        self._piece = GIVEN - number

    async def fetch(self, name: str, spans: Sequence[Span]) -> dict[str, object]:
        """Fetch what is left of it; answers what has come of all."""
        desk, job = self._desk, self._running.job

        async def note(connection: AsyncConnection, fetched: Fetched) -> None:
            await still_held(connection, job)
            await JobPieces(connection, job.id).put(self._piece, msgspec.json.encode(fetched))
            self._running.progress((self._number + fetched.pages / len(spans)) / self._of)

        begun = await self._begun(job)
        done = await download_candles(desk.database, desk.source, name, spans, note, begun=begun)
        return {"instrument": name, "candles": done.candles, "new_or_changed": done.changed}

    async def _begun(self, job: Job) -> Fetched | None:
        async with self._desk.database.read() as connection:
            noted = await JobPieces(connection, job.id).get(self._piece)
        return None if noted is None else msgspec.json.decode(noted, type=Fetched)
