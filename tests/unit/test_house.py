"""The house itself: documents that say what is there, locks that pin, exceptions that carry their reason."""

import ast
import re
import tomllib
from dataclasses import fields
from fractions import Fraction
from pathlib import Path

import pytest
from typer.main import get_command

from alphaforge.backtests.setting_meanings import MEANINGS
from alphaforge.cli import frame
from alphaforge.cli.app import app
from alphaforge.settings import Settings
from alphaforge.signals.settings import StrategySettings

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "src" / "alphaforge"
MODULES = sorted(PACKAGE.rglob("*.py"))
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCKS = ("requirements.lock", "requirements-dev.lock")


def read(path: str) -> str:
    return (ROOT / path).read_text()


def table(path: str, first: str) -> dict[str, list[str]]:
    """The rows of the table whose heading begins with `first`, by their first cell without its backquotes."""
    lines = read(path).splitlines()
    start = next(number for number, line in enumerate(lines) if line.startswith(f"| {first} |"))
    rows = {}
    for line in lines[start + 2 :]:
        if not line.startswith("|"):
            break
        key, *cells = [cell.strip() for cell in line.strip("|").split("|")]
        rows[key.strip("`")] = cells
    return rows


def commands() -> set[str]:
    """Every command of the command line, in full."""
    found = set()
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        inner = getattr(command, "commands", None)
        found |= {f"alphaforge {name} {one}" for one in inner or ()}
        if not inner or command.invoke_without_command:
            found.add(f"alphaforge {name}")
    return found


def test_every_room_is_in_the_picture_and_every_room_of_the_picture_exists() -> None:
    rooms = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name.rstrip("/") for name in table("docs/architecture.md", "room")} == rooms
    picture = read("docs/architecture.md").split("```")[1]
    assert set(re.findall(r'\["(\w+)/', picture)) == rooms


def test_every_module_of_the_wiring_is_named() -> None:
    wiring = {path.name for path in PACKAGE.glob("*.py")} - {"__init__.py", "__main__.py"}
    text = read("docs/architecture.md")
    assert {name for name in wiring if f"`{name}`" not in text} == set()
    named = {name for name in re.findall(r"`(\w+\.py)`", text) if "/" not in name}
    assert named <= wiring


