"""Many rows at once: checked in turns with everybody else's requests, and every wrong one named."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from alphaforge.core.errors import InvalidRows

Model = TypeVar("Model", bound=BaseModel)
Item = TypeVar("Item")
Fault = dict[str, object]

MOST_FAULTS = 1_000
"""Errors named in one answer; all of them are counted."""
_SLICE = 250
"""Rows between two turns of everybody else."""
_LONGEST = 300


async def checked(
    adapter: TypeAdapter[list[Model]], given: Sequence[object], found: Sequence[Fault] = ()
) -> list[Model]:
    """The rows as their model has them; raises InvalidRows naming every one that does not fit.

    `found`: faults that are known already, of rows that are not looked at any more.
    """
    rows: list[Model] = []
    faults, known = list(found), {one["row"] for one in found}
    for start in range(0, len(given), _SLICE):
        try:
            rows += adapter.validate_python(given[start : start + _SLICE])
        except ValidationError as error:
            for one in error.errors(include_url=False, include_context=False, include_input=False):
                number, *loc = one["loc"]
                if (row := start + int(number)) not in known:
                    faults.append(fault(row, loc, one["msg"].removeprefix("Value error, ")))
        await asyncio.sleep(0)
    complain(faults, len(given))
    return rows


async def in_turns(many: Sequence[Item]) -> AsyncIterator[Item]:
    """Each of many, with a turn for everybody else now and then."""
    for number, one in enumerate(many, 1):
        yield one
        if number % _SLICE == 0:
            await asyncio.sleep(0)


def fault(row: int, loc: Sequence[int | str], message: str) -> Fault:
    """What is wrong in a row; keys that a client invented are cut short, and without lone surrogates."""
    plain = [part if isinstance(part, int) else part.encode("utf-8", "replace").decode()[:100] for part in loc]
    return {"row": row, "loc": plain, "msg": message.encode("utf-8", "replace").decode()[:_LONGEST]}


def complain(faults: Sequence[Fault], count: int) -> None:
    """Raise InvalidRows where there are faults."""
    if not faults:
        return
    wrong = len({one["row"] for one in faults})
    message = f"{wrong} of {count} rows cannot be meant; nothing was stored"
    named = "`errors` names them, rows counted from 0."
    if len(faults) > MOST_FAULTS:
        named = f"`errors` names the first {MOST_FAULTS} of {len(faults)} errors, rows counted from 0."
    raise InvalidRows(message, sorted(faults, key=_row)[:MOST_FAULTS], advice=named)


def _row(one: Fault) -> int:
    return int(str(one["row"]))
