"""Each judge of dashboards complains of what it is there for, and says where that is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from stack.grafana import problems
from stack.grafana.addresses import panel_id
from stack.grafana.dashboards import Dashboard, load_dashboard
from stack.rules import load_rules

KNOWN = {"up": frozenset(), "requests_total": frozenset({"status"}), "threshold:many:count": ()}
FIELDS = {"@timestamp", "message", "log.level"}
SOURCES = {"prometheus": "prometheus", "elasticsearch": "elasticsearch"}
RULE_FILE = """\
groups:
  - name: requests
    rules:
      - record: threshold:many:count
        expr: vector(7)
      - alert: TooMany
        expr: sum by (service) (requests_total{job="softfactory"}) > scalar(threshold:many:count)
        labels: {service: "{{ $labels.service }}"}
        annotations: {runbook_url: "https://example.org/TooMany.md", dashboard_url: "LINK"}
"""
LINK = (
    f"/d/softfactory-alerts?viewPanel={panel_id('TooMany')}&var-service={{{{ $labels.service }}}}"
)
RULES = load_rules(RULE_FILE.replace("LINK", LINK), "rules.yml")
MEASURED = 'sum by (service) (requests_total{job="softfactory",service=~"$service"})'


def target(expr: str = MEASURED, legend: str = "{{service}}", ref_id: str = "A") -> Any:
    return {"refId": ref_id, "legendFormat": legend, "expr": expr}


def search(query: str = "log.level:error", **more: Any) -> Any:
    return {
        "datasource": {"type": "elasticsearch", "uid": "elasticsearch"},
        "targets": [
            {
                "refId": "A",
                "query": query,
                "timeField": "@timestamp",
                "metrics": [{"id": "1", "type": "count"}],
                "bucketAggs": [],
            }
        ],
        **more,
    }


def panel(**changed: Any) -> Any:
    return {
        "id": panel_id("TooMany"),
        "type": "timeseries",
        "title": "TooMany",
        "datasource": {"type": "prometheus", "uid": "prometheus"},
        "gridPos": {"x": 0, "y": 0, "w": 8, "h": 8},
        "links": [{"title": "Runbook", "url": "https://example.org/TooMany.md"}],
        "targets": [target(), target("threshold:many:count", "> many:count", "limit")],
        **changed,
    }


def board(*panels: Any, file: str = "one.json", **changed: Any) -> Dashboard:
    return load_dashboard(
        json.dumps(
            {
                "uid": "one",
                "title": "One",
                "tags": ["softfactory"],
                "schemaVersion": 39,
                "timezone": "utc",
                "templating": {
                    "list": [
                        {
                            "name": "service",
                            "type": "query",
                            "datasource": {"type": "prometheus", "uid": "prometheus"},
                            "query": "label_values(up, service)",
                        }
                    ]
                },
                "panels": panels or [panel()],
                **changed,
            }
        ),
        file,
    )


def of(**changed: Any) -> list[Dashboard]:
    return [board(panel(**changed))]


def asking(expr: str, legend: str = "") -> list[Dashboard]:
    return of(targets=[target(expr, legend)])


def missing_metrics(dashboards: list[Dashboard]) -> list[str]:
    return problems.unknown_metrics(dashboards, KNOWN)


def missing_fields(dashboards: list[Dashboard]) -> list[str]:
    return problems.unknown_fields(dashboards, FIELDS)


def missing_sources(dashboards: list[Dashboard]) -> list[str]:
    return problems.unknown_sources(dashboards, SOURCES)


def missing_alerts(dashboards: list[Dashboard]) -> list[str]:
    return problems.alerts_not_shown(dashboards[0], RULES)


Judge = Callable[[list[Dashboard]], list[str]]
JUDGES: list[Judge] = [
    problems.duplicates,
    problems.not_askable,
    missing_metrics,
    missing_fields,
    missing_sources,
    problems.typed_thresholds,
    problems.not_of_the_chosen_service,
    missing_alerts,
    problems.unlike_the_others,
]

BROKEN: list[tuple[str, Judge, list[Dashboard], str]] = [
    ("two with one uid", problems.duplicates, [board(), board(file="b.json")], "have the uid one"),
    ("two with one title", problems.duplicates, [board(), board(uid="b")], "all are 'One'"),
    ("two panels with one id", problems.duplicates, [board(panel(), panel())], "have id"),
    ("two panels in one place", problems.duplicates, [board(panel(), panel(id=1))], "overlap"),
    (
        "two questions with one name",
        problems.duplicates,
        of(targets=[target(), target()]),
        "TooMany: has 2 questions called A",
    ),
    ("no Lucene", problems.not_askable, of(**search("a AND")), "TooMany, A: a word, a phrase"),
    ("no PromQL", problems.not_askable, asking("sum(up"), "TooMany, A: not valid PromQL"),
    ("a strange variable", problems.not_askable, asking("up[$__weeks]"), "$__weeks"),
    ("no question", problems.not_askable, of(targets=[]), "TooMany: asks nothing"),
    ("a metric of nobody's", missing_metrics, asking("request_total"), "exports request_total"),
    ("any metric", missing_metrics, asking('{job="x"}'), 'exports {job="x"}'),
    ("a matcher of no label", missing_metrics, asking('up{status="1"}'), "up has no label status"),
    ("no such group", missing_metrics, asking("sum by (status) (up)"), "status to group by"),
    ("a field of no record", missing_fields, of(**search("level:error")), "the field level"),
    ("a field to exist", missing_fields, of(**search("_exists_:tag")), "the field tag"),
    (
        "a column of no record",
        missing_fields,
        of(**search(transformations=[{"id": "organize", "options": {"indexByName": {"host": 0}}}])),
        "the field host",
    ),
    (
        "an unknown data source",
        missing_sources,
        of(datasource={"type": "prometheus", "uid": "P1809F7CD0C75ACF3"}),
        "no data source P1809F7CD0C75ACF3",
    ),
    (
        "a data source of another kind",
        missing_sources,
        of(**search(datasource={"type": "elasticsearch", "uid": "prometheus"})),
        "of the kind elasticsearch",
    ),
    ("a number in PromQL", problems.typed_thresholds, asking("up > 0.05"), "0.05 is typed in"),
    ("a number as a line", problems.typed_thresholds, asking("vector(7)", "> 7"), "7 is typed in"),
    ("a line of no threshold", problems.typed_thresholds, asking("up", "> up"), "no recorded one"),
    ("a number in Lucene", problems.typed_thresholds, of(**search("a:>1000")), "A: >1000 is"),
    (
        "a step",
        problems.typed_thresholds,
        of(fieldConfig={"defaults": {"thresholds": {"steps": [{"value": 90}]}}}),
        "TooMany: 90 is typed in",
    ),
    (
        "a step of one series",
        problems.typed_thresholds,
        of(
            fieldConfig={
                "overrides": [
                    {"properties": [{"id": "thresholds", "value": {"steps": [{"value": 90}]}}]}
                ]
            }
        ),
        "TooMany: 90 is typed in",
    ),
    ("Grafana's own step", problems.typed_thresholds, of(type="stat"), "red at 80"),
    (
        "another's series",
        problems.not_of_the_chosen_service,
        asking('up{job="softfactory"}'),
        'lacks service=~"$service"',
    ),
    ("no panel", missing_alerts, of(id=1), "TooMany has no panel"),
    ("a panel of no alert", missing_alerts, of(id=1), "TooMany is no alert of rules.yml"),
    ("another name", missing_alerts, of(title="Many"), "its panel is called Many"),
    ("no runbook", missing_alerts, of(links=[]), "does not link its runbook"),
    ("nothing measured", missing_alerts, asking("up"), "requests_total, which it reads"),
    ("no threshold", missing_alerts, of(targets=[target()]), "no threshold is drawn"),
    (
        "a threshold that is no line",
        missing_alerts,
        of(targets=[target(), target("threshold:many:count", "many")]),
        "no threshold is drawn",
    ),
    ("another zone", problems.unlike_the_others, [board(timezone="browser")], "browser, not UTC"),
    (
        "another version",
        problems.unlike_the_others,
        [board(), board(), board(schemaVersion=16)],
        "schemaVersion is 16",
    ),
    ("no tag", problems.unlike_the_others, [board(tags=[])], "lacks the tag"),
    (
        "no choice",
        problems.unlike_the_others,
        [board(templating={"list": []})],
        "no service can be chosen",
    ),
    ("an export", problems.unlike_the_others, [board(iteration=1)], "`iteration` is what an"),
    (
        "a dead link",
        problems.unlike_the_others,
        of(links=[{"title": "Two", "url": "/d/two?viewPanel=1"}]),
        "/d/two?viewPanel=1 leads to no dashboard",
    ),
]


@pytest.mark.parametrize("judge", JUDGES)
def test_a_judge_has_nothing_to_say_of_a_sound_dashboard(judge: Judge) -> None:
    assert judge([board()]) == []


@pytest.mark.parametrize(
    ("judge", "dashboards", "said"),
    [pytest.param(judge, given, said, id=name) for name, judge, given, said in BROKEN],
)
def test_a_judge_complains_of_what_is_broken_and_says_where(
    judge: Judge, dashboards: list[Dashboard], said: str
) -> None:
    found = judge(dashboards)
    assert any(said in complaint for complaint in found), found
    assert all(".json" in complaint.partition(": ")[0] for complaint in found)


@pytest.mark.parametrize(
    "link",
    [
        LINK.replace("softfactory-alerts", "softfactory-overview"),
        LINK.replace(str(panel_id("TooMany")), str(panel_id("TooFew"))),
        LINK.replace("{{ $labels.service }}", "shop"),
        LINK.partition("&")[0],
        f"https://grafana.example{LINK}",
        "",
    ],
)
def test_a_rule_that_does_not_lead_to_its_panel_is_told_what_to_write(link: str) -> None:
    rules = load_rules(RULE_FILE.replace("LINK", link), "rules.yml")
    assert problems.alerts_not_shown(board(), rules) == [
        f"one.json: TooMany: its rule leads elsewhere; write dashboard_url: {LINK!r}"
    ]


def test_a_rule_without_a_link_is_told_what_to_write() -> None:
    rules = load_rules(RULE_FILE.replace(', dashboard_url: "LINK"', ""), "rules.yml")
    (complaint,) = problems.alerts_not_shown(board(), rules)
    assert complaint.endswith(f"write dashboard_url: {LINK!r}")


def test_every_judge_is_shown_to_complain() -> None:
    assert {judge for _, judge, _, _ in BROKEN} == set(JUDGES)
    names = {"missing_metrics", "missing_fields", "missing_sources", "missing_alerts"}
    judges = set(problems.__all__) - {"shown_metrics"}
    assert len(JUDGES) == len(judges)
    assert {judge.__name__ for judge in JUDGES} - names <= judges
