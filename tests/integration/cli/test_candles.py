import csv
from collections.abc import Callable
from pathlib import Path

import pytest

from alphaforge.core.candles import CandleSeries
from alphaforge.market.candle_files import CsvCandles
from builders import GBP_USD, MONDAY, walk
from command_line import Answer, Run


def write(path: Path, candles: CandleSeries) -> Path:
    with path.open("w", newline="") as file:
        CsvCandles(file).write(candles)
    return path


def take_in(run: Run, folder: Path, count: int = 600, *more: object) -> Answer:
    return run("candles", "import", write(folder / "in.csv", walk(GBP_USD, count, seed=3)), "gbpusd", "--json", *more)


def test_what_is_imported_is_exported_to_the_last_bit(run: Run, folder: Path, database: Path) -> None:
    del database
    assert take_in(run, folder).json["new_or_changed"] == 600
    assert run("candles", "export", "GBP/USD", "out.csv").code == 0
    assert (folder / "out.csv").read_text() == (folder / "in.csv").read_text()
    assert run("candles", "export", "GBP/USD").out == (folder / "in.csv").read_text()


def test_parquet_goes_both_ways(run: Run, folder: Path, database: Path) -> None:
    pytest.importorskip("pyarrow", reason="Parquet is an extra")
    del database
    take_in(run, folder)
    assert run("candles", "export", "GBP_USD", "out.parquet", "--json").json["candles"] == 600
    again = run("candles", "import", "out.parquet", "GBP_USD", "--json").json
    assert (again["read"], again["new_or_changed"]) == (600, 0)


def test_an_export_of_years_has_every_candle_once(run: Run, folder: Path, database: Path) -> None:
    """It is read in half-years; the seams must neither lose nor double a candle."""
    del database
    half_year = 26 * 7 * 86_400
    first = walk(GBP_USD, 30, seed=1)
    for number, start in enumerate((MONDAY, MONDAY + half_year - 3_000, MONDAY + 2 * half_year - 300)):
        write(folder / "in.csv", walk(GBP_USD, 30, seed=number, start=start, gaps=0.0))
        assert run("candles", "import", "in.csv", "GBP_USD").code == 0
    run("candles", "export", "GBP_USD", "out.csv")
    with (folder / "out.csv").open() as file:
        times = [row["timestamp"] for row in csv.DictReader(file)]
    assert len(times) == len(set(times)) == 90
    assert times == sorted(times)
    assert len(first) == 30


def test_an_export_may_be_bounded(run: Run, folder: Path, database: Path) -> None:
    del database
    take_in(run, folder, 600)
    bounds = ("--from", "2025-01-06T01:00:00Z", "--to", "2025-01-06T02:00:00Z")
    with (folder / "in.csv").open() as file:
        rows = list(csv.DictReader(file))
    wanted = [row for row in rows if "2025-01-06T01:00:00Z" <= row["timestamp"] < "2025-01-06T02:00:00Z"]
    out = run("candles", "export", "GBP_USD", *bounds).out
    assert list(csv.DictReader(out.splitlines())) == wanted != []


def test_impossible_candles_are_refused_whole_or_left_out_on_request(run: Run, folder: Path, database: Path) -> None:
    del database
    path = write(folder / "bad.csv", walk(GBP_USD, 10, seed=3))
    lines = path.read_text().splitlines()
    lines[3] = lines[3].replace(lines[3].split(",")[2], "0.001")  # its high
    path.write_text("\n".join(lines) + "\n")
    refused = run("candles", "import", path, "GBP_USD")
    assert refused.code == 2
    assert "1 of 10 candles are impossible" in refused.err
    assert lines[3].split(",")[0] in refused.err
    assert run("candles", "check", "--json").json == []
    taken = run("candles", "import", path, "GBP_USD", "--skip-bad", "--json").json
    assert (taken["new_or_changed"], taken["left_out"]) == (9, 1)


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda rows: [rows[0], rows[2], rows[1]], "is older than the candle before it"),
        (lambda rows: [*rows[:2], "2096-01-02" + rows[2][10:]], "the one of 2096-01-02T00:10:00Z has not ended yet"),
    ],
    ids=["out of order", "of the future"],
)
def test_candles_of_the_wrong_time_are_refused_too(
    run: Run, folder: Path, database: Path, spoil: Callable[[list[str]], list[str]], why: str
) -> None:
    del database
    path = write(folder / "bad.csv", walk(GBP_USD, 3, seed=3, gaps=0.0))
    heading, *rows = path.read_text().splitlines()
    path.write_text("\n".join([heading, *spoil(rows)]) + "\n")
    refused = run("candles", "import", path, "GBP_USD")
    assert refused.code == 2
    assert why in refused.err
    assert run("candles", "import", path, "GBP_USD", "--skip-bad", "--json").json["left_out"] == 1


