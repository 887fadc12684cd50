"""What the service's distribution requires is installed where the gate runs."""

import pytest

from scenarios.deployment.dependencies import Required, judge_requirements, requirements
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(AFTER)
@pytest.mark.observes(what=requirements)
def test_dependencies_are_installed(
    observed: tuple[Required, ...] | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_requirements(observed, deployment.distribution))
