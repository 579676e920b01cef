"""What deploy/prometheus, deploy/grafana and the documents say, as Python has it."""

import json
import re
from dataclasses import dataclass
from pathlib import Path

import yaml

SOURCE = Path(__file__).resolve().parents[2]
PROMETHEUS = SOURCE / "deploy/prometheus"
RULES = PROMETHEUS / "upscaler.rules.yaml"
RULE_TESTS = PROMETHEUS / "upscaler.rules.test.yaml"
CONFIGURATION = PROMETHEUS / "prometheus.yaml"
DASHBOARD = SOURCE / "deploy/grafana/upscaler.json"
RUNBOOK = SOURCE / "docs/runbook.md"
METRICS = SOURCE / "docs/metrics.md"

# A metric's name, and what is asked of its labels. Names within the braces are passed over.
_SELECTOR = re.compile(r"(\bup\b|\b(?:upscaler_|process_|namespace_job:)[\w:]+)(\{[^}]*\})?")

# A histogram is one metric with three kinds of series.
_SERIES_OF_HISTOGRAMS = re.compile(r"_(bucket|sum|count)$")


@dataclass(frozen=True)
class Metric:
    type: str
    labels: frozenset[str]


def rules() -> list[dict]:
    groups = yaml.safe_load(RULES.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def alerts() -> dict[str, dict]:
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboard() -> dict:
    return json.loads(DASHBOARD.read_text())


def panels() -> list[dict]:
    """The dashboard's panels without the titles of its rows."""
    return [panel for panel in dashboard()["panels"] if panel["type"] != "row"]


def dashboard_queries() -> list[str]:
    """As Grafana sends them for all jobs and instances."""
    values = {"$job": ".*upscaler.*", "$instance": ".*", "$__rate_interval": "1m"}
    queries = [target["expr"] for panel in panels() for target in panel["targets"]]
    for name, value in values.items():
        queries = [query.replace(name, value) for query in queries]
    return queries


def selectors(expression: str) -> list[str]:
    """The series that an expression is about."""
    return [match.group() for match in _SELECTOR.finditer(expression)]


def metrics_used(expression: str) -> set[str]:
    """The metrics among them that our programs serve."""
    names = {match.group(1) for match in _SELECTOR.finditer(expression)}
    return {
        _SERIES_OF_HISTOGRAMS.sub("", name)
        for name in names
        if name.startswith(("upscaler_", "process_"))
    }


def documented_metrics() -> dict[str, Metric]:
    """The tables of docs/metrics.md."""
    found = {}
    for line in METRICS.read_text().splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        if name := re.fullmatch(r"`((?:upscaler|process|exposer)_\w+)`", cells[0]):
            assert name[1] not in found, f"{name[1]} is described twice"
            labels = frozenset(re.findall(r"`(\w+)`", cells[2]))
            found[name[1]] = Metric(type=cells[1], labels=labels)
    return found
