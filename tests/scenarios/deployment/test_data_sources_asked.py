"""Grafana's data sources answer, each as its kind is asked; a silent one is told by its uid."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.deployment.data_sources import (
    AskedSource,
    asked_sources,
    judge_sources,
    path_of,
    read_asked,
    wanted_sources,
)
from scenarios.deployment.inspection import Inspection
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.visit import Answer
from scenarios.verdict import Status, Verdict
from stack.clients.server import Server
from stack.grafana.data_sources import DataSource, load_data_sources
from stack.logs.connection import Connection
from tests.scenarios.deployment.doubles import TOKEN, Grafana
from tests.scenarios.deployment.house import visit

SOURCES = {one.uid: one for one in load_data_sources()}
LOKI = DataSource(uid="loki", name="Loki", type="loki")


def target(double: Grafana, token: str = TOKEN) -> DeploymentTarget:
    return DeploymentTarget(
        watchers={"grafana": Server(url=double.url, token=token)},
        elasticsearch=Connection(),
    )


def found(asked: DeploymentTarget) -> Verdict:
    looking = Inspection(visit(asked), print)
    return judge_sources(looking.of(asked_sources), wanted_sources(asked))


def test_all_that_is_provisioned_passes_and_is_only_read(grafana: Grafana) -> None:
    verdict = found(target(grafana))
    assert verdict.status is Status.PASS, verdict
    assert verdict.observed == "3 of 3 answer"
    assert [verb for verb, _ in grafana.asked] == ["GET"] * 3


def test_neither_the_clusters_health_nor_a_backend_is_asked_for_where_there_is_none(
    grafana: Grafana,
) -> None:
    found(target(grafana))
    health = [path for _, path in grafana.asked if path.endswith("/health")]
    assert health == ["/api/datasources/uid/prometheus/health"]


def test_who_names_no_elasticsearch_is_not_asked_for_its_data_source(grafana: Grafana) -> None:
    del grafana.sources["elasticsearch"]
    without = DeploymentTarget(watchers={"grafana": Server(url=grafana.url, token=TOKEN)})
    assert found(without).status is Status.PASS
    assert found(target(grafana)).status is Status.FAIL


@pytest.mark.parametrize("uid", SOURCES)
def test_a_data_source_that_is_missing_fails_by_its_uid(grafana: Grafana, uid: str) -> None:
    del grafana.sources[uid]
    verdict = found(target(grafana))
    assert verdict.status is Status.FAIL
    assert verdict.observed.startswith(f"{uid}: Grafana answers ")
    assert verdict.observed.count("\n") == 0


@pytest.mark.parametrize(
    ("uid", "status", "body", "says"),
    [
        (
            "prometheus",
            400,
            {"status": "ERROR", "message": "connect: connection refused"},
            "prometheus: Grafana answers 400: connect: connection refused",
        ),
        (
            "elasticsearch",
            500,
            {"message": "An error occurred within the plugin", "statusCode": 500},
            "elasticsearch: Grafana answers 500: An error occurred within the plugin",
        ),
        (
            "elasticsearch",
            401,
            {"error": {"type": "security_exception", "reason": "no"}, "status": 401},
            "elasticsearch: Grafana answers 401: Elasticsearch says security_exception: no",
        ),
        ("elasticsearch", 200, {}, "elasticsearch: it shows no index softfactory-logs-*"),
        ("alertmanager", 500, "Bad Gateway", "alertmanager: Grafana answers 500: Bad Gateway"),
        ("alertmanager", 200, {"status": "success"}, "not what Alertmanager answers"),
        ("prometheus", 200, "<html>", "prometheus: this is not what Grafana answers"),
    ],
)
def test_one_that_does_not_answer_fails_while_the_others_are_asked(
    grafana: Grafana, uid: str, status: int, body: Any, says: str
) -> None:
    grafana.replies[path_of(SOURCES[uid])] = (status, body)
    verdict = found(target(grafana))
    assert verdict.status is Status.FAIL
    assert says in verdict.observed
    assert len(grafana.asked) == 3


@pytest.mark.parametrize("token", ["", "another"])
def test_without_its_token_nothing_is_known_and_the_option_is_named(
    grafana: Grafana, token: str
) -> None:
    verdict = found(target(grafana, token))
    assert verdict.status is Status.UNKNOWN
    assert "asks who is asking" in verdict.observed
    assert "--grafana-token-file" in verdict.look


def test_of_a_grafana_that_is_gone_nothing_is_known() -> None:
    verdict = found(DeploymentTarget(watchers={"grafana": Server(url="http://127.0.0.1:1")}))
    assert verdict.status is Status.UNKNOWN
    assert "connection refused" in verdict.observed


def test_another_kind_without_health_is_told_and_is_no_failure() -> None:
    body = '{"message": "Plugin unavailable", "messageId": "plugin.unavailable"}'
    answer = Answer(url="", status=500, content_type="", location="", text=body)
    told = (AskedSource(source=SOURCES["prometheus"]), read_asked(LOKI, answer))
    verdict = judge_sources(told, (SOURCES["prometheus"], LOKI))
    assert verdict.status is Status.PASS
    assert verdict.observed == "1 of 2 answer; not asked: loki"
    assert read_asked(SOURCES["prometheus"], answer).problem


def test_what_was_not_asked_is_no_pass() -> None:
    wanted = tuple(SOURCES.values())
    assert judge_sources((), wanted).status is Status.UNKNOWN
    assert judge_sources(Missing(why="no time"), wanted).status is Status.UNKNOWN
