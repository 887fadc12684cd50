"""There is error budget left to spend on a deploy."""

import pytest

from scenarios.deployment.budget import Budgets, budgets, judge_budgets
from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=budgets)
def test_error_budget_is_left(
    observed: Budgets | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    service, minimum = deployment.service, deployment.budget_minimum_ratio
    judge(judge_budgets(observed, service=service, minimum=minimum))
