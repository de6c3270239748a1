"""`make bench`: every benchmark in turn, each printing its question and its answer."""

import platform
import sys
from datetime import UTC, datetime

from benchmarks import evaluation, generation


def main() -> int:
    """Run all; 0 even where a target is missed, since a figure is a figure."""
    when = datetime.now(UTC).strftime("%Y-%m-%d %H:%M")
    print(f"{when} UTC, Python {platform.python_version()}, {platform.machine()}, {generation.cores()} cores")
    evaluation.run()
    generation.run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