def test_a_volume_that_no_candle_has_is_refused_with_its_row(run: Run, folder: Path, database: Path) -> None:
    del database
    path = write(folder / "bad.csv", walk(GBP_USD, 3, seed=3, gaps=0.0))
    heading, *rows = path.read_text().splitlines()
    rows[1] = rows[1].rpartition(",")[0] + ",1e300"
    path.write_text("\n".join([heading, *rows]) + "\n")
    refused = run("candles", "import", path, "GBP_USD")
    assert refused.code == 2
    assert "bad.csv, row 3: a volume of 1e+300 cannot be" in refused.err


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 41])
def test_a_source_without_a_usable_name_is_refused(run: Run, folder: Path, database: Path, name: str) -> None:
    del database
    refused = take_in(run, folder, 10, "--source", name)
    assert refused.code == 2
    assert "Accepted: 1 to 40 printable characters." in refused.err
    assert run("candles", "check", "--json").json == []


def test_an_export_of_no_time_at_all_is_refused(run: Run, folder: Path, database: Path) -> None:
    del database
    take_in(run, folder, 10)
    refused = run("candles", "export", "GBP_USD", "--from", "2025-01-07T00:00:00Z", "--to", "2025-01-06T00:00:00Z")
    assert (refused.code, refused.out) == (2, "")
    assert "--from comes before --to" in refused.err


def test_check_reports_holes_in_open_hours_by_source_and_instrument(run: Run, folder: Path, database: Path) -> None:
    del database
    whole = walk(GBP_USD, 100, seed=3, gaps=0.0)
    write(folder / "a.csv", whole.rows(0, 50))
    write(folder / "b.csv", whole.rows(53))
    for name in ("a.csv", "b.csv"):
        run("candles", "import", name, "GBP_USD", "--source", "mine")
    answer = run("candles", "check", "gbp-usd", "--json")
    assert answer.code == 0
    (found,) = answer.json
    assert (found["source"], found["instrument"]) == ("mine", "GBP_USD")
    assert found["quality"]["candles"] == 97
    assert [gap["missing"] for gap in found["quality"]["gaps"]] == [3]
    assert "GBP_USD of mine: the longest of 1 holes" in run("candles", "check").out


def test_a_source_must_be_named_where_there_are_two(run: Run, folder: Path, database: Path) -> None:
    del database
    take_in(run, folder, 10)
    take_in(run, folder, 10, "--source", "mine")
    refused = run("candles", "export", "GBP_USD")
    assert refused.code == 2
    assert "import, mine" in refused.err
    assert run("candles", "export", "GBP_USD", "--source", "mine").code == 0


def test_writing_while_a_server_runs_is_refused_with_what_to_do(run: Run, folder: Path, held: Path) -> None:
    refused = take_in(run, folder)
    assert refused.code == 4
    assert f"{held} is in use" in refused.err
    assert "Stop the server" in refused.err
    assert run("candles", "check").code == 0


def test_candles_that_are_not_there_are_a_negative_answer(run: Run, database: Path) -> None:
    del database
    assert run("candles", "export", "gold").code == 1
    assert run("candles", "check").out == "There are no candles.\n"


def test_a_file_that_cannot_be_written_is_said_so(run: Run, folder: Path, database: Path) -> None:
    del database
    take_in(run, folder, 10)
    refused = run("candles", "export", "GBP_USD", "nowhere/out.csv")
    assert refused.code == 2
    assert "nowhere/out.csv: No such file or directory" in refused.err


def test_json_and_candles_do_not_mix_on_standard_output(run: Run, folder: Path, database: Path) -> None:
    del database
    take_in(run, folder, 10)
    assert run("candles", "export", "GBP_USD", "--json").code == 2


def test_a_spread_is_given_in_pips_of_the_instrument(run: Run, folder: Path, database: Path) -> None:
    del database
    (folder / "mids.csv").write_text("time,open,high,low,close\n2025-01-06T00:00:00Z,150.0,150.0,150.0,150.0\n")
    run("candles", "import", "mids.csv", "usd/jpy", "--spread", 1.5)
    (row,) = csv.DictReader(run("candles", "export", "USD_JPY").out.splitlines())
    assert float(row["ask_open"]) - float(row["bid_open"]) == pytest.approx(0.015)
