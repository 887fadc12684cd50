"""What a person reads before saying yes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.gameday.announcement import announcement
from scenarios.gameday.options import Options
from scenarios.gameday.stop import limits_of


@pytest.fixture
def announce(plans):
    def text(*names, hidden=False):
        some = [plans[name] for name in names]
        limits = {plan.drill.id: limits_of(plan, Options(scenarios=())) for plan in some}
        return announcement("gd-1", some, limits, where="in the shed", hidden=hidden)

    return text


def test_it_says_what_breaks_where_how_much_who_is_told_and_what_ends_it(announce, plans) -> None:
    text = announce("SlowResponseTime")
    plan = plans["SlowResponseTime"]
    for said in (
        *("in the shed", plan.drill.fault.text, "14% of the requests", "10/s"),
        *("EndpointSlow, SlowResponseTime", "email on-call, slack #alerts"),
        *("more than 25% errors", "p95 above 2.2 s", "any alert that is not declared"),
        *("q, Enter or Ctrl-C", "drill=true and drill_run=gd-1", "30 s longer"),
    ):
        assert said in text


def test_what_hits_everything_says_so(announce) -> None:
    assert "all of the requests to SoftFactoryDown-killed" in announce("SoftFactoryDown-killed")


def test_a_twin_says_that_nobody_is_told(announce) -> None:
    text = announce("HighErrorRate-below")
    assert "told      nobody" in text
    assert "declared  no alert at all" in text


def test_with_a_facilitator_it_tells_nothing_of_what_breaks(plans) -> None:
    plan = plans["SlowResponseTime"]
    hidden = replace(plan, drill=replace(plan.drill, alias="incident-1"))
    limits = {"incident-1": limits_of(plan, Options(scenarios=()))}
    text = announcement("gd-1", [hidden], limits, where="in the shed", hidden=True)
    assert "incident-1" in text
    for telling in ("Slow", "delay", "1.1", "14%", "p95", "slack", "HIGH"):
        assert telling not in text
