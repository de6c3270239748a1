"""What loading TA-Lib may bring along."""

import subprocess
import sys
from pathlib import Path

PROBE = """
import sys
sys.path.insert(0, {fakes!r})
import alphaforge.indicators as indicators
import numpy
assert "pandas" not in sys.modules and "polars" not in sys.modules, "a data-frame library was loaded"
assert indicators.ema(numpy.arange(10.0), 3)[-1] == 8.0
import pandas, polars
assert pandas.Series and polars.Series, "a later import of them must work"
"""


def test_data_frame_libraries_stay_unloaded_where_they_are_installed(tmp_path: Path) -> None:
    for name in ("pandas", "polars"):
        (tmp_path / f"{name}.py").write_text("class Series: pass\n")
    probe = PROBE.format(fakes=str(tmp_path))
    found = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)  # noqa: S603 - our own text
    assert found.returncode == 0, found.stderr
