"""Prometheus scrapes every instance, and what watches."""

import pytest

from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER, DeploymentTarget
from scenarios.deployment.targets import judge_targets, scraped
from scenarios.verdict import Judging
from stack.clients.prometheus import Target


@pytest.mark.stage(AFTER)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=scraped)
def test_targets_are_up(
    observed: tuple[Target, ...] | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_targets(observed, deployment.service))
