"""What every command shares: how it is run, how it fails, and what its exit code means.

0   done, and the answer is yes
1   done, and the answer is no: a signal that does not verify, a check that failed, no such row
2   what was asked or set cannot be meant
3   the market cannot be asked
4   the database cannot be used
70  a defect of AlphaForge
130 interrupted
"""

import errno
import sys
import traceback
from contextlib import suppress

from typer.exceptions import Abort, TyperException

from alphaforge.cli.streams import complete_streams, silence_output
from alphaforge.core.errors import AlphaForgeError, Conflict, InvalidInput, MarketError, NotOffered, StorageError

OK, NEGATIVE, USAGE, MARKET, DATABASE, DEFECT, INTERRUPTED = 0, 1, 2, 3, 4, 70, 130
_CODES: tuple[tuple[type[AlphaForgeError], int], ...] = (
    (InvalidInput, USAGE),
    (NotOffered, USAGE),
    (MarketError, MARKET),
    (StorageError, DATABASE),
    (Conflict, NEGATIVE),
)


def run(arguments: list[str]) -> int:
    """Run the command line and answer its exit code; every failure becomes a sentence."""
    complete_streams()
    from alphaforge.cli.app import app  # noqa: PLC0415 - reports its own broken imports like any other failure
    from alphaforge.cli.state import state  # noqa: PLC0415 - the same

    state.begin(debug="--debug" in arguments, as_json="--json" in arguments)
    try:
        code = app(args=[one for one in arguments if one != "--debug"], prog_name="alphaforge", standalone_mode=False)
        sys.stdout.flush()
    except (KeyboardInterrupt, Abort):
        return INTERRUPTED
    except BrokenPipeError:
        silence_output()
        return OK
    except SystemExit as ended:
        if not isinstance(ended.__context__, BrokenPipeError):
            raise
        silence_output()  # the command line's library met it first
        return OK
    except Exception as error:  # noqa: BLE001 - the last resort of a program: a sentence, and the trace on request
        return _failed(error)
    return code if isinstance(code, int) else OK


def _failed(error: Exception) -> int:
    """Say what went wrong and answer the exit code."""
    match error:
        case AlphaForgeError():
            _say(error.message, error.advice, type(error).__name__)
            return exit_code(error)
        case TyperException():
            _say(error.format_message(), "`--help` behind a command says what it takes.", "Usage")
            return error.exit_code
        case OSError():
            advice = "Make room." if error.errno in _NO_ROOM else "Check its name and its rights."
            _say(f"{error.filename or 'The output'}: {error.strerror or error}", advice, "File")
            return USAGE
        case _:
            _say(f"Unexpected: {type(error).__name__}: {error}", _DEFECT_ADVICE, "Defect")
            return DEFECT


_NO_ROOM = frozenset({errno.ENOSPC, errno.EDQUOT})
_DEFECT_ADVICE = "This is a defect of AlphaForge. `--debug` shows where; please report it with that."


def exit_code(error: AlphaForgeError) -> int:
    """The exit code that an error stands for."""
    return next((code for kind, code in _CODES if isinstance(error, kind)), NEGATIVE)


def _say(message: str, advice: str, kind: str) -> None:
    """The failure in plain words on standard error, and as JSON on standard output where that was asked for."""
    from alphaforge.cli.output import print_json  # noqa: PLC0415 - only where something failed
    from alphaforge.cli.state import state  # noqa: PLC0415 - the same

    hidden = state.redactor.text
    if state.debug:
        sys.stderr.write(hidden(traceback.format_exc()))
    sys.stderr.write("\n".join(line for line in (hidden(message), hidden(advice)) if line) + "\n")
    if state.as_json:
        with suppress(OSError):  # where the output itself is what failed, standard error has said so
            print_json({"error": {"kind": kind, "message": hidden(message), "advice": hidden(advice)}})
