"""A dashboard is read into panels and questions; what can't be read is named, with its file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from stack.grafana.dashboards import (
    DashboardError,
    Query,
    concrete,
    load_dashboard,
    load_dashboards,
)


def promql(text: str) -> Query:
    return Query(ref_id="A", source="prometheus", kind="prometheus", text=text)


def lucene(text: str) -> Query:
    return Query(ref_id="A", source="elasticsearch", kind="elasticsearch", text=text)


def test_a_file_that_is_no_json_is_named_with_its_line() -> None:
    with pytest.raises(DashboardError, match=r"^one\.json:2: not JSON"):
        load_dashboard("{\n]", "one.json")


def test_what_a_dashboard_lacks_is_named() -> None:
    with pytest.raises(DashboardError, match=r"^one\.json:1: .*'uid'"):
        load_dashboard(json.dumps({"title": "One"}), "one.json")


def test_a_folder_without_dashboards_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DashboardError, match="no dashboard in it"):
        load_dashboards(tmp_path)


def test_a_variable_becomes_everything_that_it_could_be() -> None:
    query = promql('rate(x{service=~"${service:regex}",slo=~"$slo"}[$__rate_interval])')
    assert concrete(query) == 'rate(x{service=~".+",slo=~".+"}[1m])'
    assert concrete(lucene("service.name:$service")) == "service.name:*"


def test_a_variable_takes_the_value_that_is_given() -> None:
    query = promql('x{service=~"$service"}[$__range]')
    assert concrete(query, {"service": "shop"}) == 'x{service=~"shop"}[1h]'
    assert concrete(query, keep={"service"}) == 'x{service=~"$service"}[1h]'


def test_a_variable_without_a_value_is_named_with_those_that_are_known() -> None:
    with pytest.raises(DashboardError, match=r"\$cluster .*known: service"):
        concrete(promql('x{cluster="$cluster"}'))


def test_the_question_that_fills_a_variable_is_a_question_of_the_dashboard() -> None:
    dashboards = {dashboard.file: dashboard for dashboard in load_dashboards()}
    asked = dict(dashboards["logs.json"].queries)
    service = asked["logs.json: variable service"]
    assert (service.kind, service.fields) == ("elasticsearch", ("service.name",))
    objective = asked["logs.json: variable objective"]
    assert (objective.kind, objective.text) == (
        "prometheus",
        "threshold:latency_objective:milliseconds",
    )
    assert "logs.json: variable request_id" not in asked


def test_every_field_that_a_search_names_is_found() -> None:
    (dashboard,) = (one for one in load_dashboards() if one.file == "logs.json")
    fields = {field for _, query in dashboard.queries for field in query.fields}
    assert fields >= {"@timestamp", "log.level", "latency_ms", "url.path", "tags", "request_id"}
