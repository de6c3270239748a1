"""Benchmarks lie beside the package, at the root of the repository."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[3]))
