"""Queries of many parameters, read at once by one model.

FastAPI reads each parameter of a handler on its own, which for a list with its dozen takes longer than the database.
A model of them all is as well documented and refuses with the same words.
"""

from collections.abc import Awaitable, Callable
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError

Model = TypeVar("Model", bound=BaseModel)


def query_of(model: type[Model]) -> Callable[[Request], Awaitable[Model]]:
    """What a handler depends on to be given its query; 422 naming each parameter that does not fit.

    Of a parameter that comes twice the last one counts. Unknown ones are passed over.
    """

    async def read(request: Request) -> Model:
        text = request.scope["query_string"].decode("latin-1")
        try:
            return model.model_validate(dict(parse_qsl(text, keep_blank_values=True)))
        except ValidationError as error:
            found = [{**one, "loc": ("query", *one["loc"])} for one in error.errors(include_url=False)]
            raise RequestValidationError(found) from None

    return read


def documented(model: type[BaseModel]) -> dict[str, Any]:
    """The parameters of the model as OpenAPI has them, for a route's `openapi_extra`."""
    whole = model.model_json_schema()
    schema = _inlined(whole, whole.get("$defs", {}))
    return {
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in schema.get("required", ()),
                "description": one["description"],
                "schema": {key: value for key, value in one.items() if key != "description"},
            }
            for name, one in schema["properties"].items()
        ]
    }


def _inlined(part: Any, definitions: dict[str, Any]) -> Any:  # noqa: ANN401 - any part of a schema
    """A schema without references: a parameter has nowhere to define anything."""
    if isinstance(part, dict):
        if "$ref" in part:
            return {**definitions[part["$ref"].rpartition("/")[2]], **{k: v for k, v in part.items() if k != "$ref"}}
        return {key: _inlined(value, definitions) for key, value in part.items() if key != "$defs"}
    return [_inlined(value, definitions) for value in part] if isinstance(part, list) else part
