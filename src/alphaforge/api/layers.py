"""What the layers in front of the routers share: made once for an application, used by its middleware and before it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self

from fastapi import FastAPI
from starlette.types import ASGIApp

from alphaforge.api.answer_cache import AnswerCache
from alphaforge.api.kept_answer import KeptAnswer
from alphaforge.api.middleware.access import Key, OwnNames
from alphaforge.api.middleware.allowance import Allowances, SharedCounts
from alphaforge.api.middleware.from_memory import FromMemory
from alphaforge.api.services import ApiOptions, Services
from alphaforge.cache.answers import Answers, SecondLevel
from alphaforge.cache.generations import Generations
from alphaforge.cache.memory import Memory
from alphaforge.telemetry.requests import Note

Line = Callable[[Note], None]


@dataclass(frozen=True, slots=True)
class Layers:
    """The guards, the allowances and the cache of one application."""

    key: Key | None
    names: OwnNames
    allowances: Allowances
    cache: AnswerCache

    @classmethod
    def of(
        cls,
        services: Services,
        options: ApiOptions,
        second_level: SecondLevel[KeptAnswer] | None,
        shared_counts: SharedCounts | None = None,
    ) -> Self:
        """For these services; the cache hears of every commit from now on."""
        generations = Generations()
        services.database.commits.follow(generations.changed)
        memory: Memory[KeptAnswer] = Memory(options.cache_bytes)
        answers = Answers(memory, generations, options.cache_ttl, second_level)
        return cls(
            Key(options.api_key) if options.api_key else None,
            OwnNames(options.allowed_origins),
            Allowances(options.rate_limit_per_minute, shared_counts),
            AnswerCache(
                answers,
                services.database.freshness,
                services.clock,
                enabled=options.enable_cache,
                compression=options.enable_compression,
            ),
        )


def from_memory_first(app: FastAPI, line: Line) -> ASGIApp:
    """The application behind the quickest way to its kept answers; `line` counts a hit and logs it."""
    layers: Layers = app.state.layers
    if not layers.cache.enabled:
        return app
    return FromMemory(
        app,
        cache=layers.cache,
        admits=layers.key.opens_again if layers.key else layers.names.are_meant_again,
        spend=layers.allowances.spend_read,
        line=line,
    )
