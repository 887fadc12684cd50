"""Elasticsearch deletes logs after as many days as this environment keeps them."""

import pytest

from scenarios.deployment.kept import LogsKept, judge_logs, logs_kept
from scenarios.deployment.needs import ELASTICSEARCH
from scenarios.deployment.seen import Missing
from scenarios.deployment.target import BEFORE, DeploymentTarget
from scenarios.verdict import Judging


@pytest.mark.stage(BEFORE)
@pytest.mark.needs(ELASTICSEARCH)
@pytest.mark.observes(what=logs_kept)
def test_logs_are_kept(
    observed: LogsKept | Missing, deployment: DeploymentTarget, judge: Judging
) -> None:
    judge(judge_logs(observed, deployment.retention_days))
