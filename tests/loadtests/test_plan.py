"""The plan file and the commands become dataclasses, or an error that names the field."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loadtests.plan import (
    FaultOff,
    FaultOn,
    Flow,
    PlanError,
    Quit,
    UseCard,
    UseJourney,
    parse_command,
    parse_plan,
)


def plan() -> dict[str, Any]:
    return {
        "fault_secret_file": "/run/secret",
        "targets": [
            {
                "id": "slow",
                "host": "http://127.0.0.1:1234/",
                "rate_per_second": 20,
                "users": 40,
                "journey": {"GET /api/users": 5, "POST /api/payments": 1},
                "instance": "slow-1",
            }
        ],
    }


def test_a_plan_is_read() -> None:
    read = parse_plan(json.dumps(plan()))
    assert read.fault_secret_file == Path("/run/secret")
    assert read.timeout_seconds == 10.0
    (target,) = read.targets
    assert (target.id, target.host) == ("slow", "http://127.0.0.1:1234")
    assert (target.rate_per_second, target.users) == (20.0, 40)
    assert target.instance == "slow-1"
    assert target.journey == {"GET /api/users": 5.0, "POST /api/payments": 1.0}


def test_a_plan_may_say_how_long_faults_outlive_it() -> None:
    assert parse_plan(json.dumps(plan())).lease_seconds is None
    assert parse_plan(json.dumps({**plan(), "lease_seconds": 3})).lease_seconds == 3.0


def test_a_target_that_no_fault_is_signed_for_needs_no_instance() -> None:
    raw = plan()
    del raw["targets"][0]["instance"]
    assert parse_plan(json.dumps(raw)).targets[0].instance is None


@pytest.mark.parametrize(
    ("change", "named"),
    [
        (lambda raw: raw.update(targets=[]), "targets"),
        (lambda raw: raw["targets"].append(raw["targets"][0]), "twice there: slow"),
        (lambda raw: raw.update(timeout_seconds=0), "timeout_seconds"),
        (lambda raw: raw.update(lease_seconds=0), "lease_seconds"),
        (lambda raw: raw["targets"][0].pop("id"), "id"),
        (lambda raw: raw["targets"][0].update(users=1.5), "users"),
        (lambda raw: raw["targets"][0].update(instance=7), "instance"),
        (lambda raw: raw["targets"][0].update(rate_per_second=-1), "rate_per_second"),
        (lambda raw: raw["targets"][0].update(journey={}), "journey"),
        (lambda raw: raw["targets"][0].update(journey={"/api": 1}), "GET /api/users"),
        (lambda raw: raw["targets"][0].update(journey={"GET /api": True}), "GET /api"),
    ],
)
def test_a_wrong_plan_is_refused_by_name(
    change: Callable[[dict[str, Any]], object], named: str
) -> None:
    raw = plan()
    change(raw)
    with pytest.raises(PlanError, match=named):
        parse_plan(json.dumps(raw))


@pytest.mark.parametrize(
    ("line", "command"),
    [
        (
            '{"target":"a","fault":{"fault":"delay","seconds":1.5},"share":0.75}',
            FaultOn(target="a", fault={"fault": "delay", "seconds": 1.5}, share=0.75),
        ),
        ('{"target":"a","fault":null}', FaultOff(target="a")),
        ('{"target":"a","payment_method":"pm"}', UseCard(target="a", payment_method="pm")),
        ('{"target":"a","journey":{"GET /":1}}', UseJourney(target="a", journey={"GET /": 1.0})),
        ('{"quit":true}', Quit()),
    ],
)
def test_a_command_is_read(line: str, command: object) -> None:
    assert parse_command(line) == (command, None)


def test_a_command_keeps_its_number() -> None:
    assert parse_command('{"target":"a","fault":null,"id":7}') == (FaultOff(target="a"), 7)


@given(line=st.text() | st.recursive(st.none() | st.text(), st.lists).map(json.dumps))
def test_what_is_no_command_is_refused_and_nothing_else_happens(line: str) -> None:
    with pytest.raises(PlanError):
        parse_command(line)


@pytest.mark.parametrize(
    "line", ['{"target":"a"}', '{"target":"a","fault":3}', '{"target":"a","fault":{},"share":0}']
)
def test_a_half_command_is_refused_under_its_number(line: str) -> None:
    with pytest.raises(PlanError) as refused:
        parse_command(line)
    assert refused.value.number is None
    with pytest.raises(PlanError) as refused:
        parse_command(line.replace("{", '{"id":7,', 1))
    assert refused.value.number == 7


def test_a_target_may_begin_paused_and_flow_when_told() -> None:
    assert parse_command('{"target": "t", "flow": true}') == (Flow(target="t", on=True), None)
    assert parse_command('{"target": "t", "flow": false, "id": 3}') == (
        Flow(target="t", on=False),
        3,
    )


@pytest.mark.parametrize(
    "line",
    [
        '{"target": "t", "flow": 1}',
        '{"target": "t", "fault": {}, "share": 1, "only": "GET /"}',
        '{"target": "t", "fault": {}, "share": 1, "only": ["/api/users"]}',
    ],
)
def test_a_flow_or_a_selection_that_cannot_be_meant_is_refused(line: str) -> None:
    with pytest.raises(PlanError):
        parse_command(line)
