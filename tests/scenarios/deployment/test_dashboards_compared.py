"""Grafana shows the repository's dashboards, or what is missing or differs is told by its name."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from scenarios.deployment.dashboards import (
    differences,
    judge_dashboards,
    opened_dashboards,
    read_opened,
)
from scenarios.deployment.inspection import Inspection
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.visit import Answer
from scenarios.verdict import Status, Verdict
from stack.clients.server import Server
from stack.grafana.shown import load_shown, read_shown
from tests.scenarios.deployment.doubles import TOKEN, Grafana
from tests.scenarios.deployment.house import visit

WANTED = load_shown()
LOGS = "softfactory-logs"


def target(double: Grafana, token: str = TOKEN) -> DeploymentTarget:
    return DeploymentTarget(watchers={"grafana": Server(url=double.url, token=token)})


def found(asked: DeploymentTarget) -> Verdict:
    looking = Inspection(visit(asked), print)
    return judge_dashboards(looking.of(opened_dashboards), WANTED)


def panel(double: Grafana, title: str, uid: str = LOGS) -> Any:
    (one,) = (one for one in double.dashboards[uid]["panels"] if one["title"] == title)
    return one


def test_what_is_provisioned_passes_with_all_that_grafana_adds_and_is_only_read(
    grafana: Grafana,
) -> None:
    verdict = found(target(grafana))
    assert verdict.status is Status.PASS, verdict
    assert grafana.asked == [("GET", f"/api/dashboards/uid/{one.uid}") for one in WANTED]


def test_a_dashboard_that_is_missing_fails_by_its_name(grafana: Grafana) -> None:
    del grafana.dashboards[LOGS]
    verdict = found(target(grafana))
    assert verdict.status is Status.FAIL
    assert verdict.observed == f"{LOGS} is not there: Dashboard not found"


def rename(double: Grafana) -> None:
    panel(double, "Records by level")["title"] = "Records"


def take_out(double: Grafana) -> None:
    double.dashboards[LOGS]["panels"].remove(panel(double, "Records by level"))


def add(double: Grafana) -> None:
    double.dashboards[LOGS]["panels"].append({"id": 99, "type": "text", "title": "Mine"})


def ask_otherwise(double: Grafana) -> None:
    panel(double, "Records by level")["targets"][0]["query"] = "*"


def group_otherwise(double: Grafana) -> None:
    panel(double, "Records by level")["targets"][0]["bucketAggs"][0]["field"] = "message"


def ask_somebody_else(double: Grafana) -> None:
    panel(double, "Records by level")["datasource"] = {"type": "elasticsearch", "uid": "old"}


def ask_more(double: Grafana) -> None:
    panel(double, "Records by level")["targets"].append({"refId": "B", "query": "level:*"})


def ask_nothing(double: Grafana) -> None:
    panel(double, "Records by level")["targets"] = []


def call_otherwise(double: Grafana) -> None:
    double.dashboards[LOGS]["title"] = "Logs of ours"


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (rename, "shown, and not in the repository: Records"),
        (take_out, f"{LOGS}: not shown: Records by level"),
        (add, "shown, and not in the repository: Mine"),
        (ask_otherwise, "Records by level, query A: query is '*', in the repository 'service.name"),
        (group_otherwise, "Records by level, query A: bucketAggs is"),
        (ask_somebody_else, "query A: asks 'old', in the repository 'elasticsearch'"),
        (ask_more, "query B: is asked, and not in the repository"),
        (ask_nothing, "query A: is not asked"),
        (call_otherwise, f"{LOGS}: its title is 'Logs of ours'"),
    ],
)
def test_each_difference_is_told(grafana: Grafana, change: Any, says: str) -> None:
    change(grafana)
    verdict = found(target(grafana))
    assert verdict.status is Status.FAIL
    assert says in verdict.observed
    others = {one.uid for one in WANTED} - {LOGS}
    assert not any(uid in verdict.observed for uid in others)


@pytest.mark.parametrize("token", ["", "another"])
def test_without_its_token_nothing_is_known_and_the_option_is_named(
    grafana: Grafana, token: str
) -> None:
    verdict = found(target(grafana, token))
    assert verdict.status is Status.UNKNOWN
    assert "answers 401: it asks who is asking (Unauthorized)" in verdict.observed
    assert "--grafana-token-file" in verdict.look
    assert len(grafana.asked) == 1


def test_a_dashboard_that_this_token_may_not_see_is_not_known(grafana: Grafana) -> None:
    denied = {"accessErrorId": "ACE1", "message": "You'll need additional permissions"}
    grafana.replies[f"/api/dashboards/uid/{LOGS}"] = (403, denied)
    verdict = found(target(grafana))
    assert verdict.status is Status.UNKNOWN
    assert LOGS in verdict.observed


def test_of_a_grafana_that_is_gone_nothing_is_known() -> None:
    gone = DeploymentTarget(watchers={"grafana": Server(url="http://127.0.0.1:1")})
    verdict = found(replace(gone, timeout_seconds=1.0))
    assert verdict.status is Status.UNKNOWN
    assert "connection refused" in verdict.observed


@pytest.mark.parametrize(
    ("status", "text", "says"),
    [
        (500, '{"message": "Error while loading dashboard"}', "500: Error while loading dashboard"),
        (406, '{"message": "dashboard api version not supported"}', "406: dashboard api version"),
        (302, "", "302: it says nothing"),
        (200, "<html>log in</html>", "not JSON"),
        (200, '{"id": 1}', "not what Grafana answers"),
        (200, '{"dashboard": {"uid": "a", "title": "A", "elements": {}}}', "dashboard of panels"),
    ],
)
def test_what_is_no_dashboard_fails(status: int, text: str, says: str) -> None:
    answer = Answer(url="https://g.io", status=status, content_type="", location="", text=text)
    opened = read_opened("a", answer)
    assert opened.shown is None
    assert says in opened.problem
    wanted = (replace(WANTED[0], uid="a"),)
    assert judge_dashboards((opened,), wanted).status is Status.FAIL


def test_what_was_not_asked_for_is_no_pass() -> None:
    assert judge_dashboards((), WANTED).status is Status.FAIL
    assert judge_dashboards(Missing(why="no time"), WANTED).status is Status.UNKNOWN


def test_layout_numbers_and_empty_settings_are_no_difference() -> None:
    text = '{"uid": "a", "title": "A", "panels": [{"title": "P", "targets": [%s]}]}'
    ours = text % '{"refId": "A", "expr": "up\\n  == 1", "step": 10.0, "legendFormat": ""}'
    theirs = text % '{"refId": "A", "expr": "up == 1", "step": 10, "range": true}'
    assert not [*differences(read_shown(ours, "ours"), read_shown(theirs, "theirs"))]
