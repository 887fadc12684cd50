"""Prometheus keeps samples for as long as this environment should."""

import pytest

from scenarios.deployment.kept import judge_samples, samples_kept
from scenarios.deployment.needs import PROMETHEUS
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(PROMETHEUS)
@pytest.mark.observes(what=samples_kept)
def test_samples_are_kept(
    observed: str | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_samples(observed, deployment.retention_days))
