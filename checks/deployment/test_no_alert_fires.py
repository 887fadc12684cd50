"""Nothing fires but what always does, and what was allowed."""

import pytest

from scenarios.deployment.firing import active, heartbeats, judge_quiet
from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER, BEFORE, DeploymentTarget
from scenarios.verdict import Judging
from stack.clients.prometheus import ActiveAlert
from stack.rules import RuleSet


@pytest.mark.stage(AFTER)
@pytest.mark.stage(BEFORE)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=active)
def test_no_alert_fires(
    observed: tuple[ActiveAlert, ...] | Missing,
    wanted_rules: RuleSet,
    deployment: DeploymentTarget,
    judge: Judging,
) -> None:
    verdict = judge_quiet(
        observed,
        always=heartbeats(wanted_rules),
        allowed=deployment.allowed_alerts,
        service=deployment.service,
    )
    judge(verdict)
