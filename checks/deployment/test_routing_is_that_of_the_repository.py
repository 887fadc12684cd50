"""Alertmanager runs with the routing that the repository has."""

import pytest

from scenarios.deployment.needs import ALERTMANAGER
from scenarios.deployment.routing import LoadedRouting, judge_routing, loaded_routing
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(ALERTMANAGER)
@pytest.mark.observes(what=loaded_routing)
def test_routing_is_that_of_the_repository(
    observed: LoadedRouting | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    file = deployment.files.alertmanager
    judge(judge_routing(observed, file.read_text(encoding="utf-8"), file.name))
