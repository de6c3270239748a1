"""Shapes that every noun uses."""

from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema

Time = Annotated[
    str,
    Field(description="RFC 3339, UTC.", examples=["2026-03-02T06:00:00Z"], json_schema_extra={"format": "date-time"}),
]


def no_flag(value: object) -> object:
    """Refuse true and false, which Python takes for 1 and 0."""
    if isinstance(value, bool):
        message = "true and false are no numbers"
        raise ValueError(message)  # noqa: TRY004 - pydantic turns a ValueError into a refusal
    return value


Number = Annotated[float, Field(allow_inf_nan=False), BeforeValidator(no_flag)]
Price = Annotated[Number, Field(gt=0)]


class Answer(BaseModel):
    """Answers may grow: clients must pass over keys that they do not know.

    These models are documentation: nothing is validated by them, so their validators are left unbuilt.
    """

    model_config = ConfigDict(extra="allow", defer_build=True)


def only_required(*names: str) -> ConfigDict:
    """For a row of a list: the fields that it has whatever parts were asked for; the others may be left out."""

    def trim(schema: dict[str, Any]) -> None:
        schema["required"] = list(names)

    return ConfigDict(extra="allow", json_schema_extra=trim)


Next = Annotated[
    str | None,
    Field(description="The cursor of the next page, null on the last one; as a link in the header `Link`, too."),
]


class Problem(BaseModel):
    """What went wrong, as RFC 9457 has it."""

    model_config = ConfigDict(
        json_schema_extra={
            "example": {
                "type": "urn:alphaforge:problem:not-found",
                "title": "Not found",
                "status": 404,
                "detail": "Signal not found",
                "instance": "urn:alphaforge:request:5f0c6c2ab19d4e02",
                "request_id": "5f0c6c2ab19d4e02",
            }
        }
    )

    type: str = Field(description="`about:blank`, or what kind of problem it is.")
    title: str
    status: int
    detail: str | list[dict[str, Any]] = Field(
        description="A sentence; for a request that does not fit its schema, a list of {type, loc, msg, input}."
    )
    instance: str | None = None
    request_id: str | None = Field(None, description="By this id the server's log has the request.")
    advice: str | None = Field(None, description="What to do about it.")
    errors: list[dict[str, Any]] | None = Field(
        None, description="Of many rows sent at once the refused ones: {row, loc, msg}, rows counted from 0."
    )


def _upper(value: object) -> object:
    return value.strip().upper() if isinstance(value, str) else value


AnyCase = BeforeValidator(_upper)
"""Words that the predecessor's clients may write in any case."""


def words(*accepted: str) -> Any:  # noqa: ANN401 - pydantic's marker types have no common name
    """The schema of a word in any case."""
    return WithJsonSchema({"type": "string", "enum": list(accepted)})
