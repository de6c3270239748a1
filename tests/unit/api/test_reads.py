"""The table of what each question reads."""

import pytest
from fastapi import FastAPI
from fastapi.routing import APIRoute

from alphaforge.api import app as application
from alphaforge.api.reads import READS, reads_of
from alphaforge.storage import tables
from desk_traffic import DOCUMENTS, NEVER_KEPT, QUESTIONS


def paths_of_questions() -> set[str]:
    """Every path that answers a GET."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    found: set[str] = set()
    for router in application._ROUTERS:
        found |= {
            route.path for route in router.routes if isinstance(route, APIRoute) and "GET" in (route.methods or ())
        }
    assert app
    return found


def test_every_question_says_what_it_reads_and_nothing_else_is_in_the_table() -> None:
    assert set(READS) == paths_of_questions()


def test_every_question_is_among_those_that_kept_answers_are_held_against() -> None:
    asked = [reads_of(question.partition("?")[0].format(signal=1, entry=1)) for question in (*QUESTIONS, *DOCUMENTS)]
    assert None not in asked
    assert {reads.path for reads in asked if reads} == {path for path, reads in READS.items() if reads}
    assert NEVER_KEPT.keys() == {path for path, reads in READS.items() if reads is None}


def test_nouns_are_tables_that_commits_name() -> None:
    nouns = {noun for reads in READS.values() if reads for noun in reads.nouns}
    assert nouns <= set(tables.metadata.tables)


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/api/signals", "/api/signals"),
        ("/api/signals/today", "/api/signals/today"),
        ("/api/signals/17", "/api/signals/{signal_id}"),
        ("/api/signals/17/explain", "/api/signals/{signal_id}/explain"),
        ("/api/signals/symbol/GBP/USD", "/api/signals/symbol/{symbol:path}"),
        ("/api/journal/entries/3", "/api/journal/entries/{entry_id}"),
        ("/api/candles/GBP_USD", "/api/candles/{instrument:path}"),
    ],
)
def test_a_path_finds_its_row(path: str, found: str) -> None:
    reads = reads_of(path)
    assert reads is not None
    assert reads.path == found


@pytest.mark.parametrize(
    "path", ["/health", "/api/prices/live", "/api/prices/live/GBPUSD", "/nowhere", "", "/api/signals/"]
)
def test_what_is_live_or_unknown_is_not_kept(path: str) -> None:
    assert reads_of(path) is None
