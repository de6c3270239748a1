"""`alphaforge config`."""

from alphaforge.cli.output import AsJson, note, print_json, print_table
from alphaforge.cli.state import state


def config(*, as_json: AsJson = False) -> None:
    """Show every setting, its value and where that came from; secrets stay hidden."""
    settings = state.settings()
    from alphaforge.settings import about  # noqa: PLC0415 - loaded by the line above

    rows = [
        {
            "name": field.upper(),
            "value": settings.shown(field),
            "source": settings.source_of(field),
            "accepts": about(field).accepts,
        }
        for field in type(settings).model_fields
    ]
    if as_json:
        print_json({"settings": rows, "ignored": settings.ignored})
        return
    shown = [(row["name"], row["value"], row["source"], row["accepts"]) for row in rows]
    print_table("Settings", ("name", "value", "source", "accepts"), shown)
    if settings.ignored:
        note(f"In .env, but no settings of ours: {', '.join(settings.ignored)}")
