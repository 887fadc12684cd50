"""The past of error budgets is healthy, and latency's is nearly spent."""

import pytest

from scenarios.past import BAD, SPENT, TOTAL, healthy_past
from stack.production import production_files
from stack.rules import load_rules

RULES = load_rules(production_files().rules.read_text(), "alert-rules.yml")


@pytest.mark.parametrize("slo", SPENT)
def test_a_past_has_spent_the_share_of_its_budget_that_it_says(slo: str) -> None:
    series = {one.name: one for one in healthy_past(RULES, {"shop": 5}) if one.labels["slo"] == slo}
    budgets = {"availability": 0.001, "latency": 0.05, "success": 0.0001}
    assert series[TOTAL].value == (1 if slo == "availability" else 5)
    assert series[BAD].value / series[TOTAL].value == pytest.approx(SPENT[slo] * budgets[slo])


def test_every_service_has_every_objective_with_exactly_the_labels_of_the_rules() -> None:
    made = [(one.name, dict(one.labels)) for one in healthy_past(RULES, {"a": 1, "b": 2})]
    assert len(made) == 2 * 2 * len(SPENT)
    assert {frozenset(labels) for _, labels in made} == {frozenset({"service", "slo"})}
