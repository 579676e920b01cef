"""What rules, dashboard and docs/metrics.md name is what programs serve to a real Prometheus."""

import math
from collections.abc import Iterator

import pytest
import requests
from prometheus_client.parser import text_string_to_metric_families

from monitored_services import GATEWAYS, SERVERS, monitored_services, upscale
from monitoring_files import (
    Metric,
    dashboard_queries,
    documented_metrics,
    metrics_used,
    rules,
    selectors,
)
from prometheus_process import Prometheus, promtool
from server_process import PATIENCE, ServerProcess


@pytest.fixture(scope="module")
def services() -> Iterator[dict[str, list[ServerProcess]]]:
    with monitored_services() as running:
        yield running


@pytest.fixture(scope="module")
def prometheus(services, tmp_path_factory) -> Iterator[Prometheus]:
    """Has scraped all of them while there was work, and has evaluated each rule since."""
    targets = {
        job: [process.admin_url.removeprefix("http://") for process in processes]
        for job, processes in services.items()
    }
    prometheus = Prometheus(tmp_path_factory.mktemp("prometheus"), targets)
    try:
        count = sum(map(len, targets.values()))
        prometheus.await_series("up == 1", count)
        assert upscale(services[SERVERS][0]).status_code == 200
        prometheus.await_series('increase(upscaler_requests_total{code="OK"}[1m]) > 0')
        prometheus.await_series("count_over_time(up[1m]) > 2", count)  # Enough for every rate.
        yield prometheus
    finally:
        prometheus.end()


def exposition(process: ServerProcess) -> str:
    return requests.get(f"{process.admin_url}/metrics", timeout=PATIENCE).text


def served_metrics(services) -> dict[str, Metric]:
    found: dict[str, Metric] = {}
    for process in [process for processes in services.values() for process in processes]:
        for family in text_string_to_metric_families(exposition(process)):
            # The parser takes the ending of counters off, and Prometheus does not.
            name = family.name + ("_total" if family.type == "counter" else "")
            labels = {label for sample in family.samples for label in sample.labels}
            before = found.get(name, Metric(family.type, frozenset()))
            found[name] = Metric(family.type, before.labels | labels - {"le", "quantile"})
    return found


@pytest.mark.parametrize("job", [SERVERS, GATEWAYS])
def test_promtool_finds_nothing_in_what_is_served(services, job):
    result = promtool("check", "metrics", input=exposition(services[job][0]))

    assert (result.returncode, result.stdout) == (0, "")


def test_every_metric_served_is_documented_and_the_other_way_round(services):
    assert served_metrics(services) == documented_metrics()


def test_every_metric_that_is_used_is_served(services):
    expressions = dashboard_queries() + [rule["expr"] for rule in rules()]

    assert set().union(*map(metrics_used, expressions)) - set(served_metrics(services)) == set()


def test_every_query_of_the_dashboard_has_data(prometheus):
    def has_data(query: str) -> bool:
        # A share of nothing is no number, and no panel can show it.
        return any(math.isfinite(float(one["value"][1])) for one in prometheus.query(query))

    assert [query for query in dashboard_queries() if not has_data(query)] == []


def test_everything_that_rules_look_at_is_there(prometheus):
    watched = {one for rule in rules() for one in selectors(rule["expr"])}
    for rule in rules():
        if "record" in rule:
            prometheus.await_series(rule["record"])

    # Most alerts have no series of their own when all is well, but what they compare has.
    assert [selector for selector in sorted(watched) if not prometheus.query(selector)] == []


def test_prometheus_evaluates_every_rule(prometheus):
    prometheus.await_evaluated()

    assert len(prometheus.rules()) == len(rules())
    assert [rule for rule in prometheus.rules() if rule["health"] != "ok"] == []
