"""The service exposes every metric that the rules read of it."""

import pytest

from scenarios.deployment.exposition import Exposition, expositions, judge_names
from scenarios.deployment.needs import TARGET
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import AFTER, DeploymentTarget
from scenarios.verdict import Judging
from stack.rules import RuleSet


@pytest.mark.stage(AFTER)
@pytest.mark.needs(TARGET)
@pytest.mark.observes(what=expositions)
def test_metrics_are_there(
    observed: tuple[Exposition, ...] | Missing,
    wanted_rules: RuleSet,
    deployment: DeploymentTarget,
    judge: Judging,
) -> None:
    judge(judge_names(observed, wanted_rules, deployment.unused_alerts))
