"""What is kept in memory is guarded like everything else."""

import pytest

from alphaforge.api.app import create_app
from alphaforge.api.layers import from_memory_first
from alphaforge.api.services import ApiOptions
from alphaforge.storage.engine import Database
from desk_traffic import App, ask
from doors import heard, services_of

QUESTION = "/api/journal/statistics"


def front(database: Database, options: ApiOptions) -> App:
    return from_memory_first(create_app(services_of(database), options), lambda _: None)


@pytest.mark.parametrize("name", ["x-api-key", "authorization"])
async def test_a_kept_answer_is_given_to_the_key_alone(database: Database, name: str) -> None:
    await heard(database)
    app = front(database, ApiOptions(api_key="k3y"))
    value = "k3y" if name == "x-api-key" else "Bearer k3y"
    said = [await ask(app, "GET", QUESTION, headers={name: value}) for _ in range(3)]
    assert [(one.status, one.headers["x-cache"]) for one in said] == [(200, "miss"), (200, "hit"), (200, "hit")]
    for wrong in ({}, {name: ""}, {name: value + "x"}, {name: value[:-1]}):
        assert (await ask(app, "GET", QUESTION, headers=wrong)).status == 401


async def test_a_kept_answer_is_not_given_to_a_foreign_name(database: Database) -> None:
    await heard(database)
    app = front(database, ApiOptions())
    for _ in range(2):
        assert (await ask(app, "GET", QUESTION)).status == 200
    assert (await ask(app, "GET", QUESTION, headers={"host": "evil.example"})).status == 421


async def test_a_kept_answer_says_to_a_foreign_page_that_it_may_not_read(database: Database) -> None:
    await heard(database)
    app = front(database, ApiOptions())
    for _ in range(2):
        await ask(app, "GET", QUESTION)
    foreign = await ask(app, "GET", QUESTION, headers={"origin": "https://evil.example"})
    assert "access-control-allow-origin" not in foreign.headers
    own = await ask(app, "GET", QUESTION, headers={"origin": "http://localhost:5173"})
    assert own.headers["access-control-allow-origin"] == "http://localhost:5173"
    assert own.headers["x-cache"] == "hit"


async def test_the_requests_own_name_is_kept(database: Database) -> None:
    await heard(database)
    app = front(database, ApiOptions())
    for _ in range(2):
        said = await ask(app, "GET", QUESTION, headers={"x-request-id": "mine"})
    assert said.headers["x-request-id"] == "mine"


async def test_a_304_comes_from_memory_too(database: Database) -> None:
    await heard(database)
    app = front(database, ApiOptions())
    first = await ask(app, "GET", QUESTION)
    for _ in range(2):
        said = await ask(app, "GET", QUESTION, headers={"if-none-match": first.headers["etag"]})
        assert (said.status, said.body, said.headers["etag"]) == (304, b"", first.headers["etag"])
