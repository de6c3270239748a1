"""What deploy/ asks of Prometheus exists: every figure, every label, every process's address."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser as promql
import pytest
import yaml

from alphaforge.telemetry.figures import BY_NAME, Across, Family, Kind

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES: list[dict[str, Any]] = [
    rule
    for group in yaml.safe_load((DEPLOY / "prometheus" / "alerts.yml").read_text())["groups"]
    for rule in group["rules"]
]
DASHBOARD: dict[str, Any] = json.loads((DEPLOY / "grafana" / "alphaforge.json").read_text())
PANELS: list[dict[str, Any]] = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
ASKED = [(rule["alert"], rule["expr"]) for rule in RULES] + [
    (panel["title"], target["expr"]) for panel in PANELS for target in panel["targets"]
]
OF_PROMETHEUS = {"job", "instance"}
DRAWN_FROM = {"le"}


def nodes(expression: str) -> list[Any]:
    found: list[Any] = []
    promql.walk(promql.parse(expression.replace("$__rate_interval", "1m")), found.append)
    return found


def selectors(expression: str) -> Iterator[Any]:
    for node in nodes(expression):
        if isinstance(node, promql.MatrixSelector):
            yield node.vector_selector
        elif isinstance(node, promql.VectorSelector):
            yield node


def family_of(name: str) -> Family:
    if name in BY_NAME:
        assert BY_NAME[name].kind is not Kind.HISTOGRAM, f"{name} is a histogram: ask for a part of it"
        return BY_NAME[name]
    whole = re.sub(r"_(bucket|count|sum)$", "", name)
    assert whole in BY_NAME, f"there is no figure {name}"
    assert BY_NAME[whole].kind is Kind.HISTOGRAM
    return BY_NAME[whole]


def labels_of(family: Family) -> set[str]:
    return {*family.labels, *({"process"} if family.across is Across.EACH else ())} | OF_PROMETHEUS


@pytest.mark.parametrize(("where", "expression"), ASKED)
def test_every_question_is_of_figures_and_labels_that_exist(where: str, expression: str) -> None:
    known: set[str] = set(DRAWN_FROM)
    for selector in selectors(expression):
        if selector.name == "up":
            continue
        labels = labels_of(family_of(selector.name))
        assert {matcher.name for matcher in selector.matchers.matchers} <= labels, where
        known |= labels
    for node in nodes(expression):
        if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
            assert set(node.modifier.labels) <= known, where


@pytest.mark.parametrize(("where", "expression"), ASKED)
def test_counts_are_asked_for_by_their_rate_and_states_are_not(where: str, expression: str) -> None:
    for node in nodes(expression):
        if isinstance(node, promql.Call) and node.func.name in {"rate", "increase"}:
            name = node.args[0].vector_selector.name
            assert family_of(name).kind is not Kind.GAUGE, where
    ranged = {selector.vector_selector.name for selector in nodes(expression) if hasattr(selector, "vector_selector")}
    for selector in selectors(expression):
        if selector.name != "up" and selector.name not in ranged:
            assert family_of(selector.name).kind is Kind.GAUGE, where


def test_alerts_have_names_of_their_own_and_say_what_is_wrong_and_where_to_begin() -> None:
    names = [rule["alert"] for rule in RULES]
    assert len(set(names)) == len(names)
    for rule in RULES:
        assert rule["labels"]["severity"] in {"page", "warn"}
        assert rule["annotations"].keys() == {"summary", "description"}


def test_what_alerts_say_names_only_labels_that_their_result_has() -> None:
    for rule in RULES:
        named = set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        given = {"instance"} if "up" in rule["expr"] else set()
        for node in nodes(rule["expr"]):
            if isinstance(node, promql.AggregateExpr) and node.modifier is not None:
                given |= set(node.modifier.labels)
        if not any(isinstance(node, promql.AggregateExpr) for node in nodes(rule["expr"])):
            given |= {
                label for one in selectors(rule["expr"]) if one.name != "up" for label in labels_of(family_of(one.name))
            }
        assert named <= given, rule["alert"]


def test_panels_lie_side_by_side_and_each_says_what_it_shows() -> None:
    taken: dict[tuple[int, int], int] = {}
    for panel in DASHBOARD["panels"]:
        place = panel["gridPos"]
        assert place["x"] + place["w"] <= 24
        for x in range(place["x"], place["x"] + place["w"]):
            for y in range(place["y"], place["y"] + place["h"]):
                assert taken.setdefault((x, y), panel["id"]) == panel["id"], panel["title"]
    assert len({panel["id"] for panel in DASHBOARD["panels"]}) == len(DASHBOARD["panels"])
    assert all(panel["description"] for panel in PANELS)


def test_the_dashboard_shows_every_figure_but_those_that_say_what_runs() -> None:
    shown = {family_of(one.name).name for _, expression in ASKED for one in selectors(expression) if one.name != "up"}
    told_elsewhere = {"build_info", "process_start_seconds", "process_open_files", "process_threads"}
    assert {name.removeprefix("alphaforge_") for name in BY_NAME.keys() - shown} <= told_elsewhere


def test_prometheus_asks_one_address_with_the_desks_key() -> None:
    config = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (scrape,) = config["scrape_configs"]
    (target,) = scrape["static_configs"][0]["targets"]
    compose = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
    assert target.partition(":")[0] in compose["services"]
    (secret,) = compose["services"]["prometheus"]["secrets"]
    assert scrape["authorization"]["credentials_file"] == f"/run/secrets/{secret}"
    assert compose["secrets"][secret] == {"environment": "API_KEY"}
    (datasource,) = yaml.safe_load(compose["configs"]["grafana_datasource"]["content"])["datasources"]
    assert datasource["type"] == DASHBOARD["templating"]["list"][0]["query"]
    assert scrape["metrics_path"] == "/metrics"
    assert [str(name) for name in config["rule_files"]] == ["alerts.yml"]
