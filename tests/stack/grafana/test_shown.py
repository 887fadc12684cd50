"""What a dashboard shows is read alike from its file and from what Grafana answers."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.grafana.dashboards import Dashboard, DashboardError, load_dashboards
from stack.grafana.data_sources import DataSource, load_data_sources
from stack.grafana.shown import load_shown, read_answer, read_shown
from stack.yamlfile import ConfigurationError

FOLDED = {
    "uid": "a",
    "title": "A",
    "panels": [
        {
            "type": "row",
            "title": "Rate",
            "panels": [
                {
                    "title": "Requests",
                    "datasource": {"type": "prometheus", "uid": "prometheus"},
                    "targets": [{"refId": "A", "expr": "up", "legendFormat": "", "hide": False}],
                }
            ],
        }
    ],
}


@pytest.mark.parametrize("dashboard", load_dashboards(), ids=lambda one: one.uid)
def test_every_panel_and_query_of_a_shipped_dashboard_is_found(dashboard: Dashboard) -> None:
    (shown,) = (one for one in load_shown() if one.uid == dashboard.uid)
    assert [one.title for one in shown.panels] == [one.title for one in dashboard.panels]
    for panel, read in zip(shown.panels, dashboard.panels, strict=True):
        assert [(one.ref_id, one.source) for one in panel.queries] == [
            (one.ref_id, one.source) for one in read.queries
        ]


def test_the_panels_of_a_folded_row_are_the_dashboards_and_what_is_empty_is_not_set() -> None:
    row, panel = read_answer(json.dumps({"meta": {}, "dashboard": FOLDED}), "here").panels
    assert (row.title, row.queries) == ("Rate", ())
    (query,) = panel.queries
    assert (query.ref_id, query.source, query.settings) == ("A", "prometheus", {"expr": "up"})


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "here:1: not JSON"),
        ("[]", "here:1: not a dashboard"),
        ('{"uid": "a", "title": "A"}', "here:1: not a dashboard of panels: KeyError('panels')"),
        ('{"uid": "a", "title": "A", "panels": [1]}', "here:1: not a dashboard of panels"),
    ],
)
def test_what_is_no_dashboard_is_told(text: str, says: str) -> None:
    with pytest.raises(DashboardError) as told:
        read_shown(text, "here")
    assert str(told.value).startswith(says)


def test_an_answer_without_a_dashboard_is_told() -> None:
    for text in ("{}", "[]", "null"):
        with pytest.raises(DashboardError, match="not what Grafana answers"):
            read_answer(text, "here")
    with pytest.raises(DashboardError, match="here:1: deeper than any dashboard"):
        read_answer("[" * 100_000, "here")


def test_a_folder_without_any_is_told(tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match="there is no dashboard in it"):
        load_shown(tmp_path)
    with pytest.raises(ConfigurationError, match="there is no data source in it"):
        load_data_sources(tmp_path)


def test_a_data_source_is_known_by_its_uid_name_and_kind(tmp_path: Path) -> None:
    (tmp_path / "a.yml").write_text("datasources: [{uid: p, name: P, type: prometheus, url: x}]")
    assert load_data_sources(tmp_path) == (DataSource(uid="p", name="P", type="prometheus"),)
    (tmp_path / "a.yml").write_text("datasources: [{name: P, type: prometheus}]")
    with pytest.raises(ConfigurationError, match=r"a\.yml:1: needs `datasources`, each with `uid`"):
        load_data_sources(tmp_path)


def test_every_data_source_that_a_shipped_panel_asks_is_one_that_grafana_is_given() -> None:
    given = {one.uid for one in load_data_sources()}
    asked = {
        query.source
        for dashboard in load_shown()
        for panel in dashboard.panels
        for query in panel.queries
    }
    assert asked
    assert asked <= given