def test_every_room_has_its_layer() -> None:
    layers = next(one for one in PROJECT["tool"]["importlinter"]["contracts"] if one["id"] == "layers")["layers"]
    named = {name.strip() for layer in layers for name in re.split(r"[|:]", layer)}
    present = {path.stem for path in PACKAGE.glob("*.py")} - {"__init__"}
    present |= {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    assert {name for name in named if not name.startswith("(")} <= present
    assert present <= {name.strip("()") for name in named}


def test_every_setting_is_documented_with_its_default_and_nothing_else_is() -> None:
    rows = table("docs/operations.md", "name")
    settings = Settings()
    shown = {name.upper(): settings.shown(name) or "none" for name in Settings.model_fields}
    assert {name: cells[0].strip("`") for name, cells in rows.items()} == shown


def test_every_setting_is_read_by_the_wiring() -> None:
    wiring = "".join(path.read_text() for path in MODULES if path.parent == PACKAGE and path.name != "settings.py")
    wiring += "".join(path.read_text() for path in (PACKAGE / "cli").rglob("*.py"))
    assert [name for name in Settings.model_fields if not re.search(rf"settings\.{name}\b", wiring)] == []


def test_every_number_of_the_strategy_is_documented_with_its_default() -> None:
    def value(text: str, default: object) -> object:
        if isinstance(default, tuple):
            return tuple(type(default[0])(part) for part in text.split(", "))
        return type(default)(Fraction(text))  # type: ignore[call-arg]

    rows = {name: cells[0] for name, cells in table("docs/strategy.md", "name").items()}
    defaults = {field.name: field.default for field in fields(StrategySettings)}
    assert list(rows) == list(defaults)
    assert {name: value(rows[name], default) for name, default in defaults.items()} == defaults


def test_every_number_of_the_strategy_means_what_its_documentation_says() -> None:
    rows = {name: cells[1] for name, cells in table("docs/strategy.md", "name").items()}
    assert {name: meaning.what for name, meaning in MEANINGS.items()} == rows


def test_the_numbers_in_the_strategys_prose_are_those_of_the_settings() -> None:
    text, settings = " ".join(read("docs/strategy.md").split()), StrategySettings()
    for claim in (
        f"the last {settings.window:,} M5 candles",
        f"at least {settings.minimum_candles:,} closed ones",
        f"M5 {settings.weight_m5:.2f}, M15 {settings.weight_m15:.2f}, H1 {settings.weight_h1:.2f}",
        f"if it has at least {settings.minimum_votes:.1f} of them",
        f"closed at most {settings.maximum_age / 60:.0f} minutes ago",
        f"`strength` | {settings.minimum_strength:.0f} or more",
        f"between {settings.minimum_volatility:.2%}".replace("%", " %"),
        f"ADX({settings.adx_period}) on M5 of {settings.minimum_adx:.0f} or more",
        f"at most {settings.maximum_spread_share:.0%}".replace("%", " %"),
        f"at most {settings.exposure_cap} open signals net",
        f"{settings.cooldown / 60:.0f} minutes since the last signal",
        f"**Stop** {settings.stop_atr} x ATR",
        f"**target** {settings.target_atr} x ATR",
        f"neither within {settings.lifetime / 3600:.0f} hours",
        f"has {settings.kelly_minimum_results} results it is {settings.risk_default:.0%}".replace("%", " %"),
        f"never less than {settings.risk_minimum:.1%} or more than {settings.risk_maximum:.0%}".replace("%", " %"),
    ):
        assert claim in text


def test_every_command_is_documented_and_every_documented_command_exists() -> None:
    assert set(table("docs/operations.md", "command")) == commands()


def test_every_exit_code_is_documented() -> None:
    codes = {value for name, value in vars(frame).items() if name.isupper() and isinstance(value, int)}
    assert {int(code) for code in table("docs/operations.md", "exit code")} == codes


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for target in re.findall(r"\]\(([^)\s]+)\)", document.read_text()):
        if not target.startswith(("http://", "https://")):
            path, _, anchor = target.partition("#")
            file = (document.parent / path).resolve() if path else document
            assert file.exists(), target
            assert not anchor or anchor in anchors(file), target


def anchors(document: Path) -> set[str]:
    """What the headings of a document can be reached by."""
    headings = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_documents_named_in_the_code_exist() -> None:
    for module in MODULES:
        for name in re.findall(r"docs/[\w/.-]+\.md", module.read_text()):
            assert (ROOT / name).exists(), f"{module.name} names {name}"


def test_the_readmes_commands_are_targets_and_all_of_them_are_explained() -> None:
    makefile = read("Makefile")
    explained = set(re.findall(r"^([a-z-]+):.*## ", makefile, re.MULTILINE))
    phony = set(re.search(r"^\.PHONY: (.+)$", makefile, re.MULTILINE).group(1).split())  # type: ignore[union-attr]
    assert phony - {"anew"} == explained
    for document in ("README.md", "CONTRIBUTING.md"):
        assert set(re.findall(r"^make ([\w-]+)", read(document), re.MULTILINE)) <= explained


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_pins_every_package_by_hash_and_names_no_address(lock: str) -> None:
    text = read(lock)
    assert "://" not in text
    entries = re.split(r"^(?=[a-z0-9])", text, flags=re.MULTILINE)[1:]
    assert len(entries) > 40
    for entry in entries:
        assert re.match(r"[\w.-]+(\[[\w,-]+\])?==\S+", entry), entry.splitlines()[0]
        assert "--hash=sha256:" in entry, entry.splitlines()[0]


@pytest.mark.parametrize("lock", LOCKS)
def test_a_lock_has_what_the_project_asks_for_and_no_second_data_frame(lock: str) -> None:
    locked = {canonical(name) for name in re.findall(r"^([\w.-]+)(?:\[.*\])?==", read(lock), re.MULTILINE)}
    wanted = [*PROJECT["project"]["dependencies"], *PROJECT["dependency-groups"]["build"]]
    wanted += PROJECT["dependency-groups"]["dev"] if "dev" in lock else []
    names = [re.match(r"[\w.-]+", one).group() for one in wanted]  # type: ignore[union-attr]
    assert {canonical(name) for name in names} - locked == set()
    # TA-Lib would import them where they are, 100 MB; pandas comes with what tests hold results against
    assert not locked & ({"polars"} if "dev" in lock else {"pandas", "polars"})


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def test_exceptions_of_the_checkers_carry_their_reason() -> None:
    bare = re.compile(
        r"#\s*(noqa(?!:)|noqa: [A-Z0-9, ]+$|type: ignore(?!\[)|type: ignore\[[\w, -]+\]\s*$|type: ignore\s*$)"
    )
    for module in MODULES:
        for number, line in enumerate(module.read_text().splitlines(), 1):
            assert not bare.search(line), f"{module.relative_to(ROOT)}:{number}: {line.strip()}"


def test_modules_and_functions_stay_readable() -> None:
    for module in MODULES:
        if "migrations" in module.parts:  # a migration is a list of steps, written once
            continue
        text = module.read_text()
        assert len(text.splitlines()) <= 330, f"{module.name} wants a room of its own"
        for node in ast.walk(ast.parse(text)):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                length = (node.end_lineno or node.lineno) - node.lineno + 1
                assert length <= 50, f"{module.name}: {node.name} has {length} lines"


def test_no_module_is_a_drawer_for_everything() -> None:
    vague = re.compile(r"(^|_)(utils?|helpers?|misc|common_?stuff|v2|optimized|manager)$")
    assert [path.name for path in MODULES if vague.search(path.stem)] == []


def test_talib_is_imported_in_one_place_by_any_means() -> None:
    """import-linter does not see `import_module`."""
    importing = re.compile(r"^\s*(import|from) talib|import_module\(.talib", re.MULTILINE)
    found = [path for path in MODULES if importing.search(path.read_text())]
    assert [path.relative_to(PACKAGE).as_posix() for path in found] == ["indicators/library.py"]
