"""The stop conditions: pure functions of what was seen, each with a case on either side of it."""

from __future__ import annotations

from dataclasses import replace

import pytest

from scenarios.gameday.options import Options
from scenarios.gameday.stop import (
    BUDGET_SECONDS,
    DELAY_TOLERANCE,
    ERROR_TOLERANCE_RATIO,
    LEAST_ANSWERS,
    WINDOW_SECONDS,
    Limits,
    Seen,
    firing_in,
    limits_of,
    seen_of,
    success_budget,
    undeclared_beside,
    why_stop,
)
from scenarios.history import Kind
from stack.production import production_files
from stack.rules import RuleSet, load_rules

LIMITS = Limits(error_ratio=0.5, p95_seconds=2.0, burn_ratio=0.1)
WELL = Seen(
    drill="shop", answers=20, errors=10, rate_per_second=4.0, p95_ms=2000.0, burnt_ratio=0.1
)


def test_at_its_limits_nothing_is_stopped() -> None:
    assert why_stop(WELL, LIMITS) == ""


@pytest.mark.parametrize(
    ("changed", "reason"),
    [
        ({"errors": 11}, "55% of shop's answers are errors, more than 50%"),
        ({"p95_ms": 2001.0}, "p95 of shop is 2.0 s, more than 2 s"),
        ({"burnt_ratio": 0.11}, "shop has spent 11% of 30 days' error budget, more than 10%"),
        ({"undeclared": ("Other",)}, "Other fired for shop, which is not declared"),
    ],
)
def test_past_a_limit_it_is_stopped_and_the_reason_says_which(changed, reason) -> None:
    assert why_stop(replace(WELL, **changed), LIMITS) == reason


def test_a_few_answers_prove_neither_errors_nor_slowness() -> None:
    few = replace(WELL, answers=LEAST_ANSWERS - 1, errors=LEAST_ANSWERS - 1, p95_ms=9000.0)
    assert why_stop(few, LIMITS) == ""
    assert why_stop(replace(few, answers=LEAST_ANSWERS), LIMITS)


def test_a_limit_that_is_not_set_stops_nothing() -> None:
    none = Limits(error_ratio=None, p95_seconds=None, burn_ratio=1.0)
    assert why_stop(replace(WELL, errors=20, p95_ms=60_000.0), none) == ""


def test_limits_follow_from_what_the_fault_announces(plans) -> None:
    options = Options(scenarios=())
    slow = limits_of(plans["SlowResponseTime"], options)
    delay = plans["SlowResponseTime"].drill.fault.seconds
    assert slow.error_ratio == ERROR_TOLERANCE_RATIO
    assert slow.p95_seconds == DELAY_TOLERANCE * delay
    failing = plans["HighErrorRate"].drill.fault.share
    assert limits_of(plans["HighErrorRate"], options).error_ratio == failing + ERROR_TOLERANCE_RATIO
    killed = limits_of(plans["SoftFactoryDown-killed"], options)
    assert (killed.error_ratio, killed.p95_seconds) == (None, None)


def test_limits_that_are_asked_for_take_the_place_of_those(plans) -> None:
    options = Options(
        scenarios=(), stop_error_ratio=0.9, stop_p95_seconds=9.0, stop_burn_ratio=0.01
    )
    for plan in plans.values():
        assert limits_of(plan, options) == Limits(error_ratio=0.9, p95_seconds=9.0, burn_ratio=0.01)


def test_what_is_seen_is_of_the_last_seconds_and_the_budget_of_all(slow, sample, went) -> None:
    now = 1000.0
    old = [sample(now - WINDOW_SECONDS - 1, 10, errors=10)]
    late = [sample(now - 1, 10, errors=1), sample(now, 10, p95_ms=900.0)]
    seen = seen_of(slow, [*old, *late], went(), now=now, budget_ratio=0.0001)
    assert (seen.answers, seen.errors, seen.error_ratio) == (20, 1, 0.05)
    assert seen.rate_per_second == 20 / WINDOW_SECONDS
    assert seen.p95_ms == 900.0
    budget = slow.drill.load.per_second * BUDGET_SECONDS * 0.0001
    assert seen.burnt_ratio == pytest.approx(11 / budget)


def test_answers_that_never_came_are_errors_and_a_client_s_own_are_not(slow, sample, went) -> None:
    odd = replace(sample(1.0, 4), statuses={"200": 1, "0": 1, "404": 1, "503": 1})
    assert seen_of(slow, [odd], went(), now=1.0, budget_ratio=0.1).errors == 2


def test_alerts_that_the_drill_declares_are_no_reason_and_others_are(slow, went) -> None:
    declared = went((1.0, Kind.FIRING, "SlowResponseTime"), (2.0, Kind.FIRING, "EndpointSlow"))
    assert seen_of(slow, [], declared, now=3.0, budget_ratio=0.1).undeclared == ()
    other = went((1.0, Kind.FIRING, "HighErrorRate"), (2.0, Kind.INACTIVE, "HighErrorRate"))
    assert seen_of(slow, [], other, now=3.0, budget_ratio=0.1).undeclared == ("HighErrorRate",)


def test_what_fires_is_what_fired_and_has_not_ended(went) -> None:
    history = went((1.0, Kind.FIRING, "A"), (2.0, Kind.FIRING, "B"), (3.0, Kind.INACTIVE, "A"))
    assert firing_in(history) == ("B",)


def test_an_alert_of_a_service_that_nobody_breaks_is_a_reason(went) -> None:
    beside = {"control": went((1.0, Kind.FIRING, "Watchdog"))}
    assert undeclared_beside(beside, {"Watchdog"}) == ""
    assert "Watchdog fired" in undeclared_beside(beside, set())


def test_the_budget_is_that_of_the_rules() -> None:
    path = production_files().rules
    assert 0 < success_budget(load_rules(path.read_text(), path.name)) < 1
    with pytest.raises(ValueError, match="records no threshold:slo_error_budget:ratio"):
        success_budget(RuleSet(groups=()))
