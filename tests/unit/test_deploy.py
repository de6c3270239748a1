"""What lies in deploy/ fits together and fits the program: no engine is at hand that could try it."""

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from alphaforge.cli.app import app
from alphaforge.settings import Settings

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").iterdir())
COMPOSE: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = {name: service for name, service in SERVICES.items() if "build" in service}
DOCKERFILE = (DEPLOY / "Dockerfile").read_text()
CADDYFILE = (DEPLOY / "Caddyfile").read_text()
EXAMPLE = dict(re.findall(r"^([A-Z_]+)=(.*)$", (DEPLOY / "example.env").read_text(), re.MULTILINE))
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")
SETTINGS = {name.upper() for name in Settings.model_fields}
COMMANDS = set(get_command(app).commands)  # type: ignore[attr-defined]


def sections(unit: Path) -> RawConfigParser:
    parser = RawConfigParser(strict=False, interpolation=None, delimiters=("=",))
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(unit.read_text())
    return parser


def test_there_are_two_api_processes_and_two_workers_of_one_image_beside_what_they_need() -> None:
    assert {name: service["command"] for name, service in OURS.items()} == {
        "api-1": ["serve"],
        "api-2": ["serve"],
        "worker-1": ["worker"],
        "worker-2": ["worker"],
    }
    assert set(SERVICES) - set(OURS) == {"proxy", "postgres", "valkey", "prometheus", "grafana"}
    asked_for = {name for name, service in SERVICES.items() if "profiles" in service}
    assert asked_for == {"prometheus", "grafana"}
    assert len({service["image"] for service in OURS.values()}) == 1


def test_every_command_that_is_run_exists() -> None:
    run = {service["command"][0] for service in OURS.values()}
    for unit in UNITS:
        run |= set(re.findall(r"/bin/python -m alphaforge (\w+)", unit.read_text()))
    assert {"serve", "worker", "backup"} == run
    assert run <= COMMANDS


def test_every_name_in_the_environment_of_our_services_is_a_setting_and_every_value_is_accepted() -> None:
    given = {"POSTGRES_PASSWORD": "a" * 48, "API_KEY": "k"}
    for name, service in OURS.items():
        environment = service["environment"]
        assert set(environment) <= SETTINGS, name
        values = {setting: filled(str(value), given) for setting, value in environment.items()}
        Settings(**{setting.lower(): value for setting, value in values.items() if value})


def filled(text: str, given: dict[str, str]) -> str:
    """`text` with its variables filled in as compose does: what is given, else the default."""
    return VARIABLE.sub(lambda found: given.get(found[1]) or (found[3] if found[2] == "-" else ""), text)


def test_every_variable_is_explained_in_the_example_and_the_example_holds_no_secret() -> None:
    used = {found[0] for found in VARIABLE.findall((DEPLOY / "compose.yaml").read_text())}
    assert used - {"ALPHAFORGE_VERSION"} == set(EXAMPLE)
    asked_for = {name for name, mark, _ in VARIABLE.findall((DEPLOY / "compose.yaml").read_text()) if mark == "?"}
    assert asked_for == {"POSTGRES_PASSWORD", "API_KEY"}
    assert {EXAMPLE[name] for name in (*asked_for, "OANDA_API_KEY", "OANDA_ACCOUNT_ID")} == {""}


def test_all_processes_together_leave_the_database_some_connections() -> None:
    most = int(re.search(r"max_connections=(\d+)", " ".join(SERVICES["postgres"]["command"])).group(1))  # type: ignore[union-attr]
    wanted = 0
    for service in OURS.values():
        environment = service["environment"]
        wanted += int(environment["DB_POOL_SIZE"]) + int(environment["DB_MAX_OVERFLOW"]) + 2
    assert wanted <= most - 10


