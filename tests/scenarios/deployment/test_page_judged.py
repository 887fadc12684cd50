"""The test alert is taken by every provider, or it is told by which it was not."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from datetime import timedelta

import pytest

from scenarios.budget import ALLOWANCE, NOTIFY_MINIMUM
from scenarios.deployment.asking import ask
from scenarios.deployment.page_test import (
    Counted,
    Told,
    judge_confirmed,
    judge_page,
    patience_of,
    question,
    read_counters,
    wanted_of,
)
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status
from stack.production import production_files
from stack.routes import load_routes

TAKEN = Told(
    alert="GateTest0a1b2c3d",
    severity="CRITICAL",
    channels=("pagerduty", "slack #incidents"),
    wanted={"pagerduty": 1, "slack": 1},
    counted={"pagerduty": Counted(begun=1, tried=1), "slack": Counted(begun=1, tried=1)},
    waited_seconds=31.0,
    group_interval=timedelta(minutes=1),
)


def test_taken_by_each_passes_with_the_channels() -> None:
    found = judge_page(TAKEN)
    assert found.status is Status.PASS
    assert found.observed.startswith("pagerduty, slack #incidents in 31 s")
    assert "within 1m" in found.observed


@pytest.mark.parametrize(
    ("slack", "says"),
    [
        (Counted(), "slack: 0 begun, 0 of 1 taken"),
        (Counted(begun=1, tried=3, refused=3), "slack: 1 begun, 0 of 1 taken, 3 refused"),
        (Counted(begun=1, tried=1, refused=1, given_up=1), "1 given up"),
    ],
)
def test_one_that_was_not_taken_fails_and_is_named(slack: Counted, says: str) -> None:
    found = judge_page(replace(TAKEN, counted={**TAKEN.counted, "slack": slack}))
    assert found.status is Status.FAIL
    assert says in found.observed
    assert "pagerduty" not in found.observed


def test_a_severity_that_nobody_is_told_of_fails() -> None:
    assert judge_page(replace(TAKEN, wanted={}, counted={})).status is Status.FAIL


def test_what_was_not_sent_is_not_known() -> None:
    assert judge_page(Missing(why="muted")).status is Status.UNKNOWN
    assert judge_confirmed(True, Missing(why="muted")).status is Status.UNKNOWN


def test_a_person_says_whether_it_came() -> None:
    assert judge_confirmed(True, TAKEN).status is Status.PASS
    assert judge_confirmed(False, TAKEN).status is Status.FAIL
    assert judge_confirmed(None, TAKEN).status is Status.UNKNOWN
    assert question(TAKEN) == "Did GateTest0a1b2c3d come at pagerduty, slack #incidents? [y/n] "


def test_counters_are_summed_by_integration_and_subtracted() -> None:
    text = """\
# TYPE alertmanager_notifications_total counter
alertmanager_notifications_total{integration="slack",receiver_name="a"} 2
alertmanager_notifications_total{integration="slack",receiver_name="b"} 3
# TYPE alertmanager_notifications_failed_total counter
alertmanager_notifications_failed_total{integration="slack",reason="clientError"} 1
# TYPE alertmanager_notification_requests_total counter
alertmanager_notification_requests_total{integration="slack"} 9
# TYPE alertmanager_notification_requests_failed_total counter
alertmanager_notification_requests_failed_total{integration="slack"} 4
# TYPE alertmanager_alerts gauge
alertmanager_alerts{state="active"} 1
"""
    now = read_counters(text)
    assert now == {"slack": Counted(begun=5, given_up=1, tried=9, refused=4)}
    assert now["slack"].since(Counted(begun=4, tried=8, refused=4)) == Counted(
        begun=1, given_up=1, tried=1, refused=0
    )
    assert now["slack"].accepted == 5


def test_who_is_told_how_often_and_how_late_follows_from_the_routes() -> None:
    text = production_files().alertmanager.read_text(encoding="utf-8")
    routes = load_routes(text).route_for({"severity": "CRITICAL"})
    assert wanted_of(text, {one.receiver for one in routes}) == {"pagerduty": 1, "slack": 1}
    assert patience_of(routes) == timedelta(seconds=30) + NOTIFY_MINIMUM + ALLOWANCE


@pytest.mark.parametrize(
    ("typed", "answer"),
    [("y\n", True), ("No\n", False), ("perhaps\nyes\n", True), ("", None), ("perhaps\n", None)],
)
def test_an_answer_is_yes_or_no_or_none(typed: str, answer: bool | None) -> None:
    reading, writing = os.pipe()
    os.write(writing, typed.encode())
    os.close(writing)
    said = io.StringIO()
    # Unbuffered, as a terminal gives a line at a time.
    with (
        os.fdopen(reading, "rb", buffering=0) as raw,
        io.TextIOWrapper(raw, write_through=True) as of,
    ):
        assert ask("came? ", 5.0, of=of, say=said) is answer
    assert said.getvalue().startswith("came? ")


def test_silence_is_no_answer() -> None:
    reading, writing = os.pipe()
    with os.fdopen(reading) as of:
        assert ask("came? ", 0.05, of=of, say=io.StringIO()) is None
    os.close(writing)
