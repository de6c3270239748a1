"""The command line: one module a noun. Answers go to standard output, everything else to standard error."""

import sys
from collections.abc import Sequence


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command and exit with its code."""
    from alphaforge.cli.frame import run  # noqa: PLC0415 - importing the package must cost nothing

    sys.exit(run(sys.argv[1:] if arguments is None else list(arguments)))
