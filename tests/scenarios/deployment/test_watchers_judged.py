"""A watcher is ready where it says so; what asks who is asking is not known."""

from __future__ import annotations

import json

import pytest

from scenarios.deployment.seen import Missing
from scenarios.deployment.target import Watcher
from scenarios.deployment.visit import Answer
from scenarios.deployment.watchers import Readiness, judge_ready, read_cluster, read_readiness
from scenarios.verdict import Status


def said(name: Watcher, status: int, body: object = "") -> Readiness:
    text = body if isinstance(body, str) else json.dumps(body)
    url = f"https://{name}.shop.io"
    return read_readiness(
        name, Answer(url=url, status=status, content_type="", location="", text=text)
    )


def kibana(level: str) -> object:
    return {"status": {"overall": {"level": level}}}


@pytest.mark.parametrize(
    ("seen", "status"),
    [
        (said("prometheus", 200), Status.PASS),
        (said("prometheus", 503), Status.FAIL),
        (said("alertmanager", 302), Status.FAIL),
        (said("alertmanager", 401), Status.UNKNOWN),
        (said("grafana", 200, {"database": "ok"}), Status.PASS),
        (said("grafana", 200, {"database": "failing"}), Status.FAIL),
        (said("grafana", 200, "<html>log in</html>"), Status.FAIL),
        (said("kibana", 200, kibana("available")), Status.PASS),
        (said("kibana", 200, kibana("degraded")), Status.FAIL),
        (said("kibana", 200, "[]"), Status.FAIL),
        (read_cluster("green", 1), Status.PASS),
        (read_cluster("yellow", 1), Status.PASS),
        (read_cluster("red", 3), Status.FAIL),
    ],
)
def test_a_watcher_is_judged_by_what_it_says(seen: Readiness, status: Status) -> None:
    assert judge_ready("It", seen).status is status


def test_what_was_not_seen_is_not_known() -> None:
    assert judge_ready("Kibana", Missing(why="no time")).status is Status.UNKNOWN
