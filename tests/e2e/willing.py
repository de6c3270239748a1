"""AlphaForge as it is, but with a strategy that makes a signal of nearly every candle."""

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))

import alphaforge.bootstrap
from alphaforge.cli import main
from desks import WILLING

alphaforge.bootstrap.DEFAULT_SETTINGS = WILLING  # what it is handed as a default elsewhere

if __name__ == "__main__":
    main()
