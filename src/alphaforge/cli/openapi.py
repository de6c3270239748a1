"""The description of the interface, for making clients of it: no server is asked."""

import typer


def openapi() -> None:
    """Print the OpenAPI document of the HTTP interface, the same as /openapi.json."""
    from alphaforge.api.app import described  # noqa: PLC0415 - loaded where it is asked for
    from alphaforge.api.encoding import json_bytes  # noqa: PLC0415 - the same
    from alphaforge.api.services import ApiOptions  # noqa: PLC0415 - the same

    typer.echo(json_bytes(described(ApiOptions().version).openapi()))
