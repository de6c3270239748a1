"""The web client's house: what its sources may not have, whatever they show."""

import json
import re
from pathlib import Path

WEB = Path(__file__).parents[2] / "web"
SOURCES = sorted(
    path
    for path in (WEB / "src").rglob("*")
    if path.suffix in {".svelte", ".ts", ".css"} and not path.name.endswith((".d.ts", ".test.ts"))
)
PAGES = {"desk", "signals", "record", "journal", "backtest", "performance", "settings"}
SHARED = {"signals/Explanation.svelte", "journal/EntryDialog.svelte"}
"""What pages take of each other: a signal's reasons, and the form of an entry. All else that two show has a room."""

FORBIDDEN = {
    r"\{@html\b": "content would become markup",
    r"\b(inner|outer)HTML\b|insertAdjacentHTML|document\.write": "content would become markup",
    r"\sstyle=[\"'{]": "the policy refuses style attributes: style:name={value}",
    r"\bon\w+=\"": "the policy refuses handlers that are text",
    r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]": "the policy refuses text that is run",
    r"\bjavascript:": "the same",
    r"\bsrcdoc\b|<iframe|<object|<embed": "a page within the page",
    r"@import|url\(\s*[\"']?(https?:)?//": "nothing is loaded from elsewhere",
    r"\bEventSource\(|\bWebSocket\(": "there is one stream, in live/, and it carries the key",
}


def text_of(path: Path) -> str:
    return path.read_text()


def having(pattern: str) -> list[str]:
    """The sources in which a pattern is found."""
    return [path.relative_to(WEB / "src").as_posix() for path in SOURCES if re.search(pattern, text_of(path))]


def imports(path: Path) -> list[Path]:
    """The files of ours that a source imports, as they are named."""
    named = re.findall(r"(?:from|import)\s*\(?\s*[\"'](\.[^\"']*)[\"']", text_of(path))
    return [(path.parent / one).resolve().relative_to(WEB / "src") for one in named]


def test_there_are_sources() -> None:
    assert len(SOURCES) > 30


def test_nothing_that_is_shown_can_become_markup_or_program() -> None:
    found = [
        f"{path.relative_to(WEB)}: {match.group()!r}: {why}"
        for path in SOURCES
        for pattern, why in FORBIDDEN.items()
        if (match := re.search(pattern, text_of(path)))
    ]
    assert found == []


def test_no_address_of_anybody_else_is_loaded_only_linked() -> None:
    """An address may stand in a link, where the reader goes there, and in the names of standards."""
    for path in [*SOURCES, WEB / "index.html"]:
        for line in text_of(path).splitlines():
            for address in re.findall(r"https?://[^\s\"'`)<]+", line):
                harmless = "href=" in line or "w3.org" in address or line.strip().startswith(("//", "*", "/*", "/**"))
                assert harmless, f"{path.relative_to(WEB)}: {address}"


def test_modules_stay_readable() -> None:
    long = [path.relative_to(WEB) for path in SOURCES if len(text_of(path).splitlines()) > 330]
    assert long == []


def test_no_module_is_a_drawer_for_everything() -> None:
    vague = re.compile(r"(^|[_.-])(utils?|helpers?|misc|common|manager|v2)$", re.IGNORECASE)
    assert [path.name for path in SOURCES if vague.search(path.name.split(".")[0])] == []


def test_pages_take_of_each_other_what_they_share_and_the_shared_rooms_know_no_page() -> None:
    taken = set()
    for path in SOURCES:
        room = path.relative_to(WEB / "src").parts[0]
        for imported in imports(path):
            if imported.parts[0] in PAGES and room not in {imported.parts[0], "App.svelte"}:
                assert room in PAGES, f"{path.relative_to(WEB)} knows {imported}"
                taken.add(imported.as_posix())
    assert taken == SHARED


def test_the_interfaces_shapes_come_by_the_client_of_the_interface() -> None:
    users = [
        path.relative_to(WEB / "src").as_posix()
        for path in SOURCES
        if re.search(r"[\"'][./]*\S*/schema[\"']", text_of(path))
    ]
    assert users == ["api/client.ts"]


def test_pages_ask_the_server_by_its_client_alone() -> None:
    """So that each request carries the key, and each failure is said in the same words; a key is tried without one."""
    known = {"api/client.ts", "live/stream.ts", "shell/KeyForm.svelte"}
    assert set(having(r"\bfetch\(|XMLHttpRequest|sendBeacon")) <= known


def test_nothing_is_asked_again_and_again() -> None:
    """The stream says when something happened; clocks are for what time it is, and whether another tab still lives."""
    assert set(having(r"\bsetInterval\(")) <= {"live/live.svelte.ts", "live/together.ts"}


def test_the_lock_names_no_registry_and_pins_by_hash() -> None:
    text = text_of(WEB / "package-lock.json")
    assert "registry" not in text
    packages = {name: one for name, one in json.loads(text)["packages"].items() if name}
    assert len(packages) > 50
    assert [name for name, one in packages.items() if not str(one.get("integrity", "")).startswith("sha512-")] == []
    assert [name for name, one in packages.items() if "resolved" in one] == []


def test_what_is_asked_for_is_asked_for_exactly() -> None:
    package = json.loads(text_of(WEB / "package.json"))
    asked = package["dependencies"] | package["devDependencies"]
    assert [name for name, version in asked.items() if not re.fullmatch(r"\d+\.\d+\.\d+", version)] == []
    settings = set(text_of(WEB / ".npmrc").split())
    assert {"omit-lockfile-registry-resolved=true", "save-exact=true"} <= settings
    assert not [one for one in settings if "registry" in one.partition("=")[0] and "omit" not in one]
