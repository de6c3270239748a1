"""A process that performs tasks of a backtest over candles in a folder: `python -m` this, for nobody but its parent.

It imports the rules and nothing of database, interface or command line: numbers in, numbers out. Asked and answered
in frames (8 bytes of length, JSON) over its standard streams; it ends when nobody can ask any more.
"""

import os
import shutil
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import IO, Any

import msgspec

from alphaforge.core.errors import AlphaForgeError

LENGTH = 8
"""Bytes before each frame that say how long it is."""
SCRATCH = "alphaforge-backtest-"
"""How the names of folders begin that are there for one backtest only."""
REQUEST = "request.json"
"""The file beside the candles that says what is asked."""

Answers = dict[str, Callable[[Any], object]]


def frame(value: object) -> bytes:
    """A value as it is sent: JSON, where NaN is null."""
    content = msgspec.json.encode(value)
    return len(content).to_bytes(LENGTH, "big") + content


@dataclass(frozen=True, slots=True)
class Line:
    """The two streams to the parent. Nothing else may be written to standard output, so it is moved away."""

    asked: "SimpleQueue[Any]"
    out: IO[bytes]

    @classmethod
    def of_this_process(cls, folder: Path) -> "Line":
        """Take the standard streams; end the process as soon as the parent is gone, whatever it is at.

        A parent that was killed has left its folder behind: that goes, too.
        """
        asked: SimpleQueue[Any] = SimpleQueue()
        source, out = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
        os.dup2(2, 1)

        def listen() -> None:
            while len(head := source.read(LENGTH)) == LENGTH:
                asked.put(msgspec.json.decode(source.read(int.from_bytes(head, "big"))))
            if folder.name.startswith(SCRATCH):
                shutil.rmtree(folder, ignore_errors=True)
            os._exit(0)

        threading.Thread(target=listen, daemon=True).start()
        return cls(asked, out)

    def serve(self, answers: Answers) -> None:
        """Answer until the process ends. What is foreseen is answered in words; what is not ends the process."""
        while True:
            asked = self.asked.get()
            try:
                answer: dict[str, object] = {"answer": answers[asked["ask"]](asked["with"])}
            except AlphaForgeError as error:
                answer = {"error": type(error).__name__, "message": error.message, "advice": error.advice}
            self.out.write(frame(answer))
            self.out.flush()


def main() -> None:
    """Serve the folder that the first argument names."""
    folder = Path(sys.argv[1])
    line = Line.of_this_process(folder)
    try:
        from alphaforge.workflows.backtest_tasks import answers_of  # noqa: PLC0415 - the parent is listened to first

        line.serve(answers_of(folder))
    except BaseException:  # noqa: BLE001 - the last resort: what nobody foresaw ends this process, and is told
        traceback.print_exc()
        sys.stderr.flush()
        os._exit(70)


if __name__ == "__main__":
    main()
