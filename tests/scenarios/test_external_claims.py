"""What is seen of somebody else's stack fails where it is ill; of an idle one nothing is known."""

from __future__ import annotations

import pytest

from scenarios.external_claims import alertmanager_known, rules_evaluated, targets_answer
from scenarios.verdict import Status
from stack.clients.prometheus import RuleSnapshot, Target


def target(health: str, job: str = "shop") -> Target:
    return Target(
        labels={"job": job},
        health=health,
        last_scrape=0.0 if health == "unknown" else 1.0,
        last_error="refused" if health == "down" else "",
        scrape_url=f"http://{job}:1/metrics",
    )


def rule(health: str, last_evaluation: float = 1.0) -> RuleSnapshot:
    return RuleSnapshot(
        group="g",
        name="Slow",
        health=health,
        every_seconds=1.0,
        for_seconds=0.0,
        last_error="many-to-many" if health == "err" else "",
        last_evaluation=last_evaluation,
        evaluation_seconds=0.0,
        alerts=(),
    )


@pytest.mark.parametrize(
    ("targets", "status"),
    [
        ([target("up")], Status.PASS),
        ([target("up"), target("down")], Status.FAIL),
        ([target("up"), target("down", job="softfactory")], Status.PASS),
        ([target("up"), target("unknown")], Status.UNKNOWN),
        ([target("up", job="softfactory")], Status.UNKNOWN),
        ([], Status.UNKNOWN),
    ],
)
def test_a_target_that_is_down_fails_and_none_at_all_is_not_known(
    targets: list[Target], status: Status
) -> None:
    assert targets_answer(targets, drilled=("softfactory",)).status is status


@pytest.mark.parametrize(
    ("rules", "status"),
    [
        ([rule("ok")], Status.PASS),
        ([rule("ok"), rule("err")], Status.FAIL),
        ([rule("ok"), rule("unknown", last_evaluation=0.0)], Status.UNKNOWN),
        ([], Status.UNKNOWN),
    ],
)
def test_a_rule_that_fails_fails_and_one_that_was_not_evaluated_is_not_known(
    rules: list[RuleSnapshot], status: Status
) -> None:
    assert rules_evaluated(rules).status is status


def test_an_engine_that_tells_nobody_fails() -> None:
    assert alertmanager_known(1, "route: {}").status is Status.PASS
    assert alertmanager_known(0, "route: {}").status is Status.FAIL
    assert alertmanager_known(1, "").status is Status.FAIL


def test_what_is_wrong_is_named() -> None:
    assert "http://shop:1/metrics: refused" in targets_answer([target("down")], drilled=()).observed
    assert "Slow: many-to-many" in rules_evaluated([rule("err")]).observed