def test_the_proxy_asks_the_api_processes_at_the_port_they_listen_on_and_whether_they_live() -> None:
    port = re.search(r"\bPORT=(\d+)", DOCKERFILE).group(1)  # type: ignore[union-attr]
    upstreams = re.search(r"reverse_proxy (.+) \{", CADDYFILE).group(1).split()  # type: ignore[union-attr]
    assert upstreams == [f"{name}:{port}" for name, service in OURS.items() if service["command"] == ["serve"]]
    assert f"EXPOSE {port}" in DOCKERFILE
    assert f"127.0.0.1:{port}/health/live" in DOCKERFILE
    assert "health_uri /health/live" in CADDYFILE
    assert SERVICES["proxy"]["environment"].keys() == set(re.findall(r"\{\$(\w+):", CADDYFILE))


def test_the_proxy_keeps_no_connection_as_long_as_the_server_does_and_holds_no_stream_back() -> None:
    text = (ROOT / "src/alphaforge/asgi.py").read_text()
    kept = int(re.search(r"^KEEP_ALIVE_SECONDS = (\d+)", text, re.MULTILINE).group(1))  # type: ignore[union-attr]
    assert int(re.search(r"^\s+keepalive (\d+)s$", CADDYFILE, re.MULTILINE).group(1)) < kept  # type: ignore[union-attr]
    directives = re.sub(r"#.*", "", CADDYFILE)
    assert not re.search(r"flush_interval|encode|buffer|read_timeout|write_timeout", directives)


def test_the_image_copies_what_exists_and_what_its_ignore_file_lets_through() -> None:
    ignore = (DEPLOY / "Dockerfile.dockerignore").read_text().splitlines()
    copied = [
        name for line in re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE) for name in line.split()
    ]
    assert copied
    for name in copied:
        assert (ROOT / name).exists(), name
        assert f"!{name}" in ignore, name
    assert {line[1:] for line in ignore if line.startswith("!")} == set(copied)


def test_the_image_installs_by_hash_and_its_last_stage_neither_builds_nor_is_root() -> None:
    assert "--require-hashes --only-binary :all: -r requirements.lock" in DOCKERFILE
    last = DOCKERFILE.rpartition("\nFROM ")[2]
    assert "pip install" not in last
    assert "apt-get" not in last
    assert re.search(r"^USER alphaforge$", last, re.MULTILINE)
    assert re.search(r'^ENTRYPOINT \["alphaforge"\]\nCMD \["serve"\]$', last, re.MULTILINE)
    names = set(re.findall(r"\b([A-Z_]+)=", re.search(r"^ENV .*$", last, re.MULTILINE).group()))  # type: ignore[union-attr]
    assert names - {"PATH"} <= SETTINGS


def test_servers_and_workers_are_begun_again_and_every_unit_may_do_little() -> None:
    for unit in UNITS:
        if unit.suffix != ".service":
            continue
        service = sections(unit)["Service"]
        if service["Type"] != "oneshot":
            assert service["Restart"] == "always"
            assert int(service["TimeoutStopSec"]) > 30, "longer than the processes themselves wait for one another"
        for name, value in {"NoNewPrivileges": "yes", "ProtectSystem": "strict", "User": "alphaforge"}.items():
            assert service[name] == value, f"{unit.name}: {name}"


def test_the_timer_belongs_to_the_backup() -> None:
    timer = sections(DEPLOY / "systemd" / "alphaforge-backup.timer")
    assert "OnCalendar" in timer["Timer"]
    assert (DEPLOY / "systemd" / "alphaforge-backup.service").exists()


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.name)
def test_systemd_understands_every_line(unit: Path, tmp_path: Path) -> None:
    if shutil.which("systemd-analyze") is None:
        pytest.skip("No systemd-analyze here")
    for one in UNITS:  # with a program that exists, and a user that does
        text = one.read_text().replace("/opt/alphaforge/.venv/bin/python", "/bin/true")
        (tmp_path / one.name).write_text(text)
    done = subprocess.run(  # noqa: S603 - a program of the system
        ["systemd-analyze", "verify", "--man=no", str(tmp_path / unit.name)],  # noqa: S607 - found on the path above
        capture_output=True,
        text=True,
        check=False,
    )
    about = [line for line in done.stderr.splitlines() if "alphaforge" in line]
    assert about == []
    assert done.returncode == 0
