"""A deploy is allowed while more of each budget is left than was asked for."""

from __future__ import annotations

import math

from scenarios.deployment.budget import Budgets, judge_budgets, recorded_budget
from scenarios.deployment.seen import Missing
from scenarios.verdict import Status, Verdict
from stack.clients.prometheus import Sample
from stack.production import production_files
from stack.rules import load_rules


def left(value: float, slo: str = "latency", service: str = "shop") -> Sample:
    return Sample(labels={"slo": slo, "service": service}, value=value, at=1.0)


def judged(*samples: Sample, service: str = "", minimum: float = 0.0) -> Verdict:
    seen = Budgets(series="softfactory:slo_budget_remaining:ratio", samples=samples)
    return judge_budgets(seen, service=service, minimum=minimum)


def test_the_series_is_the_one_that_the_rules_record() -> None:
    rules = load_rules(production_files().rules.read_text(), "alert-rules.yml")
    assert recorded_budget(rules) == "softfactory:slo_budget_remaining:ratio"
    assert recorded_budget(load_rules("groups: []")) is None


def test_some_left_of_each_passes_with_the_least() -> None:
    found = judged(left(0.9), left(0.25, "success"))
    assert found.status is Status.PASS
    assert found.observed == "25% or more, success of shop the least"


def test_a_spent_one_fails_and_is_named() -> None:
    found = judged(left(0.9), left(-0.5, "success"))
    assert (found.status, found.observed) == (Status.FAIL, "success of shop: -50% is left")


def test_less_than_was_asked_for_fails() -> None:
    assert judged(left(0.4), minimum=0.5).status is Status.FAIL
    assert judged(left(0.6), minimum=0.5).status is Status.PASS


def test_anothers_budget_counts_unless_a_service_is_named() -> None:
    other = left(-1.0, service="blog")
    assert judged(left(0.5), other).status is Status.FAIL
    assert judged(left(0.5), other, service="shop").status is Status.PASS


def test_no_number_is_not_known_and_outweighed_by_a_failure() -> None:
    assert judged().status is Status.UNKNOWN
    assert judged(left(0.5), left(math.nan, "success")).status is Status.UNKNOWN
    assert judged(left(-0.5), left(math.nan, "success")).status is Status.FAIL
    assert judge_budgets(Missing(why="no"), service="", minimum=0).status is Status.UNKNOWN
