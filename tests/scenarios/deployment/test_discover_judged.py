"""Discover works where Kibana has the data view, the searches in it, and finds the logs."""

from __future__ import annotations

from typing import Any

import pytest

from scenarios.deployment.discover import (
    DATA_VIEW,
    SEARCH,
    HeldObject,
    discover_objects,
    held_objects,
    judge_discover,
)
from scenarios.deployment.inspection import Inspection
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import DeploymentTarget
from scenarios.deployment.watchers import judge_ready, kibana_ready
from scenarios.verdict import Status, Verdict
from stack.clients.server import Server
from stack.logs.indices import PATTERN
from tests.scenarios.deployment.doubles import TOKEN, Kibana
from tests.scenarios.deployment.house import visit

WANTED = discover_objects()
VIEW = (DATA_VIEW, "softfactory-logs")
ERRORS = (SEARCH, "softfactory-errors")


def target(double: Kibana, token: str = TOKEN) -> DeploymentTarget:
    return DeploymentTarget(watchers={"kibana": Server(url=double.url, token=token)})


def found(asked: DeploymentTarget) -> Verdict:
    looking = Inspection(visit(asked), print)
    return judge_discover(looking.of(held_objects), WANTED)


def test_what_is_imported_passes_and_is_only_read(kibana: Kibana) -> None:
    verdict = found(target(kibana))
    assert verdict.status is Status.PASS, verdict
    assert verdict.observed == f"3 searches in a data view that finds {PATTERN}"
    assert [verb for verb, _ in kibana.asked] == ["GET"] * 4


@pytest.mark.parametrize("gone", [VIEW, ERRORS])
def test_an_object_that_is_missing_fails_by_its_name(kibana: Kibana, gone: tuple[str, str]) -> None:
    del kibana.objects[gone]
    verdict = found(target(kibana))
    assert verdict.status is Status.FAIL
    said = f"Kibana answers 404: Saved object [{'/'.join(gone)}] not found"
    assert f"{gone[1]} can't be opened: {said}" in verdict.observed
    assert verdict.observed.count("\n") == 0


def read_elsewhere(double: Kibana) -> None:
    double.objects[VIEW]["attributes"]["title"] = "logstash-*"


def have_no_time(double: Kibana) -> None:
    del double.objects[VIEW]["attributes"]["timeFieldName"]


def find_nothing(double: Kibana) -> None:
    double.fields = ()


def point_elsewhere(double: Kibana) -> None:
    double.objects[ERRORS]["references"][0]["id"] = "another"


def point_nowhere(double: Kibana) -> None:
    double.objects[ERRORS]["references"] = []


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (
            read_elsewhere,
            f"data view {VIEW[1]} reads logstash-*, and logs are written to {PATTERN}",
        ),
        (have_no_time, "goes by the time of nothing, not @timestamp"),
        (find_nothing, f"finds no @timestamp in {PATTERN}: there is no index, or who asks may not"),
        (point_elsewhere, f"search {ERRORS[1]} reads data view another, not {VIEW[1]}"),
        (point_nowhere, f"search {ERRORS[1]} reads data view none, not {VIEW[1]}"),
    ],
)
def test_each_reason_for_an_empty_discover_is_told(kibana: Kibana, change: Any, says: str) -> None:
    change(kibana)
    verdict = found(target(kibana))
    assert verdict.status is Status.FAIL
    assert says in verdict.observed
    assert verdict.observed.count("\n") == 0


@pytest.mark.parametrize(
    ("path", "status", "body", "says"),
    [
        (
            f"/api/data_views/data_view/{VIEW[1]}",
            500,
            {"statusCode": 500, "error": "Internal Server Error", "message": "No matching indices"},
            "can't be opened: Kibana answers 500: No matching indices",
        ),
        (f"/api/data_views/data_view/{VIEW[1]}", 200, "<html>", "not what Kibana 8 answers"),
        (f"/api/saved_objects/search/{ERRORS[1]}", 200, {"id": 1}, "not what Kibana 8 answers"),
        (f"/api/saved_objects/search/{ERRORS[1]}", 200, [], "not what Kibana 8 answers"),
        (f"/api/saved_objects/search/{ERRORS[1]}", 200, "[" * 100_000, "not what Kibana 8 answers"),
    ],
)
def test_what_is_no_object_of_kibana_fails(
    kibana: Kibana, path: str, status: int, body: Any, says: str
) -> None:
    kibana.replies[path] = (status, body)
    verdict = found(target(kibana))
    assert verdict.status is Status.FAIL
    assert says in verdict.observed


@pytest.mark.parametrize("token", ["", "another"])
def test_without_its_token_nothing_is_known_and_the_option_is_named(
    kibana: Kibana, token: str
) -> None:
    verdict = found(target(kibana, token))
    assert verdict.status is Status.UNKNOWN
    assert "answers 401" in verdict.observed
    assert "--kibana-token-file" in verdict.look


def test_an_account_that_may_not_see_searches_is_not_known(kibana: Kibana) -> None:
    denied = {"statusCode": 403, "error": "Forbidden", "message": "Unable to get search"}
    kibana.replies[f"/api/saved_objects/search/{ERRORS[1]}"] = (403, denied)
    verdict = found(target(kibana))
    assert verdict.status is Status.UNKNOWN
    assert "Unable to get search" in verdict.observed


def test_an_api_key_is_taken_as_a_bearer_token_is(kibana: Kibana) -> None:
    kibana.authorization = f"ApiKey {TOKEN}"
    assert found(target(kibana)).status is Status.PASS
    assert found(target(kibana, "another")).status is Status.UNKNOWN


def test_an_api_key_is_shown_to_who_asks_for_one_before_it_tells_its_status(
    kibana: Kibana,
) -> None:
    kibana.authorization = f"ApiKey {TOKEN}"
    seen = kibana_ready(visit(target(kibana)))
    assert judge_ready("Kibana", seen).status is Status.PASS


def test_of_a_kibana_that_is_gone_nothing_is_known() -> None:
    verdict = found(DeploymentTarget(watchers={"kibana": Server(url="http://127.0.0.1:1")}))
    assert verdict.status is Status.UNKNOWN
    assert "connection refused" in verdict.observed


def test_what_was_not_asked_for_is_no_pass() -> None:
    assert judge_discover((), WANTED).status is Status.FAIL
    assert judge_discover((HeldObject(id=VIEW[1]),), ()).status is Status.UNKNOWN
    assert judge_discover(Missing(why="no time"), WANTED).status is Status.UNKNOWN
