"""The files of deploy/prometheus, as promtool and whoever is woken at night need them."""

import re

import pytest
import yaml

from monitoring_files import CONFIGURATION, RULE_TESTS, RULES, RUNBOOK, SOURCE, alerts, rules
from prometheus_process import promtool


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "rules", "--lint=all", "--lint-fatal", RULES),
        ("test", "rules", RULE_TESTS),
        ("check", "config", "--lint=all", "--lint-fatal", CONFIGURATION),
    ],
    ids=lambda arguments: " ".join(map(str, arguments[:2])),
)
def test_promtool_is_content(arguments):
    result = promtool(*map(str, arguments))

    assert result.returncode == 0, result.stdout


def test_every_alert_is_seen_firing():
    tests = yaml.safe_load(RULE_TESTS.read_text())["tests"]
    cases = [case for test in tests for case in test["alert_rule_test"]]

    assert {case["alertname"] for case in cases if case["exp_alerts"]} == set(alerts())


@pytest.mark.parametrize("name", alerts())
def test_an_alert_says_how_urgent_it_is_what_is_wrong_and_where_to_read_on(name):
    alert = alerts()[name]

    assert alert["labels"]["severity"] in ("page", "ticket")
    assert re.fullmatch(r"[1-9]\d*m", alert["for"])
    assert set(alert["annotations"]) == {"summary", "description", "runbook_url"}
    assert alert["annotations"]["runbook_url"] == f"docs/runbook.md#{name.lower()}"


def test_rules_have_names_of_their_own():
    names = [rule.get("alert") or rule["record"] for rule in rules()]

    assert len(names) == len(set(names))


def test_every_alert_has_a_section_in_the_runbook_and_the_other_way_round():
    sections = re.findall(r"^#+ (Upscaler\w+)$", RUNBOOK.read_text(), re.MULTILINE)

    assert sections == list(alerts())


def test_the_runbook_names_lines_of_the_log_and_settings_that_there_are():
    runbook = RUNBOOK.read_text()
    sources = "".join(
        file.read_text() for room in ("server", "gateway") for file in (SOURCE / room).rglob("*.cc")
    )
    messages = re.findall(r'\.message == "([^"]+)"', runbook)
    settings = set(re.findall(r"`--([a-z-]+)", runbook))

    assert [one for one in messages if f'"{one}"' not in sources] == []
    assert [one for one in settings if f'"{one}"' not in sources] == []
