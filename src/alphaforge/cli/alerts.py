"""`alphaforge alerts`: test the channels, list what was sent. Both work beside a running server."""

import asyncio
from typing import Annotated, Any

import typer

from alphaforge.cli.opening import reading
from alphaforge.cli.output import AsJson, note, print_json, print_table, say
from alphaforge.cli.state import state
from alphaforge.core.errors import InvalidSetting, NotDelivered
from alphaforge.core.times import rfc3339

app = typer.Typer(help="Alerts: test the channels, see what was sent.", no_args_is_help=True)


@app.command("test")
def try_channels(
    channel: Annotated[str | None, typer.Option(help="Only this one, by its name; all without.")] = None,
    *,
    as_json: AsJson = False,
) -> None:
    """Send a test message to the channels of the settings, now, and say what came of it."""
    found = asyncio.run(_tested(channel))
    failed = [name for name, error in found if error is not None]
    if as_json:
        print_json({"channels": [{"channel": name, "sent": error is None, "error": error} for name, error in found]})
    else:
        print_table("Alerts", ("channel", "test"), [(name, error or "sent") for name, error in found])
    if failed:
        note(f"Not delivered to {', '.join(failed)}.")
        raise typer.Exit(1)


async def _tested(name: str | None) -> list[tuple[str, str | None]]:
    """Each channel's name, and why the message was not taken."""
    import time  # noqa: PLC0415 - `--help` needs none of it

    from alphaforge.desk_work import open_channels  # noqa: PLC0415 - the same
    from alphaforge.tasks.alert_delivery import trial_message  # noqa: PLC0415 - the same
    from alphaforge.tasks.alerts import Alerts  # noqa: PLC0415 - the same

    settings = state.settings()
    channels, notifier = await open_channels(settings)
    if settings.telegram_bot_token is not None and "telegram" not in {one.name for one in channels}:
        note("TELEGRAM_BOT_TOKEN and TELEGRAM_CHAT_ID make no channel: both are needed, as Telegram gives them.")
    if notifier is None or not channels:
        raise InvalidSetting("There is no channel", advice="Set ALERT_URLS; docs/operations.md shows how.")
    asked = [Alerts(channels).channel(name)] if name is not None else channels

    async def sent(one: Any) -> str | None:  # noqa: ANN401 - a Channel, imported when used
        try:
            await notifier.send(one, trial_message(one, time.time()))
        except NotDelivered as error:
            return error.message
        return None

    problems = await asyncio.gather(*(sent(one) for one in asked))
    return [(one.name, problem) for one, problem in zip(asked, problems, strict=True)]


@app.command("list")
def list_alerts(
    *,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List alerts, newest first: to which channel, when, and what stood in the way."""
    found = asyncio.run(_listed(limit))
    if as_json:
        print_json({"alerts": found})
        return
    if not found:
        say("No alerts.")
        return
    names = ("id", "created_at", "kind", "title", "channel", "status", "attempts", "error")
    headings = ("id", "time", "kind", "what", "channel", "status", ">attempts", "problem")
    print_table("Alerts", headings, [[one[name] for name in names] for one in found])


async def _listed(limit: int) -> list[dict[str, Any]]:
    from alphaforge.alerts.templates import queued_of  # noqa: PLC0415 - `--help` needs none of it
    from alphaforge.storage.alerts import ALERT, alert_status  # noqa: PLC0415 - the same
    from alphaforge.storage.jobs import JobRepository  # noqa: PLC0415 - the same

    async with reading(state.settings()) as database, database.read() as connection:
        jobs = await JobRepository(connection).page((ALERT,), limit=limit)
    found = []
    for job in jobs:
        one = queued_of(job.payload)
        found.append(
            {
                "id": job.id,
                "created_at": rfc3339(round(job.created_at)),
                "kind": one.kind,
                "title": one.title,
                "channel": one.name,
                "status": alert_status(job),
                "attempts": job.attempts,
                "error": job.error,
            }
        )
    return found
