"""deploy/grafana/upscaler.json has the form that Grafana reads, and what its readers need."""

import itertools

import pytest

from monitoring_files import dashboard, panels

GRID_WIDTH = 24


def by_title(panel: dict) -> str:
    return panel["title"]


def test_it_is_for_grafana_9_and_later():
    # Later versions read older forms; the table and the time series came with 7 and 8.
    assert 36 <= dashboard()["schemaVersion"] <= 39
    assert dashboard()["uid"] and dashboard()["title"]
    kinds = {"gauge", "row", "stat", "table", "timeseries"}
    assert {panel["type"] for panel in dashboard()["panels"]} == kinds


def test_its_rows_are_the_three_questions():
    rows = [panel for panel in dashboard()["panels"] if panel["type"] == "row"]

    assert [row["title"] for row in rows] == [
        "Is it healthy",
        "Is it full",
        "Where does the time go",
    ]
    assert not any(row["collapsed"] or row["panels"] for row in rows)


def test_ids_and_titles_are_unique():
    for key in ("id", "title"):
        values = [panel[key] for panel in dashboard()["panels"]]
        assert len(values) == len(set(values)), key


def test_panels_lie_side_by_side():
    def cells(panel: dict) -> set[tuple[int, int]]:
        at = panel["gridPos"]
        return set(
            itertools.product(
                range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"])
            )
        )

    taken = [cells(panel) for panel in dashboard()["panels"]]

    assert all(x < GRID_WIDTH for x, _ in set().union(*taken))
    # None overlap, and they leave no holes.
    bottom = max(y for _, y in set().union(*taken)) + 1
    assert sum(map(len, taken)) == len(set().union(*taken)) == GRID_WIDTH * bottom


def test_variables_are_the_data_source_the_job_and_the_instance():
    variables = {variable["name"]: variable for variable in dashboard()["templating"]["list"]}

    assert list(variables) == ["datasource", "job", "instance"]
    assert variables["datasource"]["type"] == "datasource"
    for name in ("job", "instance"):
        assert variables[name]["includeAll"] and variables[name]["multi"]
        # All of them one by one: every program has process_* metrics.
        assert "allValue" not in variables[name]


@pytest.mark.parametrize("panel", panels(), ids=by_title)
def test_a_panel_can_be_read_without_its_author(panel):
    defaults = panel["fieldConfig"]["defaults"]

    assert panel["title"] and panel["description"].endswith(".")
    assert defaults["unit"] and defaults["thresholds"]["steps"]
    if panel["type"] == "timeseries":
        assert panel["options"]["legend"]["showLegend"]


@pytest.mark.parametrize("panel", panels(), ids=by_title)
def test_a_panel_asks_the_chosen_source_for_the_chosen_jobs(panel):
    sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
    references = [target["refId"] for target in panel["targets"]]

    assert all(one == {"type": "prometheus", "uid": "${datasource}"} for one in sources)
    assert len(references) == len(set(references)) > 0
    for target in panel["targets"]:
        chosen = '{job=~"$job", instance=~"$instance"'
        assert target["legendFormat"]
        assert target["expr"].count(chosen) == target["expr"].count("{") > 0
