"""Doing a thing once, however often it is asked for: the `Idempotency-Key` header.

The first answer is kept in the transaction of its write, so that there is never one without the other; who repeats
the request gets that answer again. Only what succeeded is kept: a refused request may be mended and sent with the
same key. A key belongs to one request, and is forgotten after a day.
"""

import hashlib
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Header, Request, Response

from alphaforge.api.parameters import Asked
from alphaforge.api.turns import Turns
from alphaforge.core.errors import InvalidInput
from alphaforge.storage.connection import AsyncConnection
from alphaforge.storage.engine import Database
from alphaforge.storage.idempotent_answers import KEPT_SECONDS, AnswerRepository, FirstAnswer

_MOST = 200

Work = Callable[[AsyncConnection], Awaitable[Response]]
"""Writes within the transaction that it is given, and says what to answer."""

_NAME = "Idempotency-Key"
Key = Annotated[
    str | None,
    Header(
        alias=_NAME,
        min_length=1,
        max_length=_MOST,
        pattern=r"^[ -~]+$",
        description="Any text of your own, 1 to 200 printable ASCII characters: the same request sent again with it "
        "within 24 hours is answered as the first time (`Idempotent-Replayed: true`) and writes nothing.",
    ),
]


@dataclass(frozen=True, slots=True)
class Once:
    """One request's writing. Without a key it is an ordinary transaction."""

    database: Database
    turns: Turns
    key: str | None = None
    request: str = ""

    async def write(self, noun: str, work: Work) -> Response:
        """What `work` answers, its writes to `noun` committed; or what was answered to this key before.

        Raises InvalidInput where the key was used for another request.
        """
        if self.key is None:
            async with self.database.write(noun) as connection:
                return await work(connection)
        first = await self._known()
        if first is None:
            async with self.database.write(noun) as connection:
                answers, now = AnswerRepository(connection), time.time()
                first = await answers.claim(self.key, self.request, now, now - KEPT_SECONDS)
                if first is None:
                    answer = await work(connection)
                    await answers.answer(self.key, answer.status_code, bytes(answer.body))
                    return answer
        return self._again(first)

    async def after(self, work: Callable[[], Awaitable[Response]]) -> Response:
        """The same for work that commits by itself and does no harm if it is done again after a crash.

        Who comes while the first is at it waits for its answer; only another process might do it too.
        """
        if self.key is None:
            return await work()
        first = await self._known()
        if first is not None:
            return self._again(first)
        async with self.turns.of(self.key):
            first = await self._known()
            return await self._done(work) if first is None else self._again(first)

    async def _done(self, work: Callable[[], Awaitable[Response]]) -> Response:
        answer = await work()

        async def done(_: AsyncConnection) -> Response:
            return answer

        return await self.write("idempotent_answers", done)

    async def _known(self) -> FirstAnswer | None:
        """A repetition costs a look, and disturbs neither writers nor what is kept of other answers."""
        async with self.database.read() as connection:
            return await AnswerRepository(connection).get(str(self.key), time.time() - KEPT_SECONDS)

    def _again(self, first: FirstAnswer) -> Response:
        if first.request != self.request:
            message = f"This {_NAME} was used for another request"
            raise InvalidInput(message, advice="A new request needs a new key; to repeat one, repeat all of it.")
        return Response(first.body, first.status, {"Idempotent-Replayed": "true"}, "application/json")


async def once_of(request: Request, services: Asked, key: Key = None) -> Once:
    """How this request writes."""
    if key is None:
        return Once(services.database, services.turns)
    if len(request.headers.getlist(_NAME)) > 1:
        message = f"One request has one {_NAME}"
        raise InvalidInput(message)
    asked = hashlib.sha256()
    for part in (request.method.encode(), request.scope["path"].encode(), request.scope["query_string"]):
        asked.update(len(part).to_bytes(4, "big") + part)
    asked.update(await request.body())
    return Once(services.database, services.turns, key, asked.hexdigest())


ThisOnce = Annotated[Once, Depends(once_of)]
