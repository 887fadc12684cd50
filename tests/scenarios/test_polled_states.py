"""Where samples of ALERTS tell too little, states are read by asking, and no more is claimed."""

from __future__ import annotations

from typing import Literal

import pytest

from scenarios.alert_states import RuleTimes
from scenarios.history import Kind
from scenarios.polled_states import PolledStates
from stack.clients.prometheus import ActiveAlert

RULES = {"SlowResponseTime": RuleTimes(0.25, for_seconds=2.1)}


def alert(state: Literal["pending", "firing"], since: float) -> ActiveAlert:
    labels = {"alertname": "SlowResponseTime", "service": "slow"}
    return ActiveAlert(labels=labels, state=state, active_at=since, value=1.0)


def looks(*each: tuple[float, ActiveAlert | None]) -> list[tuple[Kind, float]]:
    states = PolledStates(0.25)
    steps = []
    for at, one in each:
        steps += states.advance([one] if one else [], at=at, rules=RULES)
    return [(step.kind, step.at) for step in steps]


def test_it_was_pending_since_the_engine_says_so_and_fired_at_the_evaluation_after_its_for() -> (
    None
):
    seen = looks((10.4, alert("pending", 10.0)), (12.4, alert("firing", 10.0)))
    assert seen == [(Kind.PENDING, 10.0), (Kind.FIRING, 12.25)]


def test_one_that_fires_when_it_is_seen_first_was_pending_all_the_same() -> None:
    assert looks((13.0, alert("firing", 10.0))) == [(Kind.PENDING, 10.0), (Kind.FIRING, 12.25)]


def test_it_did_not_fire_while_it_was_seen_pending() -> None:
    seen = looks((12.6, alert("pending", 10.0)), (12.9, alert("firing", 10.0)))
    assert seen[-1] == (Kind.FIRING, 12.6)


def test_it_did_not_fire_after_it_was_seen_to() -> None:
    assert looks((12.1, alert("firing", 10.0)))[-1] == (Kind.FIRING, 12.1)


def test_it_ended_at_the_first_evaluation_after_it_was_seen_last() -> None:
    seen = looks((10.0, alert("pending", 10.0)), (10.25, None), (10.5, None))
    assert seen == [(Kind.PENDING, 10.0), (Kind.INACTIVE, 10.25)]


def test_one_that_went_and_came_back_between_two_looks_was_gone() -> None:
    seen = looks((10.0, alert("pending", 10.0)), (10.8, alert("pending", 10.75)))
    assert seen == [(Kind.PENDING, 10.0), (Kind.INACTIVE, 10.25), (Kind.PENDING, 10.75)]


@pytest.mark.parametrize("state", ["pending", "firing"])
def test_what_stays_as_it_is_changes_nothing(state: Literal["pending", "firing"]) -> None:
    first = looks((13.0, alert(state, 10.0)))
    assert looks((13.0, alert(state, 10.0)), (14.0, alert(state, 10.0))) == first
