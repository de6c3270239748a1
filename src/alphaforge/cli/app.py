"""The commands by name."""

from typing import Annotated

import typer

from alphaforge.cli import alerts, backtest, candles, signals
from alphaforge.cli.backup import backup, restore
from alphaforge.cli.config import config
from alphaforge.cli.doctor import doctor
from alphaforge.cli.openapi import openapi
from alphaforge.cli.performance import performance
from alphaforge.cli.sandbox import sandbox
from alphaforge.cli.scan import scan
from alphaforge.cli.serve import serve
from alphaforge.cli.strategy_checks import lookahead_check, warmup_check
from alphaforge.cli.worker import worker

app = typer.Typer(
    name="alphaforge",
    help="A self-hosted signal desk and trading journal for forex and gold.",
    epilog="Exit codes: 0 yes, 1 no, 2 wrong use or setting, 3 market, 4 database. Add --debug for traces.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(*, asked: bool) -> None:
    if asked:
        from importlib.metadata import version  # noqa: PLC0415 - only where it is asked for

        typer.echo(version("alphaforge"))
        raise typer.Exit


@app.callback()
def _root(
    *, version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False
) -> None:
    """Hold the options that stand before a command."""


app.command()(serve)
app.command()(worker)
app.command()(scan)
app.command()(sandbox)
app.command()(config)
app.command()(doctor)
app.command()(performance)
app.command()(openapi)
app.command()(lookahead_check)
app.command()(warmup_check)
app.command()(backup)
app.command()(restore)
app.add_typer(signals.app, name="signals")
app.add_typer(candles.app, name="candles")
app.add_typer(alerts.app, name="alerts")
app.add_typer(backtest.app, name="backtest")
