"""What fires in Prometheus is held by the Alertmanager that was named."""

import pytest

from scenarios.deployment.firing import Passed, heartbeats, judge_passed, passed_on
from scenarios.deployment.needs import ALERTMANAGER, PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER
from scenarios.verdict import Judging
from stack.rules import RuleSet


@pytest.mark.stage(AFTER)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.needs(ALERTMANAGER)
@pytest.mark.observes(what=passed_on)
def test_alerts_get_through(
    observed: Passed | Missing, wanted_rules: RuleSet, judge: Judging
) -> None:
    judge(judge_passed(observed, heartbeats(wanted_rules)))
