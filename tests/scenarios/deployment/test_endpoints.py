"""An endpoint is well where it answers 200 with JSON, and nothing else is."""

from __future__ import annotations

import json

import pytest

from scenarios.deployment.endpoints import Probed, judge_endpoints, read_answer
from scenarios.deployment.seen import Missing
from scenarios.deployment.visit import Answer
from scenarios.verdict import Status

URL = "https://shop.io/api/metrics/ready"


def answer(
    status: int, text: str = "{}", kind: str = "application/health+json", to: str = ""
) -> Answer:
    return Answer(url=URL, status=status, content_type=kind, location=to, text=text)


def verdict(*probed: Probed) -> Status:
    return judge_endpoints("the service is ready", probed).status


def test_200_with_json_is_well() -> None:
    assert verdict(read_answer(answer(200))) is Status.PASS


def test_a_failing_check_is_named() -> None:
    body = json.dumps(
        {
            "status": "fail",
            "checks": {
                "database": [{"status": "fail", "output": "connection refused"}],
                "disk": [{"status": "pass"}],
            },
        }
    )
    probed = read_answer(answer(503, body))
    assert probed.problem == "it answers 503: database: connection refused"
    assert verdict(probed) is Status.FAIL


@pytest.mark.parametrize("body", ["", "<html>", "[]", '{"checks": 3}', '{"checks": {"a": [1]}}'])
def test_any_other_body_of_a_failure_is_borne(body: str) -> None:
    assert read_answer(answer(500, body)).problem == "it answers 500"


def test_a_page_for_people_is_not_the_service() -> None:
    probed = read_answer(answer(200, "<html>", "text/html"))
    assert "as text/html and not JSON" in probed.problem
    assert verdict(probed) is Status.FAIL


def test_a_redirection_to_a_login_is_not_an_answer() -> None:
    probed = read_answer(answer(302, "", "text/html", to="https://login.shop.io"))
    assert probed.problem == "it answers 302: https://login.shop.io"
    assert verdict(probed) is Status.FAIL


@pytest.mark.parametrize("status", [401, 403])
def test_one_who_asks_who_is_asking_is_not_known(status: int) -> None:
    found = judge_endpoints("the service answers", (read_answer(answer(status)),))
    assert found.status is Status.UNKNOWN
    assert "--token-file" in found.look


def test_one_of_two_instances_that_fails_is_a_failure_and_named() -> None:
    dead = Probed(url="https://b.shop.io", status=None, problem="connection refused")
    found = judge_endpoints("the service answers", (read_answer(answer(200)), dead))
    assert found.status is Status.FAIL
    assert found.observed == "https://b.shop.io: connection refused"


def test_a_failure_outweighs_what_is_not_known() -> None:
    dead = Probed(url="https://b.shop.io", status=None, problem="connection refused")
    assert verdict(read_answer(answer(401)), dead) is Status.FAIL


def test_nothing_asked_and_nothing_seen_are_no_pass() -> None:
    assert verdict() is Status.UNKNOWN
    assert judge_endpoints("it answers", Missing(why="no time")).status is Status.UNKNOWN
